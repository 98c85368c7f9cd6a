// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type ErrorCode, LadeError } from "../../../src/base/errors.ts";
import type {
  AttachOptions,
  CreateContainerOptions,
  StartOptions,
  TerminalSize,
} from "../../../src/engine/container-types.ts";
import { type FakeOptions, run } from "../fake-context.ts";
import { containerId } from "./documents.ts";

interface Process {
  /** What it does once it is attached; its output has ended when this resolves. */
  readonly live?: (attach: AttachOptions) => Promise<unknown>;
  readonly exitCode?: number;
  readonly createError?: Error;
  readonly startError?: Error;
  readonly waitError?: string;
  /** The user leaves. */
  readonly isDetached?: boolean;
  readonly onResize?: (size: TerminalSize) => void;
}

/** Runs `lade run` on an engine whose containers do what the test says. */
async function runFake(argv: readonly string[], process: Process = {}, options: FakeOptions = {}) {
  const calls: unknown[][] = [];
  const note =
    (name: string) =>
    (...args: unknown[]) =>
      calls.push([name, ...args]);
  const useCases = {
    async createContainer(_engine: unknown, request: CreateContainerOptions) {
      note("create")(request);
      if (process.createError !== undefined) throw process.createError;
      return { id: containerId, warnings: ["a warning"] };
    },
    async startContainer(_engine: unknown, id: string, start: StartOptions = {}) {
      note("start")(id, start);
      if (process.startError !== undefined) throw process.startError;
      if (start.attach === undefined) return { warnings: [] };
      const living = process.live?.(start.attach) ?? Promise.resolve();
      const attachment = {
        ended: living.then(() => (process.isDetached ? "detached" : "closed")),
        resize: (size: TerminalSize) => process.onResize?.(size),
        detach: note("detach"),
        async [Symbol.asyncDispose]() {
          note("left")();
        },
      };
      return { attachment, warnings: [] };
    },
    async waitContainer(_engine: unknown, id: string, condition: string) {
      note("wait")(id, condition);
      return { exitCode: process.exitCode ?? 0, error: process.waitError };
    },
    async killContainer(_engine: unknown, id: string, signal: string) {
      note("kill")(id, signal);
    },
  };
  const result = await run(["run", ...argv], { ...options, useCases });
  return { ...result, calls, names: calls.map(([name]) => name) };
}

/** What the engine is asked to make. */
function requestOf({ calls }: { readonly calls: unknown[][] }): CreateContainerOptions {
  const request = calls.find(([name]) => name === "create")?.[1];
  assert.ok(request !== undefined);
  return request as CreateContainerOptions;
}

const say =
  (text: string, stream: "stdout" | "stderr" = "stdout") =>
  async (attach: AttachOptions) =>
    await attach[stream]?.(Buffer.from(text));

test("run shows the container's output and ends with its code", async () => {
  const ran = await runFake(["img", "cmd"], {
    exitCode: 7,
    async live(attach) {
      await say("out")(attach);
      await say("err", "stderr")(attach);
    },
  });
  assert.equal(ran.stdout, "out");
  assert.equal(ran.stderr, "WARNING: a warning\nerr");
  assert.equal(ran.code, 7);
  assert.deepEqual(ran.names, ["create", "start", "left", "wait"].toSorted(order(ran.names)));
  assert.equal(ran.closed, 1);
});

function order(names: readonly unknown[]) {
  return (left: string, right: string) => names.indexOf(left) - names.indexOf(right);
}

test("run -d prints the ID and leaves the container alone", async () => {
  const ran = await runFake(["-d", "--name", "web", "img", "sleep", "9"]);
  assert.equal(ran.stdout, `${containerId}\n`);
  assert.deepEqual(ran.names, ["create", "start"]);
  const request = requestOf(ran);
  assert.equal(request.name, "web");
  assert.deepEqual(request.body.Cmd, ["sleep", "9"]);
  assert.equal(request.body.AttachStdout, false);
  const interactive = await runFake(["-dit", "img"]);
  const { body } = requestOf(interactive);
  assert.equal(body.OpenStdin, true);
  assert.equal(body.AttachStdin, false);
  assert.equal(body.StdinOnce, false);
  const both = await runFake(["-d", "-a", "stdout", "img"]);
  assert.equal(both.stderr, "conflicting options: cannot specify both --attach and --detach\n");
  assert.equal(both.code, 1);
});

