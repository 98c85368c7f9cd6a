// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../../base/errors.ts";
import {
  createVolume,
  inspectVolume,
  listVolumes,
  pruneVolumes,
  removeVolume,
} from "../../engine/volumes.ts";
import { type Answer, empty, json } from "../answer.ts";
import { type Call, param } from "../call.ts";
import type { Route } from "../route.ts";
import { volumeBody } from "../schema/volumes.ts";

async function list({ engine, query }: Call): Promise<Answer> {
  return json({ Volumes: await listVolumes(engine, query.filters()), Warnings: null });
}

async function create(call: Call): Promise<Answer> {
  const asked = await call.json(volumeBody);
  if (asked.ClusterVolumeSpec !== undefined && call.version >= 42) {
    throw new LadeError("UNSUPPORTED", "ClusterVolumeSpec: lade is not part of a swarm");
  }
  const volume = await createVolume(call.engine, {
    name: asked.Name,
    driver: asked.Driver,
    options: asked.DriverOpts,
    labels: asked.Labels,
  });
  return json(volume, 201);
}

async function remove(call: Call): Promise<Answer> {
  await removeVolume(call.engine, param(call, "name"), { force: call.query.bool("force") });
  return empty();
}

async function prune({ engine, query, version }: Call): Promise<Answer> {
  // Until API 1.42 volumes with names went, too.
  const all = version < 42 ? [{ key: "all", value: "true" }] : [];
  const { volumesDeleted, spaceReclaimed } = await pruneVolumes(engine, [
    ...query.filters(),
    ...all,
  ]);
  return json({
    VolumesDeleted: volumesDeleted.length === 0 ? null : volumesDeleted,
    SpaceReclaimed: spaceReclaimed,
  });
}

const works = { is: "works" } as const;

export const volumeRoutes: readonly Route[] = [
  { method: "GET", path: "/volumes", summary: "List volumes", support: works, handle: list },
  {
    method: "POST",
    path: "/volumes/create",
    summary: "Make a volume",
    support: { is: "partly", missing: "other drivers than local, volumes of a cluster" },
    handle: create,
  },
  {
    method: "POST",
    path: "/volumes/prune",
    summary: "Remove volumes that no container uses",
    support: works,
    handle: prune,
  },
  {
    method: "GET",
    path: "/volumes/{name}",
    summary: "Inspect a volume",
    support: works,
    handle: async (call) => json(await inspectVolume(call.engine, param(call, "name"))),
  },
  {
    method: "DELETE",
    path: "/volumes/{name}",
    summary: "Remove a volume",
    support: works,
    handle: remove,
  },
];
