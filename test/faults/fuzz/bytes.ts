// SPDX-License-Identifier: Apache-2.0

/** Tars, pax headers and compressed data, damaged. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { bytesSource } from "../../../src/base/bytes.ts";
import { decompress, sniffCompression } from "../../../src/content/compression.ts";
import { LayerIndexer, readLayerIndex } from "../../../src/tar/layer-index.ts";
import { compressed } from "../../fixtures/compress.ts";
import { type PaxRecords, paxBody, paxHeader, tar, tarMember } from "../../fixtures/tar-builder.ts";
import { archiveParts } from "../../tar/arbitrary.ts";
import { mutated, mutation } from "../../tar/mutations.ts";
import { scan, scanInPieces } from "../../tar/scan.ts";
import { type FuzzTarget, outcome, outcomeOf } from "./target.ts";

const pieces = fc.array(fc.nat({ max: 3000 }), { maxLength: 10 });

/** Readers agree however the bytes come, and an index can be read back. */
function assertReadable(bytes: Buffer, sizes: readonly number[]): void {
  const whole = outcome(() => scan(bytes));
  assert.deepEqual(
    outcome(() => scanInPieces(bytes, sizes)),
    whole,
  );
  outcome(() => scan(bytes, { skipUnknownTypes: true }));
  const index = outcome(() => {
    const indexer = new LayerIndexer("layer");
    indexer.push(bytes);
    return indexer.finish();
  });
  if (typeof index === "string") return;
  assert.equal([...readLayerIndex(index.bytes)].length, index.entries);
}

export const tarTarget: FuzzTarget = {
  name: "tar",
  open: async () => ({
    property: fc.property(
      archiveParts,
      fc.array(mutation, { minLength: 1, maxLength: 6 }),
      fc.option(fc.nat({ max: 20_000 }), { nil: undefined }),
      pieces,
      (parts, mutations, cut, sizes) => {
        assertReadable(mutated(tar(parts), mutations).subarray(0, cut), sizes);
      },
    ),
  }),
};

const paxKey = fc.oneof(
  fc.constantFrom(
    ...["path", "linkpath", "size", "mtime", "atime", "uid", "gid", "uname", "charset", "comment"],
    ...["hdrcharset", "GNU.sparse.major", "GNU.sparse.minor", "GNU.sparse.name"],
    ...["GNU.sparse.realsize", "GNU.sparse.size", "GNU.sparse.map", "GNU.sparse.numblocks"],
    ...["GNU.sparse.offset", "GNU.sparse.numbytes", "SCHILY.xattr.user.a", "SCHILY.xattr."],
    ...["SCHILY.xattr.trusted.overlay.opaque", "LIBARCHIVE.xattr.user.a", "__proto__", "", "a=b"],
  ),
  fc.string({ maxLength: 12 }),
);
const paxValue = fc.oneof(
  fc.constantFrom(
    ...["0", "1", "512", "-1", "1e3", "0x10", " 1", "1.5", "18446744073709551616", "", "\0", "\n"],
    ...["9007199254740993", "-0", "0.0000000001", "../x", "/x", "a\0b", "0,512,1024,1", "1,,2"],
    ...["x".repeat(5000), "\xff\xfe", "1,-1", "-9223372036854775808.5", "YQ==", "%"],
  ),
  fc.string({ maxLength: 40, unit: "binary" }),
  fc.nat().map(String),
);
const records = fc
  .array(fc.tuple(paxKey, paxValue), { maxLength: 6 })
  .map((list): PaxRecords => Object.fromEntries(list));

export const paxTarget: FuzzTarget = {
  name: "pax headers",
  open: async () => ({
    property: fc.property(
      records,
      fc.constantFrom<"x" | "g">("x", "g"),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
      fc.constantFrom(..."0125LKS"),
      pieces,
      (all, type, changes, memberType, sizes) => {
        const body = Buffer.from(paxBody(all));
        for (const [at, value] of changes) if (body.length > 0) body[at % body.length] = value;
        const member = tarMember({
          name: "file",
          type: memberType as "0",
          body: memberType === "0" ? "text" : "",
        });
        assertReadable(tar([paxHeader(body, { type }), member, { name: "end" }]), sizes);
      },
    ),
  }),
};

const packings = ["gzip", "zstd", "xz", "bzip2"] as const;
const payloads = [
  Buffer.alloc(0),
  Buffer.from("text"),
  Buffer.alloc(70_000, "abc"),
  Buffer.from(Array.from({ length: 9000 }, (_, index) => (index * index * 31 + index * 7) % 256)),
];

/** The most that a damaged one of these could rightly say, with much to spare. */
const mostBytes = 64 * 1024 * 1024;

async function unpack(bytes: Buffer): Promise<string> {
  const source = decompress(bytesSource(bytes), sniffCompression(bytes), "archive");
  const buffer = Buffer.alloc(65_536);
  let total = 0;
  for (let count = await source.read(buffer); count > 0; count = await source.read(buffer)) {
    total += count;
    if (total > mostBytes) break;
  }
  return "read";
}

export const compressionTarget: FuzzTarget = {
  name: "gzip, zstd, xz, bzip2",
  open: async () => {
    const made = packings.flatMap((how) => payloads.map((bytes) => compressed(bytes, how)));
    return {
      property: fc.asyncProperty(
        fc.constantFrom(...made),
        fc.array(
          fc.record({
            at: fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 10_000 })),
            removes: fc.nat({ max: 3 }),
            adds: fc.uint8Array({ maxLength: 3 }),
          }),
          { maxLength: 4 },
        ),
        fc.option(fc.constantFrom(...made), { freq: 5, nil: undefined }),
        async (bytes, changes, more) => {
          let damaged = bytes;
          for (const { at, removes, adds } of changes) {
            const place = at % (damaged.length + 1);
            const rest = damaged.subarray(place + removes);
            damaged = Buffer.concat([damaged.subarray(0, place), adds, rest]);
          }
          await outcomeOf(() =>
            unpack(more === undefined ? damaged : Buffer.concat([damaged, more])),
          );
        },
      ),
    };
  },
};
