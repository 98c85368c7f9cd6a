// SPDX-License-Identifier: Apache-2.0

/** Random layers, mounted by the kernel, against GNU tar and against the rules of Docker's unpacking. */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isLadeError } from "../../src/base/errors.ts";
import { encodeErofs } from "../../src/erofs/image.ts";
import { buildLayerTree } from "../../src/erofs/layer-tree.ts";
import { readLayerIndex } from "../../src/tar/layer-index.ts";
import { type TarEntry, tar } from "../fixtures/tar-builder.ts";
import { requireTool, runOrThrow } from "../helpers/tools.ts";
import { type FileFacts, treeFacts, withoutTimes } from "../helpers/tree-facts.ts";
import { simulateDocker } from "./docker-rules.ts";
import { indexOf, openLab, treeOf } from "./lab.ts";

const name = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(..."abcde".split("")) },
  { weight: 1, arbitrary: fc.integer({ min: 2, max: 255 }).map((size) => "n".repeat(size)) },
  { weight: 1, arbitrary: fc.constantFrom("!", "..a", ".-", "\xff", "\x01x", "a b\n") },
);
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));

const facts = fc.record({
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.constantFrom(0, 1, 65_536, 4_294_967_294),
  gid: fc.constantFrom(0, 7, 100_000),
  seconds: fc.oneof(fc.integer({ min: -(2 ** 31), max: 2 ** 33 }), fc.constantFrom(0, -1, 2 ** 31)),
  nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
  size: fc.oneof(fc.nat({ max: 1500 }), fc.constantFrom(0, 512, 4096, 20_000)),
  xattr: fc.option(fc.nat({ max: 1200 }), { freq: 5 }),
});

interface Made {
  readonly type: "0" | "1" | "2" | "3" | "4" | "5" | "6";
  readonly path: string;
  readonly other: string;
  readonly facts: typeof facts extends fc.Arbitrary<infer T> ? T : never;
}

const made: fc.Arbitrary<Made> = fc.record({
  type: fc.constantFrom(...(["0", "0", "0", "5", "5", "2", "1", "3", "4", "6"] as const)),
  path,
  other: path,
  facts,
});

const latin1 = (text: string) => Buffer.from(text, "latin1");

function entryOf({ type, path: name, other, facts: f }: Made): TarEntry {
  const whole = f.seconds < 0 && f.nanoseconds > 0 ? f.seconds + 1 : f.seconds;
  const fraction = f.seconds < 0 && f.nanoseconds > 0 ? 1e9 - f.nanoseconds : f.nanoseconds;
  const sign = f.seconds < 0 && whole === 0 ? "-" : "";
  const pax: Record<string, string | Uint8Array> = {
    mtime: `${sign}${whole}.${String(fraction).padStart(9, "0")}`,
  };
  const isPlain = type === "0" || type === "5";
  if (f.xattr !== null && isPlain) pax["SCHILY.xattr.user.x"] = Buffer.alloc(f.xattr, "x");
  return {
    name: latin1(type === "5" ? `${name}/` : name),
    type,
    linkName: type === "1" || type === "2" ? latin1(other) : "",
    ...(type === "0" && { body: Buffer.alloc(f.size, name, "latin1") }),
    mode: f.mode,
    uid: f.uid,
    gid: f.gid,
    longNames: "pax",
    pax: { ...pax, uid: String(f.uid), gid: String(f.gid) },
    ...((type === "3" || type === "4") && {
      devMajor: 1 + (f.uid % 4000),
      devMinor: f.seconds < 0 ? 3 : f.nanoseconds % 2 ** 20,
    }),
  };
}

/** Entries of which no two fight for a path, and whose hard links come after their files. */
function withoutClashes(list: readonly Made[]): Made[] {
  const kinds = new Map<string, "folder" | "other">();
  const files: string[] = [];
  const kept: Made[] = [];
  for (const one of list) {
    const parts = one.path.split("/");
    const above = parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
    const isFree = above.every((folder) => kinds.get(folder) !== "other") && !kinds.has(one.path);
    const target = files[one.facts.size % Math.max(1, files.length)];
    if (!isFree || (one.type === "1" && target === undefined)) continue;
    for (const folder of above) kinds.set(folder, "folder");
    kinds.set(one.path, one.type === "5" ? "folder" : "other");
    if (one.type === "0") files.push(one.path);
    const first = kept.find((file) => file.path === target && file.type === "0");
    // A link says of its file what the file says of itself, as tars do.
    kept.push(
      one.type === "1" && first
        ? { ...first, path: one.path, type: "1", other: target as string }
        : one,
    );
  }
  return kept;
}