test("run waits for the removal of what removes itself", async () => {
  const condition = async (...argv: string[]) =>
    (await runFake([...argv, "img"])).calls.find(([name]) => name === "wait")?.[2];
  assert.equal(await condition("--rm"), "removed");
  assert.equal(await condition(), "not-running");
});

test("run sends its input only where that was asked for", async () => {
  const input = async (attach: AttachOptions) => {
    let text = "";
    for await (const chunk of attach.stdin ?? []) text += chunk;
    await say(text)(attach);
  };
  const stdin = { chunks: ["a", "b"] };
  assert.equal((await runFake(["-i", "img"], { live: input }, { stdin })).stdout, "ab");
  assert.equal((await runFake(["img"], { live: input }, { stdin })).stdout, "");
  const only = await runFake(["-i", "-a", "stdin", "img"], {
    live: (attach) => say("never")(attach).then(() => new Promise(() => {})),
    exitCode: 3,
  });
  assert.equal(only.stdout, "");
  assert.equal(only.code, 3);
});

test("errors before the start end in Docker's codes, with the way to the help", async () => {
  const help = "\n\nRun 'lade run --help' for more information\n";
  const cases: [ErrorCode, string, number, string?][] = [
    ["CONTAINER_CONFLICT", "Conflict. The container name is in use", 125],
    ["COMMAND_NOT_FOUND", 'exec: "x": executable file not found in $PATH', 127],
    ["COMMAND_NOT_EXECUTABLE", 'exec: "/x": permission denied', 126],
    ["RUNTIME_FAILED", "stat /x: no such file or directory", 127],
    ["RUNTIME_FAILED", "exec /etc: is a directory", 126],
    ["RUNTIME_FAILED", "something else", 125],
    ["PORT_TAKEN", "port is already allocated", 125],
  ];
  for (const [code, message, exitCode] of cases) {
    const error = new LadeError(code, message);
    for (const process of [{ createError: error }, { startError: error }]) {
      const ran = await runFake(["img"], process);
      const warning = process.startError === undefined ? "" : "WARNING: a warning\n";
      assert.equal(ran.stderr, `${warning}lade: Error response from daemon: ${message}${help}`);
      assert.equal(ran.code, exitCode, message);
    }
  }
  const detached = await runFake(["-d", "img"], { startError: new LadeError("PORT_TAKEN", "no") });
  assert.equal(detached.stdout, `${containerId}\n`);
  assert.equal(detached.code, 125);
  const bug = await runFake(["img"], { startError: new Error("oops") });
  assert.match(bug.stderr, /lade: internal error: oops\n/);
});

test("a missing image is told of as Docker does, whose client would pull it now", async () => {
  const createError = new LadeError("IMAGE_NOT_FOUND", "No such image: img:latest");
  const error =
    "lade: Error response from daemon: No such image: img:latest\n\n" +
    "Run 'lade run --help' for more information\n";
  const said = "Unable to find image 'img:latest' locally\n";
  const missing = await runFake(["img"], { createError });
  assert.equal(missing.stderr, said + error);
  assert.equal(missing.code, 125);
  assert.equal((await runFake(["--pull", "never", "img"], { createError })).stderr, error);
  assert.equal((await runFake(["-q", "img"], { createError })).stderr, error);
  assert.equal((await runFake(["a".repeat(64)], { createError })).stderr, error);
  const always = await runFake(["--pull", "always", "img"]);
  assert.match(always.stderr, /^lade: --pull always is not supported: /);
  assert.equal(always.code, 125);
  const bad = await runFake(["BAD"], {
    createError: new LadeError("REFERENCE_INVALID", "invalid reference format"),
  });
  assert.equal(
    bad.stderr,
    "lade: invalid reference format\n\nRun 'lade run --help' for more information\n",
  );
});

