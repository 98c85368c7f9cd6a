// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TarEntry } from "../../src/tar/entry.ts";
import {
  bytesOf,
  paxHeader,
  paxRecord,
  tar,
  tarHeader,
  tarMember,
} from "../fixtures/tar-builder.ts";
import {
  type SparseFile,
  sampleChunks,
  sparseContent,
  sparseMember,
} from "../fixtures/tar-sparse.ts";
import { assertRefused, scan, scanOne } from "./scan.ts";

const forms = ["old-gnu", "pax-0.0", "pax-0.1", "pax-1.0"] as const;

/** The file as the entry's runs put it together from the tar. */
function contentOf(bytes: Buffer, entry: TarEntry): Buffer {
  const content = Buffer.alloc(entry.size);
  let offset = entry.dataOffset;
  for (const run of entry.sparse ?? []) {
    bytes.copy(content, run.offset, offset, offset + run.size);
    offset += run.size;
  }
  assert.equal(offset, entry.dataOffset + entry.storedSize);
  return content;
}

/** A pax 1.0 file whose map is this text. */
function withMap(map: string, more: { size?: number; realSize?: number } = {}): Buffer {
  const body = Buffer.concat([bytesOf(map), Buffer.alloc((512 - (map.length % 512)) % 512)]);
  const records = {
    "GNU.sparse.major": "1",
    "GNU.sparse.minor": "0",
    "GNU.sparse.name": "disk",
    "GNU.sparse.realsize": String(more.realSize ?? 100),
  };
  return tarMember({ name: "x", pax: records, body, size: more.size ?? body.length });
}

function paxMap(records: Readonly<Record<string, string>>, body = ""): Buffer {
  return tar([{ name: "disk", pax: { "GNU.sparse.size": "100", ...records }, body }]);
}

for (const form of forms) {
  describe(`a sparse file, ${form}`, () => {
    const read = (file: Omit<SparseFile, "form" | "name">): void => {
      const sparse: SparseFile = { name: "folder/disk", form, ...file };
      const bytes = tar([sparseMember(sparse), { name: "after", body: "after" }]);
      const [entry, after] = scan(bytes);
      assert.ok(entry !== undefined);
      assert.equal(entry.path, "folder/disk");
      assert.equal(entry.type, "file");
      assert.equal(entry.size, sparse.realSize);
      assert.ok(contentOf(bytes, entry).equals(sparseContent(sparse)));
      assert.equal(after?.path, "after");
    };

    it("has its runs where its data go", () => {
      read({ realSize: 100_000, chunks: sampleChunks() });
    });

    it("may end in data or begin in them, or have a single run", () => {
      read({ realSize: 1000, chunks: [{ offset: 990, data: "0123456789" }] });
      read({ realSize: 5000, chunks: [{ offset: 0, data: "start" }] });
      read({ realSize: 5, chunks: [{ offset: 0, data: "whole" }] });
    });

    it("may be a hole only, also one of many gigabytes", () => {
      const size = 2 ** 40;
      const bytes = tar([sparseMember({ name: "hole", form, realSize: size, chunks: [] })]);
      const entry = scanOne(bytes);
      assert.equal(entry.size, size);
      assert.equal(entry.storedSize, 0);
    });

    it("has as many runs as fill header and extensions to the last place", () => {
      for (const count of [3, 4, 5, 24, 25, 26, 45, 46, 47]) {
        const chunks = Array.from({ length: count }, (_, index) => ({
          offset: index * 1024,
          data: Buffer.alloc(512, `${index}`),
        }));
        // Without a hole at the end there is no closing run: the count is exact.
        read({ realSize: (count - 1) * 1024 + 512, chunks });
      }
    });
  });
}