/** Folders that no entry names have the time of unpacking. */
function comparable(all: Record<string, FileFacts>, list: readonly Made[]): unknown {
  const named = new Set(list.map((one) => one.path));
  const entries = Object.entries(all).filter(([name]) => name !== "");
  return entries.map(([name, one]) => [
    name,
    one.type === "directory" && !named.has(name) ? { ...one, mtime: "" } : one,
  ]);
}

describe("random layers", () => {
  it("are what GNU tar unpacks", async () => {
    const gnuTar = requireTool("tar", "tar");
    await fc.assert(
      fc.asyncProperty(fc.array(made, { maxLength: 40 }), async (list) => {
        using lab = openLab();
        const entries = withoutClashes(list);
        const bytes = tar(entries.map(entryOf));
        const root = lab.mount(bytes, { tarOffset: 512 * (list.length % 3) });
        const folder = lab.path("gnu");
        fs.mkdirSync(folder);
        fs.writeFileSync(lab.path("plain.tar"), bytes);
        const options = ["--xattrs", "--xattrs-include=*", "--same-owner", "--numeric-owner"];
        options.push("--delay-directory-restore");
        await runOrThrow(gnuTar, ["-C", folder, "-xpf", lab.path("plain.tar"), ...options]);
        assert.deepEqual(
          comparable(await treeFacts(root), entries),
          comparable(await treeFacts(folder), entries),
        );
      }),
      { numRuns: 30 },
    );
  });

  it("follow the rules of Docker's unpacking, whatever comes twice or through a symlink", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(made, { minLength: 2, maxLength: 30 }), async (list) => {
        using lab = openLab();
        const folder = lab.path("docker");
        const bytes = soundLayer(list.map(entryOf), folder);
        const root = lab.mount(bytes);
        const [shown, wanted] = [await treeFacts(root), await treeFacts(folder)];
        delete shown[""];
        delete wanted[""];
        assert.deepEqual(withoutTimes(shown), withoutTimes(wanted));
      }),
      { numRuns: 60 },
    );
  });

  it("give a value or an error of lade's, also from a damaged index", () => {
    fc.assert(
      fc.property(
        fc.array(made, { minLength: 1, maxLength: 8 }),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
        (list, changes) => {
          const bytes = tar(withoutClashes(list).map(entryOf));
          const index = Buffer.from(indexOf(bytes));
          for (const [offset, value] of changes) index[9 + (offset % (index.length - 9))] = value;
          try {
            const tree = buildLayerTree(readLayerIndex(index), { name: "layer" });
            const image = encodeErofs(tree, { tarOffset: 0, tarSize: bytes.length });
            assert.ok(image.size < 300 * 2 ** 20);
          } catch (error) {
            assert.ok(isLadeError(error), String(error instanceof Error ? error.stack : error));
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("give the same bytes each time", () => {
    fc.assert(
      fc.property(fc.array(made, { maxLength: 40 }), (list) => {
        const bytes = tar(withoutClashes(list).map(entryOf));
        const source = { tarOffset: 0, tarSize: bytes.length };
        const first = encodeErofs(treeOf(bytes), source);
        const tree = buildLayerTree(readLayerIndex(indexOf(bytes)), { name: "layer" });
        assert.deepEqual(encodeErofs(tree, source), first);
        assert.deepEqual(encodeErofs(tree, source), first);
      }),
      { numRuns: 100 },
    );
  });
});

/** The layer without the entries that Docker refuses, which is unpacked into the folder. */
function soundLayer(entries: readonly TarEntry[], folder: string): Buffer {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder);
  const bytes = tar(entries);
  const bad = simulateDocker(folder, treeEntries(bytes));
  return bad === undefined ? bytes : soundLayer(entries.toSpliced(bad, 1), folder);
}

function treeEntries(bytes: Buffer): ReturnType<typeof readLayerIndex> {
  return readLayerIndex(indexOf(bytes));
}
