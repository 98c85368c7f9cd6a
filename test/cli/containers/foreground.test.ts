// SPDX-License-Identifier: Apache-2.0

/** Real containers in the foreground of real processes and terminals. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Box, image, openBox } from "../../engine/containers/box.ts";
import { requireTool, shellQuote } from "../../helpers/tools.ts";

let box: Box;

before(async () => {
  box = await openBox();
});

after(() => box[Symbol.asyncDispose]());

const entry = join(import.meta.dirname, "../../../bin/main.ts");

function words(argv: readonly string[]): string[] {
  const root = ["--root", join(box.folder, "store")];
  return [process.execPath, "--disable-warning=ExperimentalWarning", entry, ...root, ...argv];
}

function start(argv: readonly string[]): ChildProcess {
  const [command = "", ...args] = words(argv);
  const env = { ...process.env, LADE_RUN_ROOT: join(box.folder, "run") };
  return spawn(command, args, { env });
}

/** Starts lade on a terminal of its own, which has this size. */
function startOnTerminal(argv: readonly string[]): ChildProcess {
  const line = `stty rows 33 columns 101; ${words(argv).map(shellQuote).join(" ")}`;
  const env = { ...process.env, LADE_RUN_ROOT: join(box.folder, "run") };
  return spawn(requireTool("script", "bsdutils"), ["-qec", line, "/dev/null"], { env });
}

interface Step {
  /** What has to be in the output since the step before. */
  readonly sees: string;
  readonly types: string;
}

/** Types when the time has come, and waits for the end. */
async function finish(child: ChildProcess, steps: readonly Step[] = []) {
  const texts = { stdout: "", stderr: "" };
  let seen = 0;
  const rest = [...steps];
  child.stdout?.on("data", (chunk) => {
    texts.stdout += chunk;
    const [step] = rest;
    const at = step === undefined ? -1 : texts.stdout.indexOf(step.sees, seen);
    if (step === undefined || at === -1) return;
    rest.shift();
    seen = at + step.sees.length;
    child.stdin?.write(step.types);
  });
  child.stderr?.on("data", (chunk) => {
    texts.stderr += chunk;
  });
  const [code] = await once(child, "close");
  assert.deepEqual(rest, [], `did not see ${rest[0]?.sees}: ${texts.stdout}${texts.stderr}`);
  return { code, ...texts };
}

const none = ["--network", "none"];

test("a shell runs on a terminal that is its own", async () => {
  const shell = startOnTerminal(["run", "--rm", "-it", ...none, image, "sh"]);
  const { code, stdout } = await finish(shell, [
    { sees: "# ", types: "busybox stty size; test -t 0 && echo tt''y\n" },
    { sees: "33 101\r\ntty", types: "exit 5\n" },
  ]);
  assert.equal(code, 5);
  assert.ok(!stdout.includes("\r\r\n"));
});

test("keys leave a container, and attach comes back to it", async () => {
  const run = startOnTerminal(["run", "-it", "--name", "left", ...none, image, "sh"]);
  const left = await finish(run, [
    { sees: "# ", types: "echo he''re\n" },
    { sees: "here", types: "\u0010\u0011" },
  ]);
  assert.equal(left.code, 0);
  const exec = await finish(start(["exec", "left", "echo", "runs on"]));
  assert.equal(exec.stdout, "runs on\n");
  const back = await finish(startOnTerminal(["attach", "--detach-keys", "x,y", "left"]), [
    { sees: "# ", types: "echo ba''ck\n" },
    { sees: "back", types: "xy" },
  ]);
  assert.match(back.stdout, /read escape sequence\r\n$/);
  assert.equal(back.code, 1);
  const end = await finish(startOnTerminal(["attach", "left"]), [
    { sees: "# ", types: "exit 4\n" },
  ]);
  assert.equal(end.code, 4);
  assert.equal((await finish(start(["rm", "left"]))).stdout, "left\n");
});

test("exec has a terminal, too", async () => {
  await finish(start(["run", "-d", "--name", "host", ...none, image, "sleep", "60"]));
  const shell = startOnTerminal(["exec", "-it", "host", "sh"]);
  const { code } = await finish(shell, [
    { sees: "# ", types: "busybox stty size\n" },
    { sees: "33 101", types: "exit 6\n" },
  ]);
  assert.equal(code, 6);
  assert.equal((await finish(start(["rm", "-f", "host"]))).code, 0);
});

