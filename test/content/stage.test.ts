// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { type ByteSource, bytesSource } from "../../src/base/bytes.ts";
import { unsealIndex } from "../../src/content/layer-indexes.ts";
import { stagedErofsName, stagedIndexName } from "../../src/content/paths.ts";
import { type StagedLayer, stageLayer } from "../../src/content/stage.ts";
import { type StageJob, stageAll } from "../../src/content/stage-pool.ts";
import { digestHex, digestOf } from "../../src/spec/digest.ts";
import { readLayerIndex } from "../../src/tar/layer-index.ts";
import { type Compression, compressed } from "../fixtures/compress.ts";
import { type Scratch, scratch } from "../fixtures/outside-tools.ts";
import { baseLayer, file } from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { failing, noise, piecewise } from "../helpers/bytes.ts";
import { systemError } from "../helpers/system-calls.ts";

const MIB = 1024 * 1024;
const layer = baseLayer().tar;

let files: Scratch;
let count = 0;
before(() => {
  files = scratch();
});
after(() => files.close());

function newFolder(): string {
  const folder = files.path(`lease-${count++}`);
  fs.mkdirSync(folder, { recursive: true });
  return folder;
}

interface Staged extends StagedLayer {
  readonly folder: string;
  readonly progress: number[];
}

async function stage(
  source: ByteSource,
  more: { readonly keepCompressed?: boolean; readonly signal?: AbortSignal } = {},
): Promise<Staged> {
  const folder = newFolder();
  const progress: number[] = [];
  const staged = await stageLayer(source, {
    folder,
    stagingPath: `${folder}/staged-0`,
    place: "the layer",
    keepCompressed: true,
    onProgress: (size) => progress.push(size),
    ...more,
  });
  return { ...staged, folder, progress };
}

/** Every file is under its digest, and nothing else is there. */
function assertFiles(folder: string, blobs: readonly Buffer[], indexed: readonly Buffer[]): void {
  const names = [
    ...new Set(blobs.map((bytes) => digestHex(digestOf(bytes)))),
    ...indexed.flatMap((bytes) => [
      stagedIndexName(digestOf(bytes)),
      stagedErofsName(digestOf(bytes)),
    ]),
  ];
  assert.deepEqual(fs.readdirSync(folder).sort(), names.sort());
  for (const bytes of blobs) {
    const path = `${folder}/${digestHex(digestOf(bytes))}`;
    assert.equal(digestOf(fs.readFileSync(path)), digestOf(bytes));
    assert.equal(fs.statSync(path).mode % 0o1000, 0o444);
  }
}

