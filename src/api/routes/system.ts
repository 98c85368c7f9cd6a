// SPDX-License-Identifier: Apache-2.0

import { release } from "node:os";
import { LadeError } from "../../base/errors.ts";
import { imageFacts } from "../../engine/image-facts.ts";
import { runtimeFacts } from "../../engine/machine-facts.ts";
import { diskUsage, systemInfo } from "../../engine/system.ts";
import { type Answer, json, text } from "../answer.ts";
import type { Call } from "../call.ts";
import { imageItem } from "../image-documents.ts";
import type { Route } from "../route.ts";
import { infoDocument, versionDocument } from "../system-documents.ts";

const pingHeaders = {
  "Cache-Control": "no-cache, no-store, must-revalidate",
  Pragma: "no-cache",
  "Builder-Version": "1",
  Swarm: "inactive",
};

async function info({ engine, version }: Call): Promise<Answer> {
  return json(infoDocument(await systemInfo(engine, { rootSize: false }), version));
}

async function version(): Promise<Answer> {
  return json(versionDocument(await runtimeFacts(), release()));
}

const usageTypes = ["container", "image", "volume", "build-cache"];
const usageTypesSince = 42;

/** @throws LadeError API_INVALID for a type that there is not */
function wantedTypes({ query, version: apiVersion }: Call): ReadonlySet<string> {
  if (apiVersion < usageTypesSince || !query.has("type")) return new Set(usageTypes);
  const wanted = query.list("type");
  const unknown = wanted.find((type) => !usageTypes.includes(type));
  if (unknown === undefined) return new Set(wanted);
  throw new LadeError("API_INVALID", `unknown object type: ${unknown}`);
}

async function usage(call: Call): Promise<Answer> {
  const { engine, version: apiVersion } = call;
  const types = wantedTypes(call);
  const used = await diskUsage(engine, {
    images: types.has("image"),
    containers: types.has("container"),
    volumes: types.has("volume"),
  });
  const context = {
    version: apiVersion,
    facts: imageFacts(engine),
    sharedSizes: new Map(used.images.map(({ id, sharedSize }) => [id, sharedSize])),
    countsContainers: true,
  };
  return json({
    ...(types.has("image") && {
      LayersSize: used.layersSize,
      Images: used.images.map((image) => imageItem(image, context)),
    }),
    ...(types.has("container") && { Containers: used.containers }),
    ...(types.has("volume") && { Volumes: used.volumes }),
    ...(types.has("build-cache") && { BuildCache: [] }),
    ...(apiVersion < usageTypesSince && { BuilderSize: 0 }),
  });
}

/** What the engine is, and what it is doing. */
export const systemRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/_ping",
    summary: "Is it there",
    support: { is: "works" },
    handle: async () => ({ ...text("OK"), headers: pingHeaders }),
  },
  {
    method: "HEAD",
    path: "/_ping",
    summary: "Is it there",
    support: { is: "works" },
    handle: async () => ({ ...text(""), headers: pingHeaders }),
  },
  {
    method: "GET",
    path: "/info",
    summary: "Facts on the engine and the machine",
    support: { is: "works" },
    handle: info,
  },
  {
    method: "GET",
    path: "/version",
    summary: "Versions of the engine and of what it runs",
    support: { is: "works" },
    handle: version,
  },
  {
    method: "GET",
    path: "/system/df",
    summary: "What takes how much disk space",
    support: { is: "works" },
    handle: usage,
  },
  {
    method: "POST",
    path: "/build/prune",
    summary: "Remove the builder's cache, which is always empty",
    support: { is: "works" },
    // `docker system prune` asks for it, too, and must not fail for what there is none of.
    handle: async () => json({ CachesDeleted: null, SpaceReclaimed: 0 }),
  },
  {
    method: "POST",
    path: "/swarm/leave",
    summary: "Leave a swarm, of which it is never a part",
    support: { is: "works" },
    // Clients that make sure of that first take this answer for a yes, and no other.
    handle: async () => json({ message: "This node is not part of a swarm" }, 503),
  },
];
