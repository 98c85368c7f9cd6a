// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const entry = fileURLToPath(new URL("../../bin/main.ts", import.meta.url));
const contextModule = new URL("../../src/cli/process-context.ts", import.meta.url).href;

function start(args: string[]): ChildProcess {
  return spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...args]);
}

/** A child that runs a few lines with the context of its process. */
function startScript(body: string): ChildProcess {
  const head = `import { createProcessContext } from ${JSON.stringify(contextModule)};
    const context = createProcessContext();\n`;
  return start(["--input-type=module", "-e", head + body]);
}

async function finish(child: ChildProcess) {
  const texts = { stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk) => {
    texts.stdout += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    texts.stderr += chunk;
  });
  const [code, signal] = await once(child, "close");
  return { code, signal, ...texts };
}

test("the program prints and exits with the command's code", async () => {
  const good = await finish(start([entry, "--version"]));
  assert.match(good.stdout, /^lade version /);
  assert.equal(good.code, 0);
  const bad = await finish(start([entry, "images", "--foo"]));
  assert.match(bad.stderr, /^unknown flag: --foo\n/);
  assert.equal(bad.code, 125);
});

test("the program ends quietly when its reader goes away", async () => {
  const child = start([entry, "help"]);
  child.stdout?.destroy();
  const { code, stderr } = await finish(child);
  assert.equal(stderr, "");
  assert.equal(code, 141);
});

test("output reaches a slow reader whole, also through a pipe that does not block", async () => {
  const child = startScript(`
    process.stdout.writable;
    context.stdout.write("x".repeat(3_000_000) + "end");`);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const { code, stdout, stderr } = await finish(child);
  assert.equal(stderr, "");
  assert.equal(code, 0);
  assert.equal(stdout.length, 3_000_003);
});

test("a signal aborts work that asked to be told", async () => {
  for (const [name, number] of [
    ["SIGINT", 2],
    ["SIGTERM", 15],
  ] as const) {
    const child = startScript(`
      context.signal.addEventListener("abort", () => {
        context.stdout.write(String(context.interruptedBy));
        clearTimeout(timer);
      });
      const timer = setTimeout(() => {}, 60_000);
      context.stderr.write("ready");`);
    await once(child.stderr as NonNullable<typeof child.stderr>, "data");
    child.kill(name);
    const { code, stdout } = await finish(child);
    assert.equal(stdout, String(number));
    assert.equal(code, 0);
  }
});

test("a signal ends the process at once where nothing asked for it", async () => {
  const child = startScript(`
    setTimeout(() => {}, 60_000);
    context.stderr.write("ready");`);
  await once(child.stderr as NonNullable<typeof child.stderr>, "data");
  child.kill("SIGINT");
  assert.equal((await finish(child)).signal, "SIGINT");
});

test("lines are read one by one, up to the end of the input", async () => {
  const child = startScript(`
    for (let index = 0; index < 4; index++) {
      context.stdout.write(JSON.stringify(context.stdin.readLine() ?? null) + "\\n");
    }`);
  child.stdin?.end("yes\n\nlast");
  assert.equal((await finish(child)).stdout, '"yes"\n""\n"last"\nnull\n');
});