describe("stageLayer", () => {
  it("puts a tar and its index under the tar's digest", async () => {
    const staged = await stage(piecewise(layer, [1000]));
    const blob = { digest: digestOf(layer), size: layer.length };
    assert.equal(staged.compression, "none");
    assert.deepEqual(staged.tar, blob);
    assert.deepEqual(staged.blob, blob);
    assert.equal(staged.problem, undefined);
    assertFiles(staged.folder, [layer], [layer]);
    const sealed = fs.readFileSync(`${staged.folder}/${stagedIndexName(blob.digest)}`);
    const index = unsealIndex(sealed);
    assert.ok(index !== undefined);
    assert.equal([...readLayerIndex(index)].length, staged.index?.entries);
    assert.equal(staged.progress.at(-1), layer.length);
  });

  for (const kind of ["gzip", "zstd", "xz", "bzip2"] as const satisfies readonly Compression[]) {
    it(`keeps what ${kind} packed beside it, where that is wanted`, async () => {
      const packed = compressed(layer, kind);
      const staged = await stage(piecewise(packed, [700]));
      assert.equal(staged.compression, kind);
      assert.deepEqual(staged.tar, { digest: digestOf(layer), size: layer.length });
      assert.deepEqual(staged.blob, { digest: digestOf(packed), size: packed.length });
      assertFiles(staged.folder, [layer, packed], [layer]);
      assert.equal(staged.progress.at(-1), packed.length);

      const dropped = await stage(bytesSource(packed), { keepCompressed: false });
      assert.deepEqual(dropped.blob, { digest: digestOf(packed), size: packed.length });
      assertFiles(dropped.folder, [layer], [layer]);
    });
  }

  it("counts what a decoder left unread to the compressed form, in order", async () => {
    const large = tar([file("large", noise(3 * MIB))]);
    for (const bytes of [layer, large]) {
      for (const rest of [Buffer.alloc(10), Buffer.alloc(10_240), Buffer.alloc(5 * MIB)]) {
        const packed = Buffer.concat([gzipSync(bytes), rest]);
        for (const pieces of [[65_536], [4 * MIB], [100_000, 7]]) {
          const staged = await stage(piecewise(packed, pieces));
          assert.deepEqual(staged.tar, { digest: digestOf(bytes), size: bytes.length });
          assert.deepEqual(staged.blob, { digest: digestOf(packed), size: packed.length });
          assertFiles(staged.folder, [bytes, packed], [bytes]);
        }
      }
    }
  });

  it("reads its source once at a time, however slowly that answers", async () => {
    const packed = Buffer.concat([gzipSync(layer), Buffer.alloc(4 * MIB)]);
    const source = bytesSource(packed);
    let running = 0;
    let turn = 0;
    const slow: ByteSource = {
      async read(target) {
        assert.equal(running++, 0);
        const count = await source.read(target.subarray(0, 300_000));
        await new Promise((resolve) => setTimeout(resolve, turn++ % 2 === 0 ? 10 : 0));
        running--;
        return count;
      },
    };
    const staged = await stage(slow);
    assert.deepEqual(staged.blob, { digest: digestOf(packed), size: packed.length });
    assertFiles(staged.folder, [layer, packed], [layer]);
  });

  it("refuses anything else behind the compressed form, as Docker does", async () => {
    const packed = Buffer.concat([gzipSync(layer), Buffer.from("junk")]);
    await assert.rejects(stage(bytesSource(packed)), { code: "COMPRESSION_CORRUPT" });
  });

  it("takes bytes that are no tar, and says why there is no index", async () => {
    const noises = [Buffer.from("{}"), Buffer.from("no tar at all"), noise(3 * MIB)];
    for (const bytes of [...noises, layer.subarray(0, 1000)]) {
      for (const packed of [bytes, gzipSync(bytes)]) {
        const staged = await stage(bytesSource(packed));
        assert.equal(staged.tar.digest, digestOf(bytes));
        assert.equal(staged.index, undefined);
        assert.match(staged.problem?.code ?? "", /^TAR_(CHECKSUM|TRUNCATED)$/);
        assert.match(staged.problem?.message ?? "", /^the layer: /);
        assertFiles(staged.folder, packed === bytes ? [bytes] : [bytes, packed], []);
      }
    }
  });

  it("takes no bytes at all as an empty layer", async () => {
    const staged = await stage(bytesSource(Buffer.alloc(0)));
    assert.deepEqual(staged.index, { entries: 0, contentSize: 0 });
    assertFiles(staged.folder, [Buffer.alloc(0)], [Buffer.alloc(0)]);
  });

  it("tells what went wrong, and with what", async () => {
    const cut = gzipSync(noise(MIB)).subarray(0, 500_000);
    await assert.rejects(stage(bytesSource(cut)), {
      code: "COMPRESSION_CORRUPT",
      message: /^the layer: unexpected EOF/,
    });
    for (const packed of [layer, gzipSync(noise(2 * MIB))]) {
      await assert.rejects(stage(failing(packed.subarray(0, 2000), systemError("EIO"))), {
        code: "IO_FAILED",
        message: "store the layer: input/output error",
      });
    }
    const missing = { folder: files.path("none"), stagingPath: files.path("none/x") };
    await assert.rejects(
      stageLayer(bytesSource(layer), { ...missing, place: "the layer", keepCompressed: true }),
      { code: "IO_FAILED", message: "store the layer: no such file or directory" },
    );
  });

  it("stops when it is told to, with the reason that it was given", async () => {
    for (const bytes of [noise(9 * MIB), gzipSync(noise(9 * MIB), { level: 1 })]) {
      const controller = new AbortController();
      const source = piecewise(bytes, [100_000]);
      let reads = 0;
      const counted: ByteSource = {
        read(target) {
          if (++reads === 30) controller.abort(new Error("enough"));
          return source.read(target);
        },
      };
      await assert.rejects(stage(counted, { signal: controller.signal }), /^Error: enough$/);
    }
  });
});

