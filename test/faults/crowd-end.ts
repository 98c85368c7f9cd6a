// SPDX-License-Identifier: Apache-2.0

/** What many clients leave behind when all of them are gone: nothing that nobody knows. */

import * as fs from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { mountsBelow } from "../helpers/mounts.ts";
import { type Process, processesWith } from "../helpers/processes.ts";
import { containerNames, type Scene, saveImage } from "./crowd-operations.ts";
import type { StorePlaces } from "./store-state.ts";

/** As long as containers may need to end and to be settled. */
const settleMs = 20_000;

/** @returns what should not be there, with the store emptied on the way */
export async function leftovers(scene: Scene, places: StorePlaces): Promise<string[]> {
  const { clients } = scene;
  const lade = async (...args: string[]) => {
    const { is, stdout, message } = await clients.command(args, true);
    if (is !== "done") problems.push(`${args.join(" ")}: ${message}${stdout}`);
    return stdout.toString();
  };
  const problems: string[] = [];
  await processesGone(places);
  problems.push(...unknownContainers(await lade("ps", "-a", "--format", "{{.Names}} {{.State}}")));
  for (const { imageId } of scene.archives) await saveImage(scene, imageId, false);
  const containers = (await lade("ps", "-aq")).split("\n").filter(Boolean);
  if (containers.length > 0) await lade("rm", "-f", ...containers);
  // It sweeps what dead commands left, as every command does that writes.
  await lade("container", "prune", "-f");
  await lade("image", "prune", "-f");
  const check = await lade("system", "check");
  if (!check.includes("No problems found")) problems.push(`system check: ${check}`);
  problems.push(...folderRemains(places), ...rowRemains(places, containerTables));
  const images = (await lade("images", "-aq")).split("\n").filter(Boolean);
  if (images.length > 0) await lade("rmi", "-f", ...new Set(images));
  problems.push(...rowRemains(places, imageTables));
  problems.push(...blobRemains(places));
  for (const { pid, command } of processesOf(places)) {
    problems.push(`process ${pid} is left: ${command}`);
  }
  return problems;
}

/** A `run` that was killed before its container started leaves that, as in Docker. */
function unknownContainers(list: string): string[] {
  const rows = list.split("\n").filter(Boolean);
  return rows.flatMap((row) => {
    const [name = "", state = ""] = row.split(" ");
    if (containerNames.some((known) => known === name)) return [];
    return /^run\d+$/.test(name) && state === "created" ? [] : [`container ${name} is ${state}`];
  });
}

const containerTables = ["container", "container_layer", "exec", "endpoint", "container_volume"];
const imageTables = ["image", "image_layer", "tag", "manifest", "manifest_layer", "blob", "layer"];

function rowRemains({ root }: StorePlaces, tables: readonly string[]): string[] {
  const database = new DatabaseSync(join(root, "lade.db"), { readOnly: true });
  try {
    return tables.flatMap((table) => {
      const rows = database.prepare(`SELECT * FROM ${table}`).all();
      return rows.length === 0 ? [] : [`${table}: ${rows.length} rows: ${JSON.stringify(rows[0])}`];
    });
  } finally {
    database.close();
  }
}

/** Of all containers: these stay. */
const commonLocks = ["driver", "mounts"];

function folderRemains({ root, runRoot }: StorePlaces): string[] {
  const folders = [
    join(root, "ingest"),
    join(root, "containers"),
    ...["containers", "layers", "layer-users", "netns", "exits", "locks"].map((name) =>
      join(runRoot, name),
    ),
  ];
  const isKnown = (path: string) =>
    commonLocks.some((name) => path === join(runRoot, "locks", name));
  const left = folders
    .flatMap((folder) => listed(folder).map((name) => join(folder, name)))
    .filter((path) => !isKnown(path));
  const mounts = mountsBelow(fs.readFileSync("/proc/self/mountinfo", "utf8"), runRoot);
  return [...left.map((path) => `left: ${path}`), ...mounts.map((path) => `mounted: ${path}`)];
}

function blobRemains({ root }: StorePlaces): string[] {
  return ["blobs/sha256", "indexes/sha256"].flatMap((folder) =>
    listed(join(root, folder)).map((name) => `left: ${folder}/${name}`),
  );
}

function listed(folder: string): string[] {
  return fs.existsSync(folder) ? fs.readdirSync(folder) : [];
}

async function processesGone(places: StorePlaces): Promise<void> {
  const end = Date.now() + settleMs;
  while (processesOf(places).length > 0 && Date.now() < end) await delay(50);
}

function processesOf({ runRoot }: Pick<StorePlaces, "runRoot">): Process[] {
  return processesWith(runRoot);
}
