// SPDX-License-Identifier: Apache-2.0

/** A full disk is told as such, and changes nothing. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isLadeError } from "../../src/base/errors.ts";
import { type Engine, openEngine } from "../../src/engine/engine.ts";
import { importImage } from "../../src/engine/import.ts";
import { loadImages } from "../../src/engine/load.ts";
import { saveImages } from "../../src/engine/save.ts";
import { containerdSingle } from "../fixtures/containerd.ts";
import { docker25 } from "../fixtures/docker-oci.ts";
import { type Scratch, scratch } from "../fixtures/outside-tools.ts";
import { file, sampleImage, sampleLayer } from "../fixtures/sample-image.ts";
import { plainArchive } from "../fixtures/variants.ts";
import { noise } from "../helpers/bytes.ts";
import { mountSmallDisk } from "../helpers/small-disk.ts";
import { storeState, type TestStore, verifyStore } from "../helpers/store.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** A store on a disk that can be filled, and a place beside it that can't. */
async function openOn(kind: "tmpfs" | "ext4", size: number) {
  const disk = mountSmallDisk(kind, size);
  const files: Scratch = scratch();
  const root = join(disk.folder, "store");
  const engine: Engine = await openEngine({ root });
  const store: TestStore = {
    engine,
    folder: disk.folder,
    root,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return {
    disk,
    files,
    engine,
    store,
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      files.close();
      disk[Symbol.dispose]();
    },
  };
}

/** Runs work again and again with more space each time; true for the times that it succeeded. */
async function withMoreAndMore(
  on: Awaited<ReturnType<typeof openOn>>,
  sizes: { readonly step: number; readonly limit: number },
  work: () => Promise<unknown>,
): Promise<number> {
  const before = storeState(on.store);
  let failures = 0;
  for (let size = 0; size < sizes.limit; size += sizes.step) {
    on.disk.leave(size);
    try {
      await work();
      return failures;
    } catch (error) {
      assert.ok(isLadeError(error, "DISK_FULL"), String(error));
      failures++;
    }
    on.disk.leave(sizes.limit);
    assert.deepEqual(storeState(on.store), before, `${size} bytes free`);
    await verifyStore(on.store);
  }
  throw new Error("it never succeeded");
}

const largeLayer = sampleLayer([file("large", noise(6 * MIB))]);
const large = plainArchive([sampleImage({ layers: [largeLayer] })]);

for (const [kind, size] of [
  ["tmpfs", 20 * MIB],
  ["ext4", 24 * MIB],
] as const) {
  describe(`a full disk, ${kind}`, () => {
    it("refuses a load at any point, until there is enough", async () => {
      for (const make of [docker25, containerdSingle]) {
        await using on = await openOn(kind, size);
        const path = on.files.write("image.tar", make().archive);
        const sizes = { step: kind === "tmpfs" ? 8 * KIB : 24 * KIB, limit: 2 * MIB };
        const load = () => loadImages(on.engine, { path });
        const failures = await withMoreAndMore(on, sizes, load);
        assert.ok(failures > 1, `${failures}`);
        on.disk.leave(2 * MIB);
        await verifyStore(on.store);
      }
    });

    it("refuses a load with a layer that is larger than it", async () => {
      await using on = await openOn(kind, size);
      const path = on.files.write("image.tar", large.archive);
      const before = storeState(on.store);
      for (const left of [0, 100 * KIB, 3 * MIB, 6 * MIB]) {
        on.disk.leave(left);
        await assert.rejects(loadImages(on.engine, { path }), {
          code: "DISK_FULL",
          message: /no space left on device$/,
          hint: /^Free some space/,
        });
        assert.deepEqual(storeState(on.store), before);
      }
      on.disk.leave(10 * MIB);
      await loadImages(on.engine, { path });
      await verifyStore(on.store);
    });

    it("refuses an import", async () => {
      await using on = await openOn(kind, size);
      const source = on.files.write("rootfs.tar", largeLayer.tar);
      const before = storeState(on.store);
      for (const left of [0, 3 * MIB]) {
        on.disk.leave(left);
        await assert.rejects(importImage(on.engine, { source }), { code: "DISK_FULL" });
        assert.deepEqual(storeState(on.store), before);
      }
    });

    it("refuses a save, and leaves what was there", async () => {
      await using on = await openOn(kind, size);
      const path = on.files.write("image.tar", large.archive);
      await loadImages(on.engine, { path });
      const before = storeState(on.store);
      const old = join(on.disk.folder, "old.tar");
      writeFileSync(old, "the old archive");
      for (const left of [0, 100 * KIB, 5 * MIB]) {
        on.disk.leave(left);
        for (const name of ["old.tar", "new.tar"]) {
          const save = saveImages(on.engine, {
            names: ["demo:1"],
            path: join(on.disk.folder, name),
          });
          await assert.rejects(save, {
            code: "DISK_FULL",
            message: new RegExp(`^write .*${name}: no space left on device$`),
          });
        }
        assert.equal(readFileSync(old, "utf8"), "the old archive");
        assert.ok(!existsSync(join(on.disk.folder, "new.tar")));
        assert.deepEqual(
          readdirSync(on.disk.folder).filter((name) => name.startsWith(".tmp")),
          [],
        );
      }
      assert.deepEqual(storeState(on.store), before);
    });

    it("refuses to make a store", async () => {
      using disk = mountSmallDisk(kind, size);
      disk.leave(0);
      const open = async () => {
        await using _ = await openEngine({ root: join(disk.folder, "deep/store") });
      };
      await assert.rejects(open, { code: "DISK_FULL" });
      disk.leave(1 * MIB);
      await open();
    });
  });
}
