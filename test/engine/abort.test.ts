// SPDX-License-Identifier: Apache-2.0

/** A command that is stopped in the middle leaves nothing behind. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { ProgressEvent } from "../../src/base/progress.ts";
import { importImage } from "../../src/engine/import.ts";
import { loadImages } from "../../src/engine/load.ts";
import { saveImages } from "../../src/engine/save.ts";
import { compressed } from "../fixtures/compress.ts";
import { runTool } from "../fixtures/outside-tools.ts";
import { file, sampleImage, sampleLayer } from "../fixtures/sample-image.ts";
import { plainArchive } from "../fixtures/variants.ts";
import { noise } from "../helpers/bytes.ts";
import {
  openTestStore,
  storeState,
  type TestStore,
  verifyStore,
  writeFixture,
} from "../helpers/store.ts";

const MIB = 1024 * 1024;
/** Large enough that threads stage them. */
const layers = [18, 17].map((size) => sampleLayer([file(`of-${size}`, noise(size * MIB))]));
const image = sampleImage({ layers });
const { archive } = plainArchive([image]);

/** Stops work at its nth progress event, with an error of its own. */
function stopAt(nth: number) {
  const controller = new AbortController();
  let count = 0;
  return {
    signal: controller.signal,
    onProgress: (_: ProgressEvent) => {
      if (++count === nth) controller.abort(new Error("stopped"));
    },
  };
}

async function assertStopped(store: TestStore, work: () => Promise<unknown>): Promise<void> {
  const before = storeState(store);
  await assert.rejects(work, /^Error: stopped$/);
  assert.deepEqual(storeState(store), before);
  await verifyStore(store);
}

const fds = () => readdirSync("/proc/self/fd").length;

describe("a load that is stopped", () => {
  it("from a file, at any point", async () => {
    await using store = await openTestStore();
    const path = writeFixture(store, "image.tar", archive);
    const open = fds();
    for (const nth of [1, 2, 5, 9]) {
      await assertStopped(store, () => loadImages(store.engine, { path, ...stopAt(nth) }));
    }
    assert.ok(fds() <= open + 1, `${fds()} of ${open} open`);
    const signal = AbortSignal.abort(new Error("stopped"));
    await assertStopped(store, () => loadImages(store.engine, { path, signal }));
    await loadImages(store.engine, { path });
    await verifyStore(store);
  });

  it("from what gzip packed, and from a pipe", async () => {
    await using store = await openTestStore();
    const packed = writeFixture(store, "image.tar.gz", compressed(archive, "gzip"));
    const pipe = join(store.folder, "pipe");
    assert.equal(runTool("mkfifo", [pipe]).status, 0);
    const plain = writeFixture(store, "image.tar", archive);
    for (const nth of [1, 4]) {
      await assertStopped(store, () => loadImages(store.engine, { path: packed, ...stopAt(nth) }));
      const writer = spawn("cp", [plain, pipe], { stdio: "ignore" });
      const ended = new Promise((resolve) => writer.once("close", resolve));
      await assertStopped(store, () => loadImages(store.engine, { path: pipe, ...stopAt(nth) }));
      await ended;
    }
  });

  it("while it hashes what the store has", async () => {
    await using store = await openTestStore();
    const path = writeFixture(store, "image.tar", archive);
    await loadImages(store.engine, { path });
    store.engine.store.database.run("UPDATE blob SET verified_boot = ''");
    const big = plainArchive([sampleImage({ layers: [...layers, ...layers] })]).archive;
    const both = writeFixture(store, "both.tar", big);
    const signal = AbortSignal.abort(new Error("stopped"));
    await assertStopped(store, () => loadImages(store.engine, { path: both, signal }));
  });
});

describe("an import that is stopped", () => {
  it("leaves nothing", async () => {
    await using store = await openTestStore();
    const [layer] = layers;
    const source = writeFixture(store, "rootfs.tar", layer?.tar ?? Buffer.alloc(0));
    for (const nth of [1, 3, 8]) {
      await assertStopped(store, () => importImage(store.engine, { source, ...stopAt(nth) }));
    }
  });
});

describe("a save that is stopped", () => {
  it("leaves the file that was there, or none", async () => {
    await using store = await openTestStore();
    await loadImages(store.engine, { path: writeFixture(store, "image.tar", archive) });
    const names = ["demo:1"];
    for (const nth of [1, 2, 9]) {
      for (const old of [undefined, "the old archive"]) {
        const folder = join(store.folder, `out-${nth}-${old === undefined ? "none" : "old"}`);
        assert.equal(runTool("mkdir", [folder]).status, 0);
        const path = join(folder, "saved.tar");
        if (old !== undefined) writeFileSync(path, old);
        await assertStopped(store, () => saveImages(store.engine, { names, path, ...stopAt(nth) }));
        assert.deepEqual(readdirSync(folder), old === undefined ? [] : ["saved.tar"]);
        if (old !== undefined) assert.equal(readFileSync(path, "utf8"), old);
      }
    }
    const path = join(store.folder, "never.tar");
    const signal = AbortSignal.abort(new Error("stopped"));
    await assertStopped(store, () => saveImages(store.engine, { names, path, signal }));
    assert.ok(!existsSync(path));
  });
});
