// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { mountsBelow } from "./mounts.ts";
import { requireTool, run, runOrThrow, shellQuote } from "./tools.ts";

test("run gives both outputs and any exit code", async () => {
  const result = await run("sh", ["-c", "cat; echo bad >&2; exit 7"], { input: "in" });
  assert.deepEqual(result, { stdout: "in", stderr: "bad\n", code: 7 });
  assert.equal((await run("sh", ["-c", "kill -9 $$"])).code, 137);
});

test("runOrThrow names the command and what it said", async () => {
  await assert.rejects(runOrThrow("sh", ["-c", "echo why >&2; exit 2"]), /exit 2\nwhy/);
  await assert.rejects(run("/nonexistent/tool"), /can't be started/);
});

test("input and output can be files", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "lade-test-"));
  const file = join(folder.path, "out");
  await run("echo", ["hello"], { stdoutFile: file });
  assert.equal(await readFile(file, "utf8"), "hello\n");
  assert.equal((await run("cat", [], { stdinFile: file })).stdout, "hello\n");
});

test("a command that takes too long is stopped", async () => {
  await assert.rejects(run("sleep", ["30"], { timeoutMs: 50 }), /not done after 50 ms/);
});

test("a missing tool is named with its package", () => {
  assert.match(requireTool("sh", "dash"), /\/sh$/);
  assert.throws(() => requireTool("no-such-tool", "some-package"), /apt-get install some-package/);
});

test("a quoted word comes out of a shell as it went in", async () => {
  const word = 'it\'s $HOME [x] "y" \\';
  assert.equal((await run("sh", ["-c", `printf %s ${shellQuote(word)}`])).stdout, word);
});

test("mounts below a folder come last first, with their names decoded", () => {
  const table = [
    "21 1 0:20 / / rw - ext4 /dev/vda rw",
    "22 21 0:21 / /tmp/a rw - tmpfs t rw",
    "23 22 0:22 / /tmp/a/b\\040c rw - overlay o rw",
    "24 21 0:23 / /tmp/ab rw - tmpfs t rw",
    "",
  ].join("\n");
  assert.deepEqual(mountsBelow(table, "/tmp/a"), ["/tmp/a/b c", "/tmp/a"]);
});
