// SPDX-License-Identifier: Apache-2.0

import { isLadeError, LadeError } from "../../base/errors.ts";
import { connectNetwork, disconnectNetwork } from "../../engine/network-connect.ts";
import { createNetwork } from "../../engine/network-create.ts";
import { inspectNetwork, listNetworks } from "../../engine/network-list.ts";
import { pruneNetworks, removeNetwork } from "../../engine/network-remove.ts";
import { goQuote } from "../../spec/go-quote.ts";
import { type Answer, empty, json } from "../answer.ts";
import { type Call, param } from "../call.ts";
import type { Route } from "../route.ts";
import { connectBody, disconnectBody, type NetworkBody, networkBody } from "../schema/networks.ts";

const forbidden = 403;

/**
 * Docker forbids what is in the way of others on a network, where elsewhere it is a conflict.
 *
 * @param conflict the one that is none that is forbidden
 */
async function forbidding(work: Promise<Answer>, conflict?: string): Promise<Answer> {
  try {
    return await work;
  } catch (error) {
    if (isLadeError(error) && error.kind === "conflict" && error.message !== conflict) {
      return json({ message: error.message }, forbidden);
    }
    throw error;
  }
}

async function list({ engine, query }: Call): Promise<Answer> {
  return json(await listNetworks(engine, query.filters()));
}

async function inspect(call: Call): Promise<Answer> {
  const { query } = call;
  const id = param(call, "id");
  checkBoolean("verbose", query.text("verbose"));
  const scope = query.text("scope");
  if (scope !== "" && scope !== "local") {
    throw new LadeError("NETWORK_NOT_FOUND", `network ${id} not found`);
  }
  return json(await inspectNetwork(call.engine, id));
}

/** @throws LadeError API_INVALID for what Go's `strconv.ParseBool` does not take */
function checkBoolean(name: string, text: string): void {
  if (text === "" || /^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(text)) return;
  throw new LadeError(
    "API_INVALID",
    `invalid value for ${name}: ${text}: strconv.ParseBool: parsing ${goQuote(text)}: invalid syntax`,
  );
}

async function create(call: Call): Promise<Answer> {
  const asked = await call.json(networkBody);
  const { Name: name = "" } = asked;
  for (const [isAsked, what] of [
    [!["", "local"].includes(asked.Scope ?? ""), `Scope ${asked.Scope}`],
    [asked.EnableIPv4 === false && call.version >= 48, "EnableIPv4 false"],
    [asked.Ingress === true, "Ingress"],
    [asked.ConfigOnly === true, "ConfigOnly"],
    [(asked.ConfigFrom?.Network ?? "") !== "", "ConfigFrom"],
  ] as const) {
    if (isAsked) throw new LadeError("UNSUPPORTED", `network ${name}: ${what} is not supported`);
  }
  return await forbidding(make(call, asked), `network with name ${name} already exists`);
}

async function make(call: Call, asked: NetworkBody): Promise<Answer> {
  const { Name: name = "", IPAM: ipam } = asked;
  const { id, warnings } = await createNetwork(call.engine, {
    name,
    driver: asked.Driver,
    internal: asked.Internal,
    attachable: asked.Attachable,
    enableIpv6: asked.EnableIPv6,
    ...(ipam !== undefined && {
      ipam: {
        Driver: ipam.Driver ?? "",
        Options: ipam.Options ?? null,
        Config: ipam.Config ?? [],
      },
    }),
    options: asked.Options,
    labels: asked.Labels,
  });
  return json({ Id: id, Warning: warnings.join("\n") }, 201);
}

async function remove(call: Call): Promise<Answer> {
  await removeNetwork(call.engine, param(call, "id"));
  return empty();
}

async function connect(call: Call): Promise<Answer> {
  const { Container: container = "", EndpointConfig: settings } = await call.json(connectBody);
  await connectNetwork(call.engine, param(call, "id"), container, settings);
  return empty(200);
}

async function disconnect(call: Call): Promise<Answer> {
  const { Container: container = "", Force: force } = await call.json(disconnectBody);
  await disconnectNetwork(call.engine, param(call, "id"), container, { force: force === true });
  return empty(200);
}

async function prune({ engine, query }: Call): Promise<Answer> {
  const { networksDeleted } = await pruneNetworks(engine, query.filters());
  return json({ NetworksDeleted: networksDeleted.length === 0 ? null : networksDeleted });
}

const works = { is: "works" } as const;

export const networkRoutes: readonly Route[] = [
  ...["/networks", "/networks/"].map(
    (path): Route => ({
      method: "GET",
      path,
      summary: "List networks",
      support: works,
      handle: list,
    }),
  ),
  {
    method: "POST",
    path: "/networks/create",
    summary: "Make a network",
    support: { is: "partly", missing: "other drivers than bridge, networks of a swarm" },
    handle: create,
  },
  {
    method: "POST",
    path: "/networks/prune",
    summary: "Remove networks that no container uses",
    support: works,
    handle: prune,
  },
  {
    method: "GET",
    path: "/networks/{id}",
    summary: "Inspect a network",
    support: works,
    handle: inspect,
  },
  {
    method: "DELETE",
    path: "/networks/{id}",
    summary: "Remove a network",
    support: works,
    handle: (call) => forbidding(remove(call)),
  },
  {
    method: "POST",
    path: "/networks/{id}/connect",
    summary: "Take a container to a network",
    support: { is: "partly", missing: "link-local addresses, driver options, gateway priority" },
    handle: (call) => forbidding(connect(call)),
  },
  {
    method: "POST",
    path: "/networks/{id}/disconnect",
    summary: "Take a container off a network",
    support: works,
    handle: (call) => forbidding(disconnect(call)),
  },
];
