// SPDX-License-Identifier: Apache-2.0

/**
 * Flips bits of a store's files and looks what comes of it: the right bytes, or an error. Then the
 * store is healed as a user would do it, and must be whole.
 */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { isLadeError } from "../../src/base/errors.ts";
import { checkStore } from "../../src/engine/check.ts";
import { getArchive } from "../../src/engine/copy-container.ts";
import { createContainer } from "../../src/engine/create.ts";
import { type Engine, openEngine } from "../../src/engine/engine.ts";
import { exportContainer } from "../../src/engine/export.ts";
import { listImages } from "../../src/engine/list.ts";
import { loadImages } from "../../src/engine/load.ts";
import { saveImages } from "../../src/engine/save.ts";
import { digestOf } from "../../src/spec/digest.ts";
import { setTimes } from "../../src/sys/file.ts";
import { statusOfPath } from "../../src/sys/status.ts";
import { containerdSingle } from "../fixtures/containerd.ts";
import { dockerSave25 } from "../fixtures/docker-oci.ts";
import { sampleImage } from "../fixtures/sample-image.ts";
import { openTestStore, type TestStore, writeFixture } from "../helpers/store.ts";
import { seededRandom } from "./random.ts";

export const rotten = ["blob", "index", "metadata image", "database"] as const;
export type Rotten = (typeof rotten)[number];

export interface RotResult {
  readonly what: Rotten;
  readonly flips: number;
  /** How often the flip was told of before use. */
  readonly found: number;
  readonly failures: readonly string[];
}

const uses = ["save", "run", "cp", "export", "load"] as const;
type Use = (typeof uses)[number];

/**
 * What hashes a blob once in each boot. The others mount, and go by size and time of the file: a
 * large image would take seconds to start. `system check` finds silent damage, too.
 */
const silentUses: ReadonlySet<Use> = new Set(["save", "load"]);

interface Rotting {
  readonly store: TestStore;
  readonly archives: readonly string[];
  readonly containers: readonly string[];
  /** What each use gives while all is well. */
  readonly right: Readonly<Record<string, string>>;
}