test("top and stats show what runs", async () => {
  await finish(start(["run", "-d", "--name", "busy", ...none, image, "sleep", "60"]));
  const top = await finish(start(["top", "busy", "-o", "pid,args"]));
  assert.match(top.stdout, /^PID +COMMAND\n\d+ +sleep 60\n$/);
  const format = "{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.PIDs}}";
  const stats = ["stats", "--no-stream", "--format", format, "busy"];
  assert.match(
    (await finish(start(stats))).stdout,
    /^busy [\d.]+% [1-9][\d.]*[KM]iB \/ [\d.]+[GM]iB 1\n$/,
  );
  assert.equal((await finish(start(["kill", "busy"]))).code, 0);
  await finish(start(["wait", "busy"]));
  assert.equal((await finish(start(stats))).stdout, "busy 0.00% 0B / 0B 0\n");
  const { code, stderr } = await finish(start(["top", "busy"]));
  assert.match(stderr, /^Error response from daemon: container [0-9a-f]{64} is not running\n$/);
  assert.equal(code, 1);
  assert.equal((await finish(start(["rm", "busy"]))).code, 0);
});

test("cp tells the size of the tar, which has no more than a header for a small file", async () => {
  await finish(start(["create", "--name", "cp", ...none, image]));
  const path = join(box.folder, "note");
  fs.writeFileSync(path, "x");
  fs.utimesSync(path, 1234567890.5, 1234567890.5);
  const into = await finish(start(["cp", "-q=false", path, "cp:/data/note"]));
  assert.equal(into.stderr, "Successfully copied 2.05kB to cp:/data/note\n");
  const out = await finish(start(["cp", "-q=false", "cp:/data/note", `${path}.2`]));
  assert.equal(out.stderr, `Successfully copied 2.05kB to ${path}.2\n`);
  assert.equal(fs.statSync(`${path}.2`).mtimeMs, 1234567890_000);
  assert.equal((await finish(start(["rm", "cp"]))).code, 0);
});

test("megabytes go through a container and come out whole", async () => {
  const child = start(["run", "--rm", "-i", ...none, image, "cat"]);
  const lines = Array.from({ length: 400_000 }, (_, index) => `${index}\n`).join("");
  child.stdin?.end(lines);
  const { code, stdout } = await finish(child);
  assert.equal(code, 0);
  assert.ok(stdout === lines, `${stdout.length} of ${lines.length} bytes`);
});

test("signals reach the container's first process", async () => {
  const script =
    "trap 'echo hup' HUP; trap 'echo term; exit 9' TERM; echo up; while :; do sleep 0.1; done";
  const child = start(["run", "--rm", ...none, image, "sh", "-c", script]);
  const ended = finish(child);
  await once(child.stdout as NonNullable<typeof child.stdout>, "data");
  child.kill("SIGHUP");
  await once(child.stdout as NonNullable<typeof child.stdout>, "data");
  child.kill("SIGTERM");
  const { code, stdout } = await ended;
  assert.equal(stdout, "up\nhup\nterm\n");
  assert.equal(code, 9);
});

test("who insists gets away from a container that takes no notice", async () => {
  const script = "trap '' INT TERM; echo up; sleep 60";
  const child = start(["run", "--name", "deaf", ...none, image, "sh", "-c", script]);
  const ended = finish(child);
  await once(child.stdout as NonNullable<typeof child.stdout>, "data");
  for (const name of ["SIGINT", "SIGTERM", "SIGINT"] as const) {
    child.kill(name);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const { code, stderr } = await ended;
  assert.equal(stderr, "\ngot 3 SIGTERM/SIGINTs, forcefully exiting\n");
  assert.equal(code, 1);
  assert.equal((await finish(start(["rm", "-f", "deaf"]))).stdout, "deaf\n");
});

test("a reader that goes away ends lade, not the container", async () => {
  const child = start([
    "run",
    "--name",
    "loud",
    ...none,
    image,
    "sh",
    "-c",
    "while :; do echo x; done",
  ]);
  await once(child.stdout as NonNullable<typeof child.stdout>, "data");
  child.stdout?.destroy();
  const [code] = await once(child, "close");
  assert.equal(code, 141);
  const { stdout } = await finish(start(["ps", "--format", "{{.Names}}"]));
  assert.equal(stdout, "loud\n");
  assert.equal((await finish(start(["rm", "-f", "loud"]))).code, 0);
});
