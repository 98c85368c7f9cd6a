// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { closeSync } from "node:fs";
import { availableParallelism } from "node:os";
import { after, before, describe, it } from "node:test";
import { bytesSource } from "../../src/base/bytes.ts";
import { alignedBuffers } from "../../src/content/aligned-buffers.ts";
import { writeBlob } from "../../src/content/blob-writer.ts";
import { copyToFile, namedFile } from "../../src/content/file-writer.ts";
import { openHashThread } from "../../src/content/hash-thread.ts";
import { digestOf } from "../../src/spec/digest.ts";
import { type Scratch, scratch } from "../fixtures/outside-tools.ts";
import { failing, noise, piecewise } from "../helpers/bytes.ts";

const MIB = 1024 * 1024;
const content = noise(11 * MIB + 4095);

let files: Scratch;
before(() => {
  files = scratch();
});
after(() => files.close());

let count = 0;
const newPath = () => files.path(`file-${count++}`);

const needsCores = { skip: availableParallelism() < 2 };

describe("a hash in a thread of its own", needsCores, () => {
  it("gives the same digests, one after the other", async () => {
    await using thread = openHashThread();
    for (const size of [0, 1, MIB, 11 * MIB + 4095, 4 * MIB]) {
      const hasher = thread.begin(undefined);
      assert.ok(hasher);
      const bytes = content.subarray(0, size);
      const blob = await writeBlob(piecewise(bytes, [MIB, 4096, 700_001]), newPath(), { hasher });
      assert.deepEqual(blob, { digest: digestOf(bytes), size });
    }
  });

  it("begins anew after a file that failed", async () => {
    await using thread = openHashThread();
    const broken = failing(content, new Error("no more"));
    const failed = writeBlob(broken, newPath(), { hasher: thread.begin(undefined) });
    await assert.rejects(failed, /no more/);
    const hasher = thread.begin(undefined);
    const blob = await writeBlob(bytesSource(content), newPath(), { hasher });
    assert.equal(blob.digest, digestOf(content));
  });

  it("is not started for what is small", async () => {
    await using thread = openHashThread();
    assert.equal(thread.begin(MIB), undefined);
    assert.ok(thread.begin(100 * MIB));
  });

  it("fails what waits for a thread that has ended", async () => {
    const thread = openHashThread();
    const hasher = thread.begin(undefined);
    const [chunk] = alignedBuffers(1, MIB);
    assert.ok(hasher && chunk);
    await hasher.update(chunk);
    await thread[Symbol.asyncDispose]();
    await assert.rejects(hasher.digest(), /ended by itself/);
  });
});

it("no chunk's memory is used again before all who see it are done", async () => {
  let inUse = 0;
  const seen: Buffer[] = [];
  const { fd } = await copyToFile(bytesSource(content), namedFile(newPath(), 0o644), {
    async onChunk(chunk) {
      inUse++;
      await new Promise((resolve) => setTimeout(resolve, 5));
      seen.push(Buffer.from(chunk));
      inUse--;
    },
  });
  closeSync(fd);
  assert.equal(inUse, 0);
  assert.ok(Buffer.concat(seen).equals(content));
});

it("a chunk that its reader can't take fails the file, after all that was under way", async () => {
  let running = 0;
  const work = copyToFile(bytesSource(content), namedFile(newPath(), 0o644), {
    async onChunk(chunk) {
      running++;
      await new Promise((resolve) => setTimeout(resolve, chunk.length === 2 * MIB ? 20 : 1));
      running--;
      throw new Error("can't");
    },
  });
  await assert.rejects(work, /can't/);
  assert.equal(running, 0);
});