async function openRotting(): Promise<Rotting & AsyncDisposable> {
  const store = await openTestStore();
  const other = sampleImage({ flavour: "other" });
  const made = [containerdSingle(), dockerSave25([{ image: other, tags: ["other:1"] }])];
  const archives = made.map(({ archive }, index) =>
    writeFixture(store, `image${index}.tar`, archive),
  );
  const containers: string[] = [];
  for (const path of archives) await loadImages(store.engine, { path });
  for (const { id } of await listImages(store.engine)) {
    const body = { Image: id, Cmd: ["x"], HostConfig: { NetworkMode: "none" } };
    containers.push((await createContainer(store.engine, { body })).id);
  }
  const bare = { store, archives, containers, right: {} };
  const right: Record<string, string> = {};
  for (const use of uses) right[use] = await resultOf(bare, use);
  assert.deepEqual((await checkStore(store.engine, {})).findings, []);
  return { ...bare, right, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

/** A digest of all bytes that a use gives. */
async function resultOf({ store, containers, archives }: Rotting, use: Use): Promise<string> {
  const { engine, folder } = store;
  const out = join(folder, "out.tar");
  const parts: string[] = [];
  switch (use) {
    case "save":
      for (const { id } of await listImages(engine)) {
        await saveImages(engine, { names: [id], path: out });
        parts.push(digestOf(fs.readFileSync(out)));
      }
      break;
    case "load":
      for (const path of archives) parts.push(JSON.stringify(await loadImages(engine, { path })));
      break;
    case "run":
      for (const { id } of await listImages(engine)) {
        const body = { Image: id, Cmd: ["x"], HostConfig: { NetworkMode: "none" } };
        const made = await createContainer(engine, { body });
        parts.push(await treeOf(engine, made.id));
        const { removeContainer } = await import("../../src/engine/remove-container.ts");
        await removeContainer(engine, made.id, { force: true });
      }
      break;
    case "cp":
      for (const id of containers) parts.push(await treeOf(engine, id));
      break;
    case "export":
      for (const container of containers) {
        await exportContainer(engine, { container, path: out });
        parts.push(digestOf(fs.readFileSync(out)));
      }
  }
  return parts.join(" ");
}

/** The image's own: what lade puts into `/etc` of each container has times of its own. */
const treePaths = ["/app", "/bin", "/etc/os-release", "/usr"];

async function treeOf(engine: Engine, id: string): Promise<string> {
  const chunks: Buffer[] = [];
  for (const path of treePaths) {
    await getArchive(engine, id, path, (chunk) => void chunks.push(Buffer.from(chunk))).catch(
      (error: unknown) => {
        if (!isLadeError(error, "PATH_NOT_FOUND")) throw error;
      },
    );
  }
  assert.ok(chunks.length > 0);
  return digestOf(Buffer.concat(chunks));
}

/** A file of the kind, chosen at random. */
function fileOf({ store }: Rotting, what: Rotten, random: (below: number) => number): string {
  const { paths } = store.engine.store;
  const folder = what === "blob" ? paths.blobs : paths.indexes;
  const names = fs.readdirSync(folder).filter((name) => {
    return what === "blob" || name.endsWith(".erofs") === (what === "metadata image");
  });
  return join(folder, names[random(names.length)] as string);
}

interface Flip {
  readonly random: (below: number) => number;
  /** Neither size nor time tells of it, as where a disk fails. */
  readonly isSilent: boolean;
}

/** Changes one bit of a file. */
function flipBit(path: string, { random, isSilent }: Flip): string {
  const { size, mode } = fs.statSync(path);
  const { modified } = statusOfPath(path);
  const bytes = fs.readFileSync(path);
  // Most of a small database is zeros that nothing reads.
  let at = random(size);
  for (let tries = 0; tries < 50 && bytes[at] === 0; tries++) at = random(size);
  const bit = 2 ** random(8);
  const byte = bytes[at] as number;
  bytes[at] = Math.floor(byte / bit) % 2 === 0 ? byte + bit : byte - bit;
  fs.chmodSync(path, 0o600);
  fs.writeFileSync(path, bytes);
  fs.chmodSync(path, mode % 4096);
  const fd = fs.openSync(path, "r");
  try {
    // To the nanosecond, which dates of JavaScript don't have.
    const time = isSilent ? modified : { ...modified, seconds: modified.seconds + 1 };
    setTimes(fd, { accessed: time, modified: time });
  } finally {
    fs.closeSync(fd);
  }
  return `bit ${bit} of byte ${at} of ${path}`;
}

/** What was hashed in this boot is believed in it: a disk that rots is found by the next. */
function forgetHashes(engine: Engine): void {
  engine.store.database.run("UPDATE blob SET verified_boot = ''");
}

export interface RotOptions {
  readonly flips: number;
  readonly seed: number;
}

/** Flips bits of one kind of file, one at a time. */
export async function rot(
  what: Exclude<Rotten, "database">,
  options: RotOptions,
): Promise<RotResult> {
  await using rotting = await openRotting();
  const { below: random } = seededRandom(options.seed);
  const failures: string[] = [];
  let found = 0;
  for (let flip = 0; flip < options.flips && failures.length < 5; flip++) {
    const use = uses[flip % uses.length] as Use;
    // An index is sealed. A metadata image is believed as a layer is: for its size and time.
    const isSilent = what === "index" || (what === "blob" && silentUses.has(use));
    const place = flipBit(fileOf(rotting, what, random), { random, isSilent });
    forgetHashes(rotting.store.engine);
    try {
      const told = await tellsOf(rotting, use);
      if (told !== undefined) found++;
      if (what === "blob" && use !== "load") {
        const { findings } = await checkStore(rotting.store.engine, {});
        assert.ok(findings.length > 0, "the check finds nothing");
      }
      await heal(rotting, what);
    } catch (error) {
      failures.push(
        `${place}, then ${use}: ${String(error instanceof Error ? error.stack : error)}`,
      );
    }
  }
  return { what, flips: options.flips, found, failures };
}

/** @returns how it was told; undefined where the result is right all the same */
async function tellsOf(rotting: Rotting, use: Use): Promise<string | undefined> {
  try {
    assert.equal(await resultOf(rotting, use), rotting.right[use], "wrong bytes came out");
    return undefined;
  } catch (error) {
    if (!isLadeError(error)) throw error;
    assert.equal(error.kind, "data-loss", String(error));
    return error.message;
  }
}

async function heal(rotting: Rotting, what: Rotten): Promise<void> {
  const { engine } = rotting.store;
  for (const path of rotting.archives) await loadImages(engine, { path });
  if (what !== "blob") await checkStore(engine, { repair: true });
  assert.deepEqual((await checkStore(engine, {})).findings, [], "not healed");
  assert.equal(await resultOf(rotting, "save"), rotting.right.save, "healed wrongly");
}

/** Flips bits of the database's file: pages of it may be anything after that. */
export async function rotDatabase(options: RotOptions): Promise<RotResult> {
  await using rotting = await openRotting();
  const { store, right } = rotting;
  store.engine.store.database.run("PRAGMA wal_checkpoint(TRUNCATE)");
  const { below: random } = seededRandom(options.seed);
  const failures: string[] = [];
  let found = 0;
  const root = join(store.folder, "copy");
  for (let flip = 0; flip < options.flips && failures.length < 5; flip++) {
    fs.rmSync(root, { recursive: true, force: true });
    fs.cpSync(store.root, root, { recursive: true });
    const place = flipBit(join(root, "lade.db"), { random, isSilent: true });
    try {
      if (
        await tellsOfDatabase(root, { right: right.save ?? "", out: join(store.folder, "o.tar") })
      )
        found++;
    } catch (error) {
      failures.push(`${place}: ${String(error instanceof Error ? error.stack : error)}`);
    }
  }
  return { what: "database", flips: options.flips, found, failures };
}

async function tellsOfDatabase(
  root: string,
  { right, out }: { readonly right: string; readonly out: string },
): Promise<boolean> {
  try {
    await using engine = await openEngine({ root });
    const { findings } = await checkStore(engine, {});
    for (const { id } of await listImages(engine)) {
      await saveImages(engine, { names: [id], path: out });
      const saved = digestOf(fs.readFileSync(out));
      // Names and times are in the database only, and nothing there is hashed.
      const isRight = right.split(" ").includes(saved);
      if (!isRight && findings.length === 0) assertLayersRight(out);
    }
    return findings.length > 0;
  } catch (error) {
    if (!isLadeError(error)) throw error;
    return true;
  }
}

/** Each blob of the archive is what its name says. */
function assertLayersRight(path: string): void {
  const bytes = fs.readFileSync(path);
  for (let at = 0; at + 512 <= bytes.length; ) {
    const name =
      bytes
        .subarray(at, at + 100)
        .toString("latin1")
        .split("\0")[0] ?? "";
    const size = Number.parseInt(bytes.subarray(at + 124, at + 135).toString("latin1"), 8) || 0;
    const body = bytes.subarray(at + 512, at + 512 + size);
    const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
    if (hex !== undefined) assert.equal(digestOf(body), `sha256:${hex}`, "wrong bytes came out");
    at += 512 + Math.ceil(size / 512) * 512;
  }
}
