// SPDX-License-Identifier: Apache-2.0

/** A pipe to which nothing comes does not hold up who wants to stop. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { bundle } from "../../scripts/build.ts";
import { runTool, scratch } from "../fixtures/outside-tools.ts";
import { file, sampleImage, sampleLayer } from "../fixtures/sample-image.ts";
import { plainArchive } from "../fixtures/variants.ts";
import { noise } from "../helpers/bytes.ts";
import { openTestStore, storeState, verifyStore } from "../helpers/store.ts";

// From its sources, Node itself makes standard input non-blocking.
const built = scratch();
await bundle({
  root: resolve(import.meta.dirname, "../.."),
  outDir: built.path("dist"),
  gitCommit: "test",
});
after(() => built.close());

const layers = [sampleLayer([file("large", noise(4 * 1024 * 1024))])];
const { archive } = plainArchive([sampleImage({ layers })]);

for (const [argv, written] of [
  [["load"], 0],
  [["load"], 3_000_000],
  [["import", "-", "x:1"], 700],
] as const) {
  test(`${argv.join(" ")} ends at once after ${written} bytes, and leaves nothing`, async () => {
    await using store = await openTestStore();
    const before = storeState(store);
    const fifo = join(store.folder, "fifo");
    assert.equal(runTool("mkfifo", [fifo]).status, 0);
    // Open at both ends, so that it does not end.
    const pipe = await open(fifo, "r+");
    const start = ["--disable-warning=ExperimentalWarning", built.path("dist/start.cjs")];
    const child = spawn(process.execPath, [...start, "--root", store.root, ...argv], {
      stdio: [pipe.fd, "ignore", "inherit"],
    });
    const ended = once(child, "exit");
    if (written > 0) await pipe.write(archive, 0, written);
    await waitUntilReading(child.pid ?? 0);
    child.kill("SIGINT");
    const [code, signal] = await Promise.race([
      ended,
      delay(20_000, ["still", "running"], { ref: false }),
    ]);
    await pipe.close();
    assert.ok(code === 130 || signal === "SIGINT", `${code} ${signal}`);
    assert.deepEqual(storeState(store), before);
    await verifyStore(store);
  });
}

/** Waits until a thread of the process sleeps in a read of a pipe. */
async function waitUntilReading(pid: number): Promise<void> {
  const tasks = `/proc/${pid}/task`;
  for (let turn = 0; turn < 1000; turn++) {
    const places = readdirSync(tasks).map((task) =>
      readFileSync(join(tasks, task, "wchan"), "utf8"),
    );
    if (places.some((place) => place.includes("pipe_read"))) return;
    await delay(20);
  }
  throw new Error(`process ${pid} does not read its standard input`);
}
