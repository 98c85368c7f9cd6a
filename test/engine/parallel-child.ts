// SPDX-License-Identifier: Apache-2.0

/**
 * One of many commands at once: works on a store that others work on at the same time.
 *
 * Arguments: the store's root, a folder of archives, a seed and how many things to do. Prints how each
 * ended, and exits 1 for an end that nobody could explain.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isLadeError } from "../../src/base/errors.ts";
import { checkStore } from "../../src/engine/check.ts";
import { openEngine } from "../../src/engine/engine.ts";
import { loadImages } from "../../src/engine/load.ts";
import { pruneImages } from "../../src/engine/prune.ts";
import { removeImage } from "../../src/engine/remove.ts";
import { saveImages } from "../../src/engine/save.ts";
import { tagImage } from "../../src/engine/tag.ts";

const [root = "", folder = "", seed = "0", count = "1"] = process.argv.slice(2);

let state = Number(seed) + 1;
/** A whole number below `limit`, from the seed. */
function random(limit: number): number {
  state = (state * 48_271) % 2_147_483_647;
  return state % limit;
}

const archives = readdirSync(folder).filter((name) => name.endsWith(".tar"));
const tags = ["demo:1", "demo:2", "other:1"];
const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;

const work: readonly (() => Promise<unknown>)[] = [
  load,
  load,
  load,
  () => tagImage(engine, pick(tags), pick(tags)),
  () => removeImage(engine, { name: pick(tags), force: random(2) === 0 }),
  () => pruneImages(engine, { all: random(3) === 0 }),
  save,
  check,
];

function load() {
  return loadImages(engine, { path: join(folder, pick(archives)) });
}

async function save() {
  const path = join(folder, `saved-${seed}`);
  await saveImages(engine, { names: [pick(tags)], path });
  // Read row by row, an image that somebody removes would be one without layers.
  assert.match(readFileSync(path, "latin1"), /"Layers":\["/);
  rmSync(path);
}

async function check() {
  const { findings } = await checkStore(engine, { repair: random(2) === 0 });
  assert.deepEqual(findings, []);
}

/** What may happen to one when others remove what it is at. */
const expected = ["IMAGE_NOT_FOUND", "IMAGE_IN_USE"] as const;

await using engine = await openEngine({ root });
const ends: string[] = [];
for (let left = Number(count); left > 0; left--) {
  try {
    await pick(work)();
    ends.push("ok");
  } catch (error) {
    if (!expected.some((code) => isLadeError(error, code))) throw error;
    ends.push(isLadeError(error) ? error.code : "");
  }
}
console.log(JSON.stringify(ends));