describe("sparse maps that lie", () => {
  it("are refused for pax 0.1", () => {
    const cases: readonly (readonly [map: string, body: string])[] = [
      ["0", ""],
      ["0,1,2", "x"],
      ["a,1", "x"],
      ["-1,1", "x"],
      ["0,-1", ""],
      ["0,1e1", "x"],
      ["0,2", "x"],
      ["0,1", "xx"],
      ["0,1,0,1", "xx"],
      ["5,1,3,1", "xx"],
      ["99,2", "xx"],
      ["101,0", ""],
      ["9007199254740993,0", ""],
    ];
    for (const [map, body] of cases) {
      assertRefused(() => scan(paxMap({ "GNU.sparse.map": map }, body)), "TAR_FIELD", /sparse map/);
    }
    assert.deepEqual(scanOne(paxMap({ "GNU.sparse.map": "" })).sparse, []);
  });

  it("are refused for pax 0.0", () => {
    const records = Buffer.concat([
      paxRecord("GNU.sparse.size", "100"),
      paxRecord("GNU.sparse.offset", "0"),
      paxRecord("GNU.sparse.offset", "8"),
      paxRecord("GNU.sparse.numbytes", "1"),
    ]);
    assertRefused(
      () => scan(tar([paxHeader(records), { name: "disk", body: "x" }])),
      "TAR_FIELD",
      /sparse map/,
    );
  });

  it("are refused for pax 1.0", () => {
    const cases = [
      ...["", "x", "1", "-1\n", "1e3\n", "1\n0\n", "1\n0\nx\n", "2\n5\n1\n3\n1\n"],
      ...["1\n0\n101\n", "1\n200\n0\n"],
    ];
    for (const map of cases) {
      const bytes = tar([withMap(map), { name: "after" }]);
      assert.throws(
        () => scan(bytes),
        { code: /TAR_FIELD|LIMIT_EXCEEDED/, message: /sparse map/ },
        JSON.stringify(map),
      );
    }
  });

  it("do not reach past the member's own data", () => {
    const next = tarMember({ name: "next" });
    for (const size of [0, 3, 8]) {
      const map = withMap("1\n100\n0\n", { size });
      // The header says less than the map is long: the rest would be another member's.
      const bytes = tar([size === 0 ? map : map, next]);
      assertRefused(() => scan(bytes), "TAR_FIELD", /sparse map/);
    }
  });

  it("are refused for the old form", () => {
    const old = (raw: Readonly<Record<number, string>>, size = 0) =>
      tar([tarHeader({ name: "disk", type: "S", dialect: "gnu", size, raw })]);
    const pair = (offset: number, size: number) =>
      [offset, size].map((value) => `${value.toString(8).padStart(11, "0")}\0`).join("");
    const real = "00000000144\0";
    assertRefused(() => scan(old({ 386: pair(0, 1), 483: real })), "TAR_FIELD", /sparse map/);
    assertRefused(() => scan(old({ 386: pair(200, 0), 483: real })), "TAR_FIELD", /sparse map/);
    assertRefused(() => scan(old({ 386: "nonsense", 483: real })), "TAR_FIELD", /sparse offset/);
    assertRefused(() => scan(old({ 386: pair(0, 0), 483: "what" })), "TAR_FIELD", /realsize/);
    assertRefused(
      () => scan(old({ 386: pair(0, 0) + pair(5, 0) + pair(4, 0), 483: real })),
      "TAR_FIELD",
      /sparse map/,
    );
  });

  it("that promise an extension and end are cut", () => {
    const bytes = tarHeader({
      name: "disk",
      type: "S",
      dialect: "gnu",
      raw: { 482: "\x01", 483: "00000000144\0" },
    });
    assertRefused(() => scan(bytes), "TAR_TRUNCATED");
  });

  it("are limited in length", () => {
    const runs = Array.from({ length: 50_000 }, (_, index) => `${index},0`).join(",");
    assertRefused(() => scan(paxMap({ "GNU.sparse.map": runs })), "LIMIT_EXCEEDED", /43690 runs/);
    assertRefused(() => scan(tar([withMap("43691\n")])), "LIMIT_EXCEEDED", /43690 runs/);
    assertRefused(() => scan(tar([withMap("999999999\n")])), "LIMIT_EXCEEDED", /43690 runs/);
  });
});
