// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import type { TarEntry } from "../fixtures/tar-builder.ts";

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

/** One entry of a random layer. */
export interface Made {
  readonly type: "0" | "1" | "2" | "3" | "4" | "5" | "6";
  readonly path: string;
  readonly other: string;
  readonly facts: typeof facts extends fc.Arbitrary<infer T> ? T : never;
}

export const made: fc.Arbitrary<Made> = fc.record({
  type: fc.constantFrom(...(["0", "0", "0", "5", "5", "2", "1", "3", "4", "6"] as const)),
  path,
  other: path,
  facts,
});

const latin1 = (text: string) => Buffer.from(text, "latin1");

export function entryOf({ type, path: name, other, facts: f }: Made): TarEntry {
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
export function withoutClashes(list: readonly Made[]): Made[] {
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
