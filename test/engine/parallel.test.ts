// SPDX-License-Identifier: Apache-2.0

/** Many commands on one store at the same time. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { listImages } from "../../src/engine/list.ts";
import { loadImages } from "../../src/engine/load.ts";
import { pruneImages } from "../../src/engine/prune.ts";
import { kaniko } from "../fixtures/builders.ts";
import { containerdZstd } from "../fixtures/containerd.ts";
import { docker25, dockerSave25 } from "../fixtures/docker-oci.ts";
import { sampleImage } from "../fixtures/sample-image.ts";
import { openTestStore, type TestStore, verifyStore } from "../helpers/store.ts";

const archives = {
  docker: () => docker25().archive,
  // Shares its lower layers with the first, so that what one removes another needs.
  sibling: () =>
    dockerSave25([{ image: sampleImage({ flavour: "sibling" }), tags: ["demo:2"] }]).archive,
  zstd: () => containerdZstd().archive,
  kaniko: () => kaniko().archive,
};

function writeArchives(store: TestStore): string {
  const folder = join(store.folder, "archives");
  mkdirSync(folder);
  for (const [name, make] of Object.entries(archives)) {
    writeFileSync(join(folder, `${name}.tar`), make());
  }
  return folder;
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(script: string, ...args: readonly string[]): Promise<Ended> {
  const flags = ["--disable-warning=ExperimentalWarning", resolve(import.meta.dirname, script)];
  const child = spawn(process.execPath, [...flags, ...args]);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, ...output })));
}

describe("commands at the same time", () => {
  it("take in the same image, into a store that none of them has found", async () => {
    await using store = await openTestStore();
    const folder = writeArchives(store);
    const root = join(store.folder, "new-store");
    const script = join(store.folder, "load.ts");
    const source = (name: string) => JSON.stringify(join(import.meta.dirname, "../../src", name));
    writeFileSync(
      script,
      `import { openEngine } from ${source("engine/engine.ts")};
       import { loadImages } from ${source("engine/load.ts")};
       await using engine = await openEngine({ root: ${JSON.stringify(root)} });
       const { images } = await loadImages(engine, { path: process.argv[2] });
       console.log(images.length);`,
    );
    const ends = await Promise.all(
      Array.from({ length: 6 }, () => run(script, join(folder, "docker.tar"))),
    );
    for (const end of ends) assert.deepEqual(end, { code: 0, stdout: "2\n", stderr: "" });
  });

  it("end in ways that can be explained, and leave a sound store", async () => {
    await using store = await openTestStore();
    const folder = writeArchives(store);
    const processes = 16;
    const ends = await Promise.all(
      Array.from({ length: processes }, (_, index) =>
        run("parallel-child.ts", store.root, folder, String(index * 7919), "6"),
      ),
    );
    const all: string[] = [];
    for (const { code, stdout, stderr } of ends) {
      assert.equal(stderr, "");
      assert.equal(code, 0);
      all.push(...JSON.parse(stdout));
    }
    assert.equal(all.length, processes * 6);
    assert.ok(all.filter((end) => end === "ok").length > all.length / 2, all.join(" "));
    await verifyStore(store);

    // Nothing is in the way of what comes next, and nothing stays once all is gone.
    for (const name of Object.keys(archives)) {
      await loadImages(store.engine, { path: join(folder, `${name}.tar`) });
    }
    await verifyStore(store);
    await pruneImages(store.engine, { all: true });
    assert.deepEqual(await listImages(store.engine, { all: true }), []);
    assert.deepEqual(store.engine.store.database.all("SELECT * FROM blob"), []);
    await verifyStore(store);
  });
});
