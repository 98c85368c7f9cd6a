// SPDX-License-Identifier: Apache-2.0

import { isLadeError, LadeError } from "../../base/errors.ts";
import type { ContainerDocument, EndpointDocument } from "../../engine/container-types.ts";
import { createContainer } from "../../engine/create.ts";
import { diffContainer } from "../../engine/diff-container.ts";
import { exportContainer } from "../../engine/export.ts";
import { inspectContainer } from "../../engine/inspect-container.ts";
import { listContainers } from "../../engine/list-containers.ts";
import { pruneContainers } from "../../engine/prune-containers.ts";
import { removeContainer } from "../../engine/remove-container.ts";
import { renameContainer } from "../../engine/rename.ts";
import { topContainer } from "../../engine/top.ts";
import type { Filter } from "../../engine/types.ts";
import { updateContainer } from "../../engine/update.ts";
import { containerBody, updateBody } from "../../spec/container-body.ts";
import { type Answer, empty, json } from "../answer.ts";
import { type Call, param } from "../call.ts";
import { settleCreate } from "../create-versions.ts";
import type { Route } from "../route.ts";
import { archiveRoutes } from "./container-archive.ts";
import { lifeRoutes } from "./container-life.ts";

const works = { is: "works" } as const;

async function list(call: Call): Promise<Answer> {
  const { engine, query } = call;
  const containers = await listContainers(engine, {
    all: query.bool("all"),
    limit: query.integer("limit"),
    size: query.bool("size"),
    filters: [...query.filters(), ...oldOrderFilters(call)],
  });
  return json(containers);
}

/** Parameters of their own before there were filters of these names. */
function oldOrderFilters({ query }: Call): readonly Filter[] {
  return ["since", "before"]
    .map((key) => ({ key, value: query.text(key) }))
    .filter(({ value }) => value !== "");
}

async function create(call: Call): Promise<Answer> {
  const { engine, query, version, signal } = call;
  const asked = await call.json(containerBody);
  if (!call.hasBody) {
    throw new LadeError("API_INVALID", "invalid JSON: got EOF while reading request body");
  }
  const { body, warnings } = settleCreate(asked, version);
  try {
    const created = await createContainer(engine, {
      name: query.text("name"),
      body,
      platform: version >= 41 && query.text("platform") !== "" ? query.text("platform") : undefined,
      signal,
    });
    return json({ Id: created.id, Warnings: [...created.warnings, ...warnings] }, 201);
  } catch (error) {
    if (!isMissingPart(error)) throw error;
    return json({ message: error.message }, 400);
  }
}

/**
 * What is not there but the image: with 404 the docker command would pull the image and try again.
 */
function isMissingPart(error: unknown): error is LadeError {
  return isLadeError(error, "CONTAINER_NOT_FOUND") || isLadeError(error, "NETWORK_NOT_FOUND");
}

async function inspect(call: Call): Promise<Answer> {
  const { engine, query, version } = call;
  const document = await inspectContainer(engine, param(call, "id"), {
    size: query.bool("size"),
  });
  return json(version < 45 ? withOldAliases(document) : document);
}

const shortIdSize = 12;
const notUserDefined = new Set(["bridge", "default", "host", "none"]);

/** Until API 1.45 the short ID and the host name were among the aliases. */
function withOldAliases(document: ContainerDocument): ContainerDocument {
  const { Id: id, Config: config, NetworkSettings: settings } = document;
  const own = [id.slice(0, shortIdSize), config.Hostname ?? ""];
  const networks = Object.entries(settings.Networks).map(([name, endpoint]) => {
    if (notUserDefined.has(name)) return [name, endpoint];
    const aliases = [...new Set([...(endpoint.Aliases ?? []), ...own])];
    return [name, { ...endpoint, Aliases: aliases } satisfies EndpointDocument];
  });
  return { ...document, NetworkSettings: { ...settings, Networks: Object.fromEntries(networks) } };
}

async function update(call: Call): Promise<Answer> {
  const { PidsLimit: pidsLimit, ...asked } = await call.json(updateBody);
  const { warnings } = await updateContainer(call.engine, param(call, "id"), {
    ...asked,
    // What is not positive lifts the limit.
    ...(pidsLimit !== undefined &&
      call.version >= 40 && { PidsLimit: Math.max(0, pidsLimit ?? 0) }),
  });
  return json({ Warnings: warnings.length === 0 ? null : warnings });
}

async function remove(call: Call): Promise<Answer> {
  const { query } = call;
  await removeContainer(call.engine, param(call, "id"), {
    force: query.bool("force"),
    volumes: query.bool("v"),
    link: query.bool("link"),
  });
  return empty();
}

const changeKinds = { changed: 0, added: 1, deleted: 2 } as const;

async function changes(call: Call): Promise<Answer> {
  const found = await diffContainer(call.engine, param(call, "id"));
  const items = found.map(({ path, kind }) => ({ Path: path, Kind: changeKinds[kind] }));
  return json(items.length === 0 ? null : items);
}

async function prune({ engine, query }: Call): Promise<Answer> {
  const { containersDeleted, spaceReclaimed } = await pruneContainers(engine, query.filters());
  return json({
    ContainersDeleted: containersDeleted.length === 0 ? null : containersDeleted,
    SpaceReclaimed: spaceReclaimed,
  });
}

async function top(call: Call): Promise<Answer> {
  const words = call.query.text("ps_args");
  return json(await topContainer(call.engine, param(call, "id"), words === "" ? [] : [words]));
}

async function exportTar(call: Call): Promise<Answer> {
  return {
    type: "stream",
    contentType: "application/octet-stream",
    send: (sink) =>
      exportContainer(call.engine, {
        container: param(call, "id"),
        write: (bytes) => sink.write(bytes),
        signal: call.signal,
      }),
  };
}

/** Containers, but for the streams of their processes. */
export const containerRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/containers/json",
    summary: "List containers",
    support: works,
    handle: list,
  },
  {
    method: "POST",
    path: "/containers/create",
    summary: "Make a container",
    support: {
      is: "partly",
      missing: "devices by driver, image and cluster mounts, driver options of endpoints",
    },
    handle: create,
  },
  {
    method: "POST",
    path: "/containers/prune",
    summary: "Remove containers that don't run",
    support: works,
    handle: prune,
  },
  {
    method: "GET",
    path: "/containers/{id}/json",
    summary: "Inspect a container",
    support: works,
    handle: inspect,
  },
  {
    method: "GET",
    path: "/containers/{id}/top",
    summary: "List a container's processes",
    support: works,
    handle: top,
  },
  {
    method: "GET",
    path: "/containers/{id}/changes",
    summary: "List what changed in a container's files",
    support: works,
    handle: changes,
  },
  {
    method: "GET",
    path: "/containers/{id}/export",
    summary: "Send a container's files as a tar",
    support: works,
    handle: exportTar,
  },
  {
    method: "POST",
    path: "/containers/{id}/update",
    summary: "Change a container's limits and restart policy",
    support: works,
    handle: update,
  },
  ...lifeRoutes,
  ...archiveRoutes,
  {
    method: "POST",
    path: "/containers/{id}/rename",
    summary: "Rename a container",
    support: works,
    handle: async (call) => {
      await renameContainer(call.engine, param(call, "id"), call.query.text("name"));
      return empty();
    },
  },
  {
    method: "DELETE",
    path: "/containers/{id}",
    summary: "Remove a container",
    support: works,
    handle: remove,
  },
];
