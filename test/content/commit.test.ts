// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { describe, it } from "node:test";
import { isSound } from "../../src/content/blobs.ts";
import { commitBlobs, stageDocument } from "../../src/content/commit.ts";
import { openLease } from "../../src/content/lease.ts";
import { blobPath, indexPath } from "../../src/content/paths.ts";
import type { IndexSummary } from "../../src/content/stage.ts";
import { sweepBlobs } from "../../src/content/sweep.ts";
import { digestOf } from "../../src/spec/digest.ts";
import { appLayer, baseLayer } from "../fixtures/sample-image.ts";
import { addBlobs, damageBlob, stageTar } from "../helpers/blobs.ts";
import { openTestStore, storeState, verifyStore } from "../helpers/store.ts";
import { replaceCall, systemError } from "../helpers/system-calls.ts";

const parts = { layer: baseLayer().tar, document: Buffer.from("a document") };

describe("stageDocument", () => {
  it("puts the bytes under their digest, also when they come twice", async () => {
    await using store = await openTestStore();
    using lease = openLease(store.engine.store);
    const both = await Promise.all([1, 2].map(() => stageDocument(lease, parts.document)));
    const digest = digestOf(parts.document);
    assert.deepEqual(
      both,
      [1, 2].map(() => ({ digest, isFresh: true })),
    );
    assert.deepEqual(fs.readFileSync(lease.pathOf(digest)), parts.document);
  });
});

describe("commitBlobs", () => {
  it("has all files in place and synced before rows, and rows before images", async () => {
    await using store = await openTestStore();
    const { store: content } = store.engine;
    const lease = openLease(content);
    const layer = await stageTar(lease, parts.layer);
    const document = await stageDocument(lease, parts.document);
    const calls: string[] = [];
    using _link = replaceCall("linkSync", (real) => (from: string, to: string) => {
      calls.push("link");
      return real(from, to);
    });
    using _sync = replaceCall("fsyncSync", (real) => (fd: number) => {
      calls.push(`sync ${fs.readlinkSync(`/proc/self/fd/${fd}`)}`);
      return real(fd);
    });
    const answer = commitBlobs(content, { lease, blobs: [layer, document] }, () => {
      calls.push("describe");
      for (const { digest } of [layer, document]) {
        assert.ok(fs.existsSync(blobPath(content.paths, digest)));
        assert.ok(content.database.get("SELECT 1 FROM blob WHERE digest = ?", digest));
      }
      return "described";
    });
    assert.equal(answer, "described");
    assert.deepEqual(calls, ["link", "link", `sync ${content.paths.blobs}`, "describe"]);
    assert.ok(await isSound(content, layer.digest));
    lease[Symbol.dispose]();
    await verifyStore(store);
  });

  it("takes back what it put in place when describing fails", async () => {
    await using store = await openTestStore();
    await addBlobs(store.engine.store, parts);
    const before = storeState(store);
    {
      using lease = openLease(store.engine.store);
      const blobs = [
        await stageTar(lease, appLayer().tar),
        await stageDocument(lease, Buffer.from("another document")),
        // In the store already: it must stay.
        await stageDocument(lease, parts.document),
      ];
      assert.throws(() => {
        commitBlobs(store.engine.store, { lease, blobs }, () => {
          throw new Error("no such image");
        });
      }, /^Error: no such image$/);
    }
    assert.deepEqual(storeState(store), before);
    await verifyStore(store);
  });

  it("takes back what it put in place when the disk is full", async () => {
    for (const name of ["linkSync", "renameSync", "fsyncSync"] as const) {
      for (const failAt of [0, 1]) {
        await using store = await openTestStore();
        const before = storeState(store);
        {
          using lease = openLease(store.engine.store);
          const blobs = [
            await stageTar(lease, parts.layer),
            await stageTar(lease, appLayer().tar),
            await stageDocument(lease, parts.document),
          ];
          let count = 0;
          using _ = replaceCall(name, (real) => (...args: unknown[]) => {
            if (count++ === failAt) throw systemError("ENOSPC");
            return Reflect.apply(real, fs, args);
          });
          const commit = () => commitBlobs(store.engine.store, { lease, blobs }, () => undefined);
          // There is one folder to sync: the second time is never.
          if (name === "fsyncSync" && failAt === 1) commit();
          else assert.throws(commit, { code: "DISK_FULL", message: /no space left on device/ });
        }
        if (name !== "fsyncSync" || failAt === 0) assert.deepEqual(storeState(store), before);
        await verifyStore(store);
      }
    }
  });

  it("puts a fresh file in the place of a damaged one", async () => {
    await using store = await openTestStore();
    const { layer, document } = await addBlobs(store.engine.store, parts);
    damageBlob(store.engine.store, layer, "flip");
    damageBlob(store.engine.store, document, "cut");
    await addBlobs(store.engine.store, parts);
    assert.ok(await isSound(store.engine.store, layer));
    await verifyStore(store);
  });

  it("brings back whole what was held and then removed by another command", async () => {
    await using store = await openTestStore();
    const { store: content } = store.engine;
    const { layer, document } = await addBlobs(content, parts);
    const row = "SELECT content_size AS contentSize, entries FROM layer";
    const summary = content.database.get<IndexSummary>(row);
    const lease = openLease(content);
    assert.ok(lease.hold(layer) && lease.holdIndex(layer) && lease.hold(document));
    sweepBlobs(content);
    assert.ok(!fs.existsSync(blobPath(content.paths, layer)));
    assert.ok(!fs.existsSync(indexPath(content.paths, layer)));
    const blobs = [
      { digest: layer, isFresh: false, layer: summary },
      { digest: document, isFresh: false },
    ];
    commitBlobs(content, { lease, blobs }, () => {
      // An image is what makes the index of a layer count.
      const image = "INSERT INTO image VALUES (?, '', 0, 0, 'linux/amd64', '', '{}', 0, 0)";
      content.database.run(image, document);
      content.database.run("INSERT INTO image_layer VALUES (?, 0, ?)", document, layer);
    });
    assert.deepEqual(content.database.get(row), summary);
    lease[Symbol.dispose]();
    await verifyStore(store);
  });
});
