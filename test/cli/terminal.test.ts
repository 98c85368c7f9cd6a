// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { requireTool, shellQuote } from "../helpers/tools.ts";

const contextModule = new URL("../../src/cli/process-context.ts", import.meta.url).href;

function nodeArguments(body: string): string[] {
  const head = `import { createProcessContext } from ${JSON.stringify(contextModule)};
    const context = createProcessContext();\n`;
  return ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", head + body];
}

function start(body: string): ChildProcess {
  return spawn(process.execPath, nodeArguments(body));
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

/** Runs lines of shell on a terminal of their own. */
async function onTerminal(lines: string, input = "") {
  const script = requireTool("script", "bsdutils");
  const child = spawn(script, ["-qec", lines, "/dev/null"]);
  child.stdin.write(input);
  return await finish(child);
}

const echo = `
  const input = context.stdin.open();
  for await (const chunk of input) await context.stdout.writeBytes(chunk);
  context.stdout.write("end");`;

test("input is read to its end, from a pipe and from a file", async () => {
  const child = start(echo);
  child.stdin?.end("x".repeat(300_000));
  const piped = await finish(child);
  assert.equal(piped.stdout, `${"x".repeat(300_000)}end`);
  assert.equal(piped.code, 0);
  const folder = mkdtempSync(join(tmpdir(), "lade-input-"));
  try {
    const path = join(folder, "file");
    writeFileSync(path, "from a file\n");
    for (const [file, text] of [
      [path, "from a file\nend"],
      ["/dev/null", "end"],
    ] as const) {
      const line = `${[process.execPath, ...nodeArguments(echo)].map(shellQuote).join(" ")} < ${file}`;
      assert.equal((await finish(spawn("sh", ["-c", line]))).stdout, text);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a process ends although its input has not", async () => {
  const child = start(`
    const input = context.stdin.open();
    for await (const chunk of input) {
      context.stdout.write(String(chunk));
      input[Symbol.dispose]();
    }`);
  child.stdin?.write("first");
  const { stdout, code } = await finish(child);
  assert.equal(stdout, "first");
  assert.equal(code, 0);
});

test("what lade leaves of a shared input is there for others", async () => {
  const node = [
    process.execPath,
    ...nodeArguments(`
    const input = context.stdin.open();
    for await (const chunk of input) { context.stdout.write("<" + chunk + ">"); break; }
    input[Symbol.dispose]();`),
  ];
  const line = `(printf one; sleep 1.5; printf two) | (${node.map(shellQuote).join(" ")}; cat)`;
  const { stdout, stderr } = await finish(spawn("sh", ["-c", line]));
  assert.equal(stderr, "");
  assert.equal(stdout, "<one>two");
});

test("a slow reader of the output holds up nothing else", async () => {
  const child = start(`
    const timer = setInterval(() => context.stderr.write("."), 20);
    await context.stdout.writeBytes(Buffer.alloc(1_000_000, "x"));
    clearInterval(timer);`);
  let ticks = 0;
  child.stderr?.on("data", (chunk) => {
    ticks += chunk.length;
  });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.ok(ticks > 5, `${ticks} ticks`);
  assert.equal((await finish(child)).stdout.length, 1_000_000);
});

test("output into a closed pipe is told of", async () => {
  const child = start(`
    try { for (;;) await context.stdout.writeBytes(Buffer.alloc(1000)); }
    catch (error) { context.stderr.write(error.name); }`);
  child.stdout?.destroy();
  assert.equal((await finish(child)).stderr, "OutputClosed");
});

test("signals are caught while somebody listens", async () => {
  const child = start(`
    const watch = context.onSignal((name) => {
      if (name === "SIGTERM") watch[Symbol.dispose]();
      context.stdout.write(name + " ");
    });
    const timer = setInterval(() => {}, 1000);
    context.stderr.write("ready");`);
  const texts: string[] = [];
  child.stdout?.on("data", (chunk) => texts.push(String(chunk)));
  await once(child.stderr as NonNullable<typeof child.stderr>, "data");
  for (const name of ["SIGHUP", "SIGINT", "SIGUSR2", "SIGTERM"] as const) {
    child.kill(name);
    await once(child.stdout as NonNullable<typeof child.stdout>, "data");
  }
  child.kill("SIGINT");
  const [, signal] = await once(child, "close");
  assert.equal(signal, "SIGINT");
  assert.equal(texts.join(""), "SIGHUP SIGINT SIGUSR2 SIGTERM ");
});

const modes = "stty -a | grep -oE -- '-?(opost|icanon|isig|echo)( |$)' | tr -d ' \\n'";

test("a terminal is raw and itself again, at the latest when the process ends", async () => {
  const show = `const { execSync } = await import("node:child_process");
    const show = () => execSync(${JSON.stringify(modes)}, { stdio: [0, 1, 1] });`;
  const line = (body: string) =>
    [process.execPath, ...nodeArguments(show + body)].map(shellQuote).join(" ");
  const raw = "-opost-isig-icanon-echo";
  const usual = "opostisigicanonecho";
  const sorted = (text: string) =>
    [...text.replaceAll(/\s/g, "").matchAll(/-?(?:opost|icanon|isig|echo)/g)].sort().join("");
  const restored = await onTerminal(
    line(`const restore = context.stdin.makeRaw(); show(); restore(); restore();`),
  );
  assert.equal(sorted(restored.stdout), sorted(raw));
  const ends = ["", "process.exitCode = 3;", "process.exit(4);", "throw new Error();"];
  for (const end of ends) {
    const { stdout } = await onTerminal(
      `${line(`context.stdin.makeRaw(); ${end}`)} >/dev/null 2>&1; ${modes}`,
    );
    assert.equal(sorted(stdout), sorted(usual), end);
  }
});

test("the size of a terminal is known, and that it changes", async () => {
  const body = `
    context.stdout.write(JSON.stringify(context.stdout.size));
    const watch = context.onResize(() => {
      context.stdout.write(JSON.stringify(context.stdout.size));
      watch[Symbol.dispose]();
      clearTimeout(timer);
    });
    const timer = setTimeout(() => {}, 10_000);
    const { execSync } = await import("node:child_process");
    execSync("stty rows 44 columns 155", { stdio: "inherit" });`;
  const node = [process.execPath, ...nodeArguments(body)].map(shellQuote).join(" ");
  const { stdout } = await onTerminal(`stty rows 33 columns 101; ${node}`);
  assert.equal(stdout, '{"rows":33,"columns":101}{"rows":44,"columns":155}');
});

test("what is no terminal has no size", async () => {
  const { stdout } = await finish(
    start("context.stdout.write(String(context.stdout.size) + context.stdin.isTerminal)"),
  );
  assert.equal(stdout, "undefinedfalse");
});
