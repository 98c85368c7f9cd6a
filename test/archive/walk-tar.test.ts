// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import {
  type SkippableSource,
  skippableFile,
  skippableStream,
  walkTar,
} from "../../src/archive/walk-tar.ts";
import { bytesSource, readFully } from "../../src/base/bytes.ts";
import { file } from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";

let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "lade-test-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

interface Seen {
  readonly name: string;
  readonly size: number;
  /** As much of the data as was asked for. */
  readonly start: string;
}

/** Walks, and reads the first `wanted` bytes of each member. */
async function walk(source: SkippableSource, wanted: number): Promise<Seen[]> {
  const seen: Seen[] = [];
  await walkTar(source, {
    place: "a.tar",
    onEntry: async (entry, data) => {
      const target = Buffer.alloc(wanted);
      const count = await readFully(data, target);
      const start = target.toString("latin1", 0, count);
      seen.push({ name: entry.path, size: entry.storedSize, start });
    },
  });
  return seen;
}

function stream(bytes: Uint8Array): SkippableSource {
  return skippableStream(bytesSource(bytes), { onRead: () => undefined, signal: undefined });
}

async function withFile<T>(bytes: Uint8Array, run: (fd: number) => Promise<T>): Promise<T> {
  const path = join(folder, "a.tar");
  writeFileSync(path, bytes);
  const fd = openSync(path, "r");
  try {
    return await run(fd);
  } finally {
    closeSync(fd);
  }
}

test("a file and a stream show the same members, however much of them is read", async () => {
  const sizes = fc.array(fc.oneof(fc.nat(2000), fc.nat(100_000)), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(3000), fc.nat(600), async (bodies, wanted, before) => {
      const members = bodies.map((size, index) =>
        file(`file${index}`, `${index}abcdefg`.repeat(size).slice(0, size)),
      );
      const bytes = tar(members);
      const expected = members.map(({ name, body }) => ({
        name,
        size: body?.length,
        start: String(body).slice(0, wanted),
      }));
      assert.deepEqual(await walk(stream(bytes), wanted), expected);
      // The archive may lie anywhere in the file.
      const around = Buffer.concat([Buffer.alloc(before, 1), bytes, Buffer.alloc(99, 2)]);
      const range = { offset: before, size: bytes.length, place: "a.tar" };
      await withFile(around, async (fd) => {
        assert.deepEqual(await walk(skippableFile(fd, range), wanted), expected);
      });
    }),
    { numRuns: 60 },
  );
});

test("a cut archive is told, wherever it was cut", async () => {
  const bytes = tar([file("a", "1".repeat(1000)), file("b", "2".repeat(50_000))]);
  for (const size of [100, 600, 1500, 2048 + 700, 30_000]) {
    const cut = bytes.subarray(0, size);
    await assert.rejects(walk(stream(cut), 10), { code: "TAR_TRUNCATED" }, `${size}`);
    await withFile(cut, async (fd) => {
      const range = { offset: 0, size, place: "a.tar" };
      await assert.rejects(walk(skippableFile(fd, range), 10), { code: "TAR_TRUNCATED" });
    });
  }
});

test("passing over a stream tells how far it is, and can be stopped", async () => {
  const controller = new AbortController();
  let reads = 0;
  const source = skippableStream(bytesSource(Buffer.alloc(2_000_000)), {
    onRead: () => {
      if (++reads === 3) controller.abort(new Error("stop"));
    },
    signal: controller.signal,
  });
  assert.equal(await source.skip(1), 1);
  assert.equal(reads, 1);
  await assert.rejects(source.skip(2_000_000), { message: "stop" });
  assert.equal(reads, 3);
  assert.equal(await stream(Buffer.alloc(10)).skip(Number.POSITIVE_INFINITY), 10);
});