test("the image and the command reach the engine as they are", async () => {
  for (const image of ["./web.tar", "../x", "/a/b.tar", "img:1", "./layout"]) {
    const { body } = requestOf(await runFake([image, "-x", "--rm"]));
    assert.equal(body.Image, image);
    assert.deepEqual(body.Cmd, ["-x", "--rm"]);
  }
});

test("--platform, or the variable for it, chooses among an image's platforms", async () => {
  const platform = async (argv: string[], env: Record<string, string> = {}) =>
    requestOf(await runFake([...argv, "img"], {}, { env })).platform;
  assert.equal(await platform([]), undefined);
  assert.equal(await platform(["--platform", "linux/arm64"]), "linux/arm64");
  assert.equal(await platform([], { DOCKER_DEFAULT_PLATFORM: "linux/386" }), "linux/386");
});

test("--cidfile is written once the container is made", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lade-cid-"));
  try {
    const path = join(folder, "id");
    await runFake(["--cidfile", path, "img"]);
    assert.equal(readFileSync(path, "utf8"), containerId);
    const again = await runFake(["--cidfile", path, "img"]);
    assert.equal(
      again.stderr,
      "lade: container ID file found, make sure the other container isn't running or delete " +
        `${path}\n\nRun 'lade run --help' for more information\n`,
    );
    assert.equal(again.code, 125);
    assert.deepEqual(again.names, []);
    const failed = join(folder, "failed");
    await runFake(["--cidfile", failed, "img"], {
      createError: new LadeError("CONTAINER_CONFLICT", "taken"),
    });
    assert.ok(!existsSync(failed));
    writeFileSync(join(folder, "file"), "");
    const nowhere = await runFake(["--cidfile", join(folder, "file", "id"), "img"]);
    assert.match(nowhere.stderr, /failed to create the container ID file: .*not a directory/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a terminal is raw while the container has it", async () => {
  const sizes: TerminalSize[] = [];
  const events = new EventEmitter();
  const stdout = { isTerminal: true, rows: 30, columns: 90 };
  const ran = await runFake(
    ["-it", "img"],
    {
      onResize: (size) => sizes.push(size),
      async live() {
        await new Promise((resolve) => setTimeout(resolve, 5));
        stdout.rows = 40;
        events.emit("resize");
      },
    },
    { stdin: { isTerminal: true }, stdout, events },
  );
  assert.deepEqual(ran.terminal, ["raw", "restored"]);
  const start = ran.calls.find(([name]) => name === "start")?.[2] as StartOptions;
  assert.deepEqual(start.size, { rows: 30, columns: 90 });
  assert.deepEqual(sizes[0], { rows: 30, columns: 90 });
  assert.equal(events.listenerCount("resize"), 0);
  const { body } = requestOf(ran);
  assert.deepEqual(body.HostConfig?.ConsoleSize, [30, 90]);
});

test("a terminal is put back whatever happens", async () => {
  const options = { stdin: { isTerminal: true } };
  const failed = await runFake(["-it", "img"], { startError: new Error("oops") }, options);
  assert.deepEqual(failed.terminal, ["raw", "restored"]);
  const broken = await runFake(
    ["-it", "img"],
    { live: () => Promise.reject(new Error("oops")) },
    options,
  );
  assert.deepEqual(broken.terminal, ["raw", "restored"]);
  const left = await runFake(["-it", "img"], { isDetached: true }, options);
  assert.deepEqual(left.terminal, ["raw", "restored"]);
  assert.equal(left.code, 0);
  assert.ok(!left.names.includes("wait"));
  // Without input there is nobody who types.
  assert.deepEqual((await runFake(["-t", "img"], {}, options)).terminal, []);
});

test("a terminal for what is none is refused", async () => {
  const piped = await runFake(["-it", "img"]);
  assert.equal(piped.stderr, "the input device is not a TTY\n");
  assert.equal(piped.code, 1);
  assert.deepEqual(piped.names, []);
  assert.equal((await runFake(["-t", "img"])).code, 0);
  assert.equal((await runFake(["-dit", "img"])).code, 0);
});

test("keys to leave with are handed on", async () => {
  const { calls } = await runFake(["--detach-keys", "a,b", "img"]);
  const start = calls.find(([name]) => name === "start")?.[2] as StartOptions;
  assert.equal(start.attach?.detachKeys, "a,b");
  const bad = await runFake(["--detach-keys", "ctrl-", "img"]);
  assert.match(bad.stderr, /^Invalid detach keys \(ctrl-\) provided\n/);
  assert.equal(bad.code, 1);
  assert.deepEqual(bad.names, []);
});

test("signals go to the container, in their order", async () => {
  const events = new EventEmitter();
  const live = async () => {
    for (const name of ["SIGHUP", "SIGINT", "SIGWINCH", "SIGUSR1"]) events.emit(name);
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const kills = async (...argv: string[]) =>
    (await runFake([...argv, "img"], { live }, { events })).calls
      .filter(([name]) => name === "kill")
      .map(([, , signal]) => signal);
  assert.deepEqual(await kills(), ["SIGHUP", "SIGINT", "SIGWINCH", "SIGUSR1"]);
  // A terminal has a size of its own.
  assert.deepEqual(await kills("-t"), ["SIGHUP", "SIGINT", "SIGUSR1"]);
  assert.deepEqual(await kills("--sig-proxy=false"), []);
});

test("the third signal to end ends lade", async () => {
  const events = new EventEmitter();
  const ran = await runFake(
    ["img"],
    {
      live() {
        for (const name of ["SIGINT", "SIGTERM", "SIGINT"]) events.emit(name);
        return new Promise(() => {});
      },
    },
    { events },
  );
  assert.equal(ran.stderr, "WARNING: a warning\n\ngot 3 SIGTERM/SIGINTs, forcefully exiting\n");
  assert.equal(ran.code, 1);
});

test("a container that can't be waited for ends in 125", async () => {
  const ran = await runFake(["img"], { waitError: "gone wrong" });
  assert.match(ran.stderr, /Error waiting for container: gone wrong\n$/);
  assert.equal(ran.code, 125);
});

test("name servers of this machine are warned of", async () => {
  const { stderr } = await runFake(["--dns", "1.1.1.1", "--dns", "127.0.0.53", "img"]);
  assert.equal(
    stderr,
    "WARNING: a warning\nWARNING: Localhost DNS (127.0.0.53) may fail in containers.\n",
  );
});

test("what can't be carried out is refused by name", async () => {
  const options = [
    "--gpus=all",
    "--isolation=hyperv",
    "--cpu-count=1",
    "--cpu-percent=1",
    "--io-maxbandwidth=1",
    "--io-maxiops=1",
    "--storage-opt=size=1g",
    "--kernel-memory=1g",
    "--use-api-socket",
    "--disable-content-trust=false",
  ];
  for (const option of options) {
    const { code, stderr, names } = await runFake([option, "img"]);
    const name = option.replace(/=.*/, "");
    assert.ok(stderr.startsWith(`flag is not supported: ${name}: `), stderr);
    assert.equal(code, 125);
    assert.deepEqual(names, []);
  }
  const harmless = ["--isolation=default", "--disable-content-trust", "--use-api-socket=false"];
  assert.equal((await runFake([...harmless, "img"])).code, 0);
  const values = [
    ["--device", "vendor.com/class=name"],
    ["--mount", "type=image,src=a,dst=/b"],
    ["--mount", "type=bind,src=/a,dst=/b,bind-recursive=readonly"],
    ["--mount", "type=foo,dst=/b"],
    ["--network", "name=n,gw-priority=1"],
  ];
  for (const value of values) assert.equal((await runFake([...value, "img"])).code, 125);
});
