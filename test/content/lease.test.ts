// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openLease, sweepDeadLeases } from "../../src/content/lease.ts";
import { blobPath, indexPath } from "../../src/content/paths.ts";
import { type Digest, digestOf } from "../../src/spec/digest.ts";
import { baseLayer } from "../fixtures/sample-image.ts";
import { addBlobs } from "../helpers/blobs.ts";
import { openTestStore, storeState, type TestStore, verifyStore } from "../helpers/store.ts";

const parts = { layer: baseLayer().tar, document: Buffer.from("a document") };
const unknown = digestOf("unknown");

/** A process that holds a lease and has put blobs in place that no row names. */
interface Holder {
  readonly child: ChildProcess;
  readonly placed: readonly Digest[];
}

async function startHolder(store: TestStore, held: Digest): Promise<Holder> {
  const script = join(import.meta.dirname, "lease-child.ts");
  const flags = ["--disable-warning=ExperimentalWarning", script, store.root, held];
  const child = spawn(process.execPath, flags, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await Promise.race([once(child.stdout, "data"), once(child, "exit")])) as [
    unknown,
  ];
  assert.ok(Buffer.isBuffer(line), `the holder ended with ${String(line)}`);
  return { child, placed: JSON.parse(line.toString()) as Digest[] };
}

async function kill({ child }: Holder): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

describe("openLease", () => {
  it("makes a folder that goes away with it", async () => {
    await using store = await openTestStore();
    const ingest = join(store.root, "ingest");
    {
      using lease = openLease(store.engine.store);
      assert.equal(fs.statSync(lease.folder).mode % 0o1000, 0o700);
      assert.deepEqual(fs.readdirSync(ingest).length, 2);
      assert.notEqual(lease.stagingPath(), lease.stagingPath());
      fs.writeFileSync(lease.stagingPath(), "half a blob");
    }
    assert.deepEqual(fs.readdirSync(ingest), []);
  });

  it("holds blobs that are there, again and again", async () => {
    await using store = await openTestStore();
    const { layer } = await addBlobs(store.engine.store, parts);
    using lease = openLease(store.engine.store);
    assert.equal(lease.hold(layer), true);
    assert.equal(lease.hold(layer), true);
    assert.equal(lease.hold(unknown), false);
    fs.rmSync(blobPath(store.engine.store.paths, layer));
    assert.equal(digestOf(fs.readFileSync(lease.pathOf(layer))), layer);
  });

  it("leaves other leases of the same process alone", async () => {
    await using store = await openTestStore();
    using first = openLease(store.engine.store);
    fs.writeFileSync(first.stagingPath(), "first");
    using second = openLease(store.engine.store);
    assert.deepEqual(fs.readdirSync(first.folder), ["staged-0"]);
    assert.deepEqual(fs.readdirSync(second.folder), []);
  });

  it("tells what it can't make", async () => {
    await using store = await openTestStore();
    fs.rmdirSync(join(store.root, "ingest"));
    assert.throws(() => openLease(store.engine.store), {
      code: "IO_FAILED",
      message: /^stage in .*ingest: no such file or directory$/,
    });
  });
});

describe("the lease of another process", () => {
  it("is cleaned up once that was killed, with what no row names", async () => {
    await using store = await openTestStore();
    const { paths } = store.engine.store;
    const { document } = await addBlobs(store.engine.store, parts);
    const before = storeState(store);
    const holder = await startHolder(store, document);
    for (const digest of holder.placed) assert.ok(fs.existsSync(blobPath(paths, digest)));
    await kill(holder);
    openLease(store.engine.store)[Symbol.dispose]();
    for (const digest of holder.placed) {
      assert.ok(!fs.existsSync(blobPath(paths, digest)));
      assert.ok(!fs.existsSync(indexPath(paths, digest)));
    }
    assert.deepEqual(storeState(store), before);
    await verifyStore(store);
  });

  it("keeps what another command has recorded since", async () => {
    await using store = await openTestStore();
    const { document } = await addBlobs(store.engine.store, parts);
    const holder = await startHolder(store, document);
    const recorded = holder.placed[1] as Digest;
    store.engine.store.database.run("INSERT INTO blob (digest, size) VALUES (?, 22)", recorded);
    await kill(holder);
    sweepDeadLeases(store.engine.store);
    assert.ok(fs.existsSync(blobPath(store.engine.store.paths, recorded)));
    await verifyStore(store);
  });

  it("is left alone while that lives", async () => {
    await using store = await openTestStore();
    const { paths } = store.engine.store;
    const { document } = await addBlobs(store.engine.store, parts);
    const holder = await startHolder(store, document);
    try {
      const names = fs.readdirSync(paths.ingest).sort();
      sweepDeadLeases(store.engine.store);
      openLease(store.engine.store)[Symbol.dispose]();
      assert.deepEqual(fs.readdirSync(paths.ingest).sort(), names);
      for (const digest of holder.placed) assert.ok(fs.existsSync(blobPath(paths, digest)));
    } finally {
      await kill(holder);
    }
  });

  it("may be only begun", async () => {
    await using store = await openTestStore();
    const ingest = join(store.root, "ingest");
    fs.writeFileSync(join(ingest, "just-a-lock.lock"), "");
    fs.writeFileSync(join(ingest, "with-folder.lock"), "");
    fs.mkdirSync(join(ingest, "with-folder/deeper"), { recursive: true });
    // A power cut may take the lock and leave the folder.
    fs.mkdirSync(join(ingest, "without-lock/deeper"), { recursive: true });
    sweepDeadLeases(store.engine.store);
    assert.deepEqual(fs.readdirSync(ingest), []);
  });
});
