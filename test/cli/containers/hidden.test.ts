// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { renderCliDocs } from "../../../src/cli/docs.ts";
import { run } from "../fake-context.ts";
import { fakeEngine } from "./fake-engine.ts";

test("what monitors run is there, and in no help", async () => {
  const engine = fakeEngine({
    cleanupContainer: undefined,
    checkHealth: (id: string) => (id === "ended" ? undefined : 2.5),
  });
  assert.equal((await engine.run(["--root", "/r", "container", "cleanup", "id"])).code, 0);
  const health = await engine.run(["container", "healthcheck", "id"]);
  assert.equal(health.stdout, "2.5\n");
  assert.equal(health.code, 0);
  const ended = await engine.run(["container", "healthcheck", "ended"]);
  assert.equal(ended.stdout + ended.stderr, "");
  assert.equal(ended.code, 1);
  assert.deepEqual(engine.calls, [
    ["cleanupContainer", "id"],
    ["checkHealth", "id"],
    ["checkHealth", "ended"],
  ]);
  const texts = [
    (await run(["container", "--help"])).stdout,
    (await run(["completion", "bash"])).stdout,
    await renderCliDocs(),
  ];
  for (const text of texts) assert.ok(!/cleanup|container healthcheck/.test(text));
});

test("commit, export and rollback hand on what they are given", async () => {
  const engine = fakeEngine({
    commitContainer: { id: "sha256:1" },
    exportContainer: undefined,
    rollbackImage: { id: "sha256:2", warnings: ["history says otherwise"] },
  });
  const committed = await engine.run([
    ...["commit", "-a", "me", "-m", "why", "-c", "CMD x", "-c", "ENV a=b", "--squash"],
    ...["--pause=false", "web", "img:1"],
  ]);
  assert.equal(committed.stdout, "sha256:1\n");
  const rolled = await engine.run(["rollback", "--to", "2", "-t", "old:1", "img"]);
  assert.equal(rolled.stdout, "sha256:2\n");
  assert.equal(rolled.stderr, "WARNING: history says otherwise\n");
  await engine.run(["container", "commit", "--no-pause", "web"]);
  await engine.run(["export", "-o", "/x.tar", "web"]);
  const [commit, rollback, plain, exported] = engine.calls.map(([, options]) => {
    const { signal: _, onProgress: __, ...rest } = options as Record<string, unknown>;
    return rest;
  });
  const change = { author: "me", message: "why", changes: ["CMD x", "ENV a=b"] };
  assert.deepEqual(commit, {
    ...change,
    container: "web",
    reference: "img:1",
    pause: false,
    squash: true,
  });
  assert.deepEqual(rollback, { image: "img", to: "2", reference: "old:1" });
  assert.equal(plain?.pause, false);
  assert.equal(plain?.reference, undefined);
  assert.deepEqual(exported, { container: "web", path: "/x.tar" });
  const both = await engine.run(["commit", "--pause", "--no-pause", "web"]);
  assert.equal(
    both.stderr,
    "conflicting options: --no-pause and --pause cannot be used together\n",
  );
});

test("an export to a terminal, or to where none can be, is refused", async () => {
  const { LadeError } = await import("../../../src/base/errors.ts");
  const engine = fakeEngine({
    exportContainer() {
      throw new LadeError("OUTPUT_INVALID", "invalid output path: stat /no: no such file");
    },
  });
  const terminal = await engine.run(["export", "web"], { stdout: { isTerminal: true } });
  assert.equal(
    terminal.stderr,
    "cowardly refusing to save to a terminal. Use the -o flag or redirect\n",
  );
  assert.deepEqual(engine.calls, []);
  const nowhere = await engine.run(["export", "-o", "/no/x", "web"]);
  assert.equal(
    nowhere.stderr,
    "failed to export container: invalid output path: stat /no: no such file\n",
  );
  assert.equal(nowhere.code, 1);
});