describe("stageAll", () => {
  /** A file that holds several layers, and a job for each. */
  function jobsFor(layers: readonly Buffer[]): { jobs: StageJob[]; folder: string; fd: number } {
    const folder = newFolder();
    const fd = fs.openSync(files.write(`layers-${count++}`, Buffer.concat(layers)), "r");
    let offset = 0;
    const jobs = layers.map((bytes, index): StageJob => {
      const job = {
        folder,
        stagingPath: `${folder}/staged-${index}`,
        place: `layer ${index}`,
        keepCompressed: true,
        fd,
        offset,
        size: bytes.length,
      };
      offset += bytes.length;
      return job;
    });
    return { jobs, folder, fd };
  }

  const large = [17, 18, 20].map((size) => tar([file(`of-${size}`, noise(size * MIB))]));

  it("stages in threads what is large, and answers in order", async () => {
    const layers = [layer, ...large, gzipSync(layer), Buffer.from("no tar"), large[0] as Buffer];
    const { jobs, folder, fd } = jobsFor(layers);
    const seen = new Map<number, number>();
    const reporting = jobs.map((job, index) => ({
      ...job,
      onProgress: (size: number) => seen.set(index, size),
    }));
    const staged = await stageAll(reporting, undefined);
    fs.closeSync(fd);
    assert.deepEqual(
      staged.map((one) => one.blob),
      layers.map((bytes) => ({ digest: digestOf(bytes), size: bytes.length })),
    );
    assert.equal(staged[5]?.problem?.code, "TAR_TRUNCATED");
    assert.match(staged[5]?.problem?.message ?? "", /^layer 5: /);
    assertFiles(folder, [...layers, layer], [layer, ...large]);
    for (const index of [1, 2, 3]) assert.ok((seen.get(index) ?? 0) > 8 * MIB);
  });

  it("fails with the first failure, as an error of lade's, and leaves nothing running", async () => {
    const packed = gzipSync(noise(17 * MIB), { level: 1 });
    const cut = packed.subarray(0, packed.length - 100_000);
    const { jobs, folder, fd } = jobsFor([...large, cut]);
    await assert.rejects(stageAll(jobs, undefined), {
      name: "LadeError",
      code: "COMPRESSION_CORRUPT",
      message: /^layer 3: unexpected EOF/,
      hint: /make or copy it again/,
    });
    fs.closeSync(fd);
    // A thread that still wrote would bring the folder back or fail to.
    fs.rmSync(folder, { recursive: true });
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(fs.existsSync(folder), false);
  });

  it("stops its threads when it is told to", async () => {
    const { jobs, fd } = jobsFor(large);
    const controller = new AbortController();
    const work = stageAll(jobs, controller.signal);
    setTimeout(() => controller.abort(new Error("enough")), 30);
    await assert.rejects(work, /^Error: enough$/);
    const late = jobsFor(large);
    const before = AbortSignal.abort(new Error("never"));
    await assert.rejects(stageAll(late.jobs, before), /^Error: never$/);
    assert.deepEqual(fs.readdirSync(late.folder), []);
    for (const open of [fd, late.fd]) fs.closeSync(open);
  });
});
