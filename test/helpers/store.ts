// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkStore } from "../../src/engine/check.ts";
import { type Engine, openEngine } from "../../src/engine/engine.ts";
import { digestOf } from "../../src/spec/digest.ts";
import { unmountBelow } from "./mounts.ts";

/** An engine on an empty store in a folder of its own. */
export interface TestStore extends AsyncDisposable {
  readonly engine: Engine;
  /** A folder for whatever the test writes beside the store. */
  readonly folder: string;
  readonly root: string;
}

/** Folders of open stores, which a process that exits early takes along. */
const folders = new Set<string>();

function remove(folder: string): void {
  unmountBelow(folder);
  // Workers may still write while the process exits.
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  folders.delete(folder);
}

process.on("exit", () => {
  for (const folder of folders) remove(folder);
});

export async function openTestStore(): Promise<TestStore> {
  const folder = mkdtempSync(join(tmpdir(), "lade-test-"));
  folders.add(folder);
  const root = join(folder, "store");
  const engine = await openEngine({ root, runRoot: join(folder, "run") });
  return {
    engine,
    folder,
    root,
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      remove(folder);
    },
  };
}

/** Writes bytes to a file of the test's folder, and gives its path. */
export function writeFixture(store: TestStore, name: string, bytes: Uint8Array): string {
  const path = join(store.folder, name);
  const fd = openSync(path, "w");
  writeSync(fd, bytes);
  closeSync(fd);
  return path;
}

/**
 * Asserts the invariants that hold after every command, also a failed one: every blob is what its
 * name says, every row has its files, nothing is left in `ingest`.
 */
export async function verifyStore(store: TestStore): Promise<void> {
  const report = await checkStore(store.engine, {});
  assert.deepEqual(report.findings, []);
  assert.deepEqual(readdirSync(join(store.root, "ingest")), []);
  const blobs = join(store.root, "blobs", "sha256");
  for (const name of readdirSync(blobs)) {
    assert.equal(digestOf(readFileSync(join(blobs, name))), `sha256:${name}`);
  }
}

/** Everything that the store holds, for asserting that a failed command changed nothing. */
export function storeState(store: TestStore): unknown {
  const { database } = store.engine.store;
  // When a blob was hashed last may differ.
  const blobs = database.all("SELECT digest, size FROM blob");
  const tables = [
    "layer",
    "image",
    "image_layer",
    "manifest",
    "manifest_layer",
    "image_index",
    "index_document",
    "tag",
    "repository_digest",
  ];
  return {
    rows: [blobs, ...tables.map((table) => database.all(`SELECT * FROM ${table}`))],
    blobs: readdirSync(join(store.root, "blobs", "sha256")).sort(),
    indexes: readdirSync(join(store.root, "indexes", "sha256")).sort(),
    ingest: readdirSync(join(store.root, "ingest")),
  };
}
