// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, LadeError } from "../../../src/base/errors.ts";
import type {
  AttachOptions,
  ContainerDocument,
  StartExecOptions,
  StartOptions,
  TerminalSize,
} from "../../../src/engine/container-types.ts";
import type { ExecConfig } from "../../../src/spec/container.ts";
import type { FakeOptions } from "../fake-context.ts";
import { container, containerId } from "./documents.ts";
import { fakeEngine, noSuchContainer } from "./fake-engine.ts";

interface Live {
  readonly how?: "closed" | "detached";
  readonly onResize?: (size: TerminalSize) => void;
}

function attachmentOf(attach: AttachOptions | undefined, { how = "closed", onResize }: Live = {}) {
  const speak = async () => {
    await attach?.stdout?.(Buffer.from("out"));
    await attach?.stderr?.(Buffer.from("err"));
    for await (const chunk of attach?.stdin ?? []) await attach?.stdout?.(chunk);
    return how;
  };
  return {
    ended: speak(),
    resize: (size: TerminalSize) => onResize?.(size),
    detach() {},
    async [Symbol.asyncDispose]() {},
  };
}

const config = (change: ContainerDocument["Config"]) => ({
  ...container,
  Config: { ...container.Config, ...change },
});

const state = (change: Partial<ContainerDocument["State"]>) => ({
  ...container,
  State: { ...container.State, ...change },
});

function attach(argv: string[], document = container, live: Live = {}, options: FakeOptions = {}) {
  const engine = fakeEngine({
    inspectContainer: document,
    attachContainer: (_id: string, request: AttachOptions) => attachmentOf(request, live),
    waitContainer: { exitCode: 4 },
  });
  return engine.run(["attach", ...argv], options);
}

test("attach shows the output of a container and ends with its code", async () => {
  const { stdout, stderr, code } = await attach(["web"]);
  assert.equal(stdout, "out");
  assert.equal(stderr, "err");
  assert.equal(code, 4);
  assert.equal((await attach(["nope"])).stderr, noSuchContainer);
});

test("attach needs a container that runs", async () => {
  const cases = [
    [state({ Running: false }), "stopped container, start it first"],
    [state({ Paused: true }), "paused container, unpause it first"],
    [state({ Restarting: true }), "restarting container, wait until it is running"],
  ] as const;
  for (const [document, message] of cases) {
    const { stderr, code } = await attach(["web"], document);
    assert.equal(stderr, `cannot attach to a ${message}\n`);
    assert.equal(code, 1);
  }
});

test("attach sends input where the container takes any", async () => {
  const stdin = { chunks: ["in"] };
  const open = config({ OpenStdin: true });
  assert.equal((await attach(["web"], container, {}, { stdin })).stdout, "out");
  assert.equal((await attach(["web"], open, {}, { stdin })).stdout, "outin");
  assert.equal((await attach(["--no-stdin", "web"], open, {}, { stdin })).stdout, "out");
});

test("attach has a terminal drawn again, and tells that it was left", async () => {
  const sizes: TerminalSize[] = [];
  const live = { how: "detached", onResize: (size: TerminalSize) => sizes.push(size) } as const;
  const { stderr, code, terminal } = await attach(
    ["web"],
    config({ OpenStdin: true, Tty: true }),
    live,
    { stdin: { isTerminal: true }, stdout: { isTerminal: true, rows: 24, columns: 80 } },
  );
  assert.deepEqual(sizes, [
    { rows: 25, columns: 81 },
    { rows: 24, columns: 80 },
  ]);
  assert.deepEqual(terminal, ["raw", "restored"]);
  assert.equal(stderr, "read escape sequence\n");
  assert.equal(code, 1);
  const piped = await attach(["web"], config({ Tty: true }));
  assert.equal(piped.stderr, "the input device is not a TTY\n");
});

test("start -a joins the container that it starts", async () => {
  const starts: unknown[][] = [];
  const engine = fakeEngine({
    inspectContainer: config({ OpenStdin: true }),
    startContainer(id: string, options: StartOptions) {
      starts.push([id, options.attach?.stdin !== undefined]);
      return { attachment: attachmentOf(options.attach), warnings: [] };
    },
    waitContainer: { exitCode: 2 },
  });
  const joined = await engine.run(["start", "-a", "web"]);
  assert.equal(joined.stdout, "out");
  assert.equal(joined.code, 2);
  const interactive = await engine.run(["start", "-ai", "web"], { stdin: { chunks: ["in"] } });
  assert.equal(interactive.stdout, "outin");
  assert.deepEqual(starts, [
    [containerId, false],
    [containerId, true],
  ]);
});

interface FakeExec extends Live {
  readonly exitCode?: number;
  readonly error?: Error;
}

async function exec(argv: string[], fake: FakeExec = {}, options: FakeOptions = {}) {
  const engine = fakeEngine({
    inspectContainer: container,
    createExec: { id: "e1" },
    startExec(_id: string, request: StartExecOptions) {
      if (fake.error !== undefined) throw fake.error;
      return {
        attachment: request.detach === true ? undefined : attachmentOf(request.attach, fake),
        exitCode: Promise.resolve(fake.exitCode ?? 0),
      };
    },
  });
  const result = await engine.run(["exec", ...argv], options);
  const created = engine.calls.find(([name]) => name === "createExec")?.[2] as ExecConfig;
  const started = engine.calls.find(([name]) => name === "startExec")?.[2] as StartExecOptions;
  return { ...result, created, started, names: engine.calls.map(([name]) => name) };
}

test("exec runs a command and ends with its code", async () => {
  const ran = await exec(["web", "ls", "-l", "--all"], { exitCode: 5 });
  assert.equal(ran.stdout, "out");
  assert.equal(ran.stderr, "err");
  assert.equal(ran.code, 5);
  assert.deepEqual(ran.created.Cmd, ["ls", "-l", "--all"]);
  assert.equal(ran.created.AttachStdin, false);
});

test("exec hands its options on", async () => {
  const { created, stdout } = await exec(
    [
      ...["-i", "-u", "1:2", "-w", "/w", "-e", "A=1", "-e", "HERE", "-e", "GONE", "--privileged"],
      ...["--detach-keys", "a,b", "web", "sh"],
    ],
    {},
    { env: { HERE: "x" }, stdin: { chunks: ["in"] } },
  );
  assert.deepEqual(created, {
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    DetachKeys: "a,b",
    Tty: false,
    Env: ["A=1", "HERE=x", "GONE"],
    Cmd: ["sh"],
    Privileged: true,
    User: "1:2",
    WorkingDir: "/w",
  });
  assert.equal(stdout, "outin");
  const bad = await exec(["--env-file", "/nowhere/x", "web", "sh"]);
  assert.equal(bad.stderr, "open /nowhere/x: no such file or directory\n");
  assert.equal(bad.code, 1);
});

test("exec -d leaves at once", async () => {
  const ran = await exec(["-dit", "web", "sh"], { exitCode: 9 });
  assert.equal(ran.stdout + ran.stderr, "");
  assert.equal(ran.code, 0);
  assert.equal(ran.started.detach, true);
  assert.equal(ran.created.AttachStdout, false);
});

test("exec gives its terminal away and takes it back", async () => {
  const options = {
    stdin: { isTerminal: true },
    stdout: { isTerminal: true, rows: 9, columns: 8 },
  };
  const ran = await exec(["-it", "web", "sh"], {}, options);
  assert.deepEqual(ran.terminal, ["raw", "restored"]);
  assert.deepEqual(ran.started.size, { rows: 9, columns: 8 });
  const left = await exec(["-it", "web", "sh"], { how: "detached" }, options);
  assert.equal(left.stderr, "read escape sequence\n");
  assert.equal(left.code, 1);
  const piped = await exec(["-it", "web", "sh"]);
  assert.equal(piped.stderr, "the input device is not a TTY\n");
  assert.deepEqual(piped.names, ["inspectContainer"]);
});

test("exec tells where the output would be that a command can't be executed", async () => {
  const cases: [ErrorCode, number][] = [
    ["COMMAND_NOT_FOUND", 127],
    ["COMMAND_NOT_EXECUTABLE", 126],
  ];
  for (const [code, exitCode] of cases) {
    const ran = await exec(["web", "x"], { error: new LadeError(code, "exec: no") });
    assert.equal(ran.stdout, "exec: no\r\n");
    assert.equal(ran.stderr, "");
    assert.equal(ran.code, exitCode);
  }
  const stopped = new LadeError("CONTAINER_NOT_RUNNING", "container is not running");
  const ran = await exec(["web", "x"], { error: stopped });
  assert.equal(ran.stderr, "Error response from daemon: container is not running\n");
  assert.equal(ran.code, 1);
  assert.equal((await exec(["nope", "x"])).stderr, noSuchContainer);
});
