// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { isLadeError } from "../../src/base/errors.ts";
import { attachTo } from "../../src/runtime/attach.ts";
import { isPaused } from "../../src/runtime/cgroup.ts";
import {
  createProcess,
  deleteProcess,
  isAlive,
  pauseProcess,
  processStartTicks,
  readExit,
  resumeProcess,
  signalProcess,
  startProcess,
  updateProcess,
  waitForExit,
  wasOutOfMemory,
} from "../../src/runtime/process.ts";
import { buildSpec } from "../../src/runtime/spec/build-spec.ts";
import { runOrThrow } from "../helpers/tools.ts";
import {
  boxInput,
  collector,
  createBox,
  newId,
  openLab,
  remains,
  runBox,
  shell,
  startBox,
} from "./box.ts";

const lab = openLab();
after(() => lab[Symbol.asyncDispose]());

async function fails(command: readonly string[], options: { tty?: boolean } = {}) {
  const id = newId();
  const config = { Cmd: command, ...(options.tty && { Tty: true }) };
  const spec = buildSpec(boxInput(lab, id, { config }));
  try {
    await createProcess(lab.run, { id, spec, stdin: "none" });
  } catch (error) {
    assert.ok(isLadeError(error));
    assert.deepEqual(remains(lab, id), []);
    return error;
  }
  throw new Error("it was made");
}

describe("a container's process", () => {
  it("gives its exit code, and what it wrote to both streams", async () => {
    const result = await runBox(lab, shell("echo out; echo err >&2; exit 3"));
    assert.deepEqual(result, { code: 3, out: "out\n", err: "err\n" });
  });

  it("gives 128 and the signal's number where a signal ended it", async () => {
    const { code } = await runBox(lab, shell("kill -9 $$"), { input: {} });
    // The first process of a PID namespace can't kill itself.
    assert.equal(code, 0);
    await using box = await startBox(lab, { config: { Cmd: ["sleep", "60"] } });
    assert.equal(await signalProcess(lab.run, box.id, { signal: "KILL" }), true);
    assert.equal(await waitForExit(lab.run, box.id), 137);
    assert.equal(readExit(lab.run, box.id), 137);
    assert.equal(await signalProcess(lab.run, box.id, { signal: "KILL" }), false);
  });

  it("takes signals by name and number", async () => {
    const script = "trap 'echo usr1; exit 5' USR1; echo ready; while :; do sleep 0.05; done";
    for (const signal of ["SIGUSR1", "USR1", 10]) {
      const output = collector();
      await using box = await createBox(lab, { config: { Cmd: shell(script) } });
      const { promise, resolve } = Promise.withResolvers<void>();
      attachTo(
        lab.run,
        box.id,
        {
          stdout: (chunk) => {
            output.stdout(chunk);
            if (output.out().includes("ready")) resolve();
          },
        },
        { hasTerminal: false },
      );
      await startProcess(lab.run, box.id);
      await promise;
      await signalProcess(lab.run, box.id, { signal });
      assert.equal(await waitForExit(lab.run, box.id), 5);
    }
  });

  it("is known by its number and its start", async () => {
    const box = await startBox(lab, { config: { Cmd: ["sleep", "60"] } });
    const ticks = processStartTicks(box.pid);
    assert.ok(ticks !== undefined);
    assert.equal(isAlive(box.pid, ticks), true);
    assert.equal(isAlive(box.pid, ticks + 1), false);
    await box[Symbol.asyncDispose]();
    assert.equal(isAlive(box.pid, ticks), false);
    assert.deepEqual(remains(lab, box.id), []);
  });

  it("pauses and goes on", async () => {
    await using box = await startBox(lab, { config: { Cmd: shell("sleep 0.3; exit 4") } });
    assert.equal(isPaused(box.pid), false);
    await pauseProcess(lab.run, box.id);
    assert.equal(isPaused(box.pid), true);
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.equal(readExit(lab.run, box.id), undefined);
    await resumeProcess(lab.run, box.id);
    assert.equal(await waitForExit(lab.run, box.id), 4);
  });

  it("has the limits that it is given later", async () => {
    await using box = await startBox(lab, { config: { Cmd: ["sleep", "60"] } });
    await updateProcess(lab.run, box.id, {
      memory: { limit: 64 * 1024 * 1024, swap: 128 * 1024 * 1024 },
      pids: { limit: 33 },
    });
    const limit = fs.readFileSync(`/sys/fs/cgroup/pids/lade/${box.id}/pids.max`, "utf8");
    assert.equal(limit.trim(), "33");
  });

  it("tells that memory was short", async () => {
    const memory = 8 * 1024 * 1024;
    await using box = await startBox(lab, {
      config: { Cmd: shell("head -c 64m /dev/zero | tail") },
      host: { Memory: memory, MemorySwap: memory },
    });
    await waitForExit(lab.run, box.id);
    assert.equal(wasOutOfMemory(lab.run, box.id), true);
  });

  it("can be waited for with an abort", async () => {
    await using box = await startBox(lab, { config: { Cmd: ["sleep", "60"] } });
    const waiting = waitForExit(lab.run, box.id, AbortSignal.timeout(50));
    await assert.rejects(waiting, { name: "TimeoutError" });
  });

  it("runs its exit command when it has ended", async () => {
    const mark = join(lab.folder, "mark");
    const exitCommand = ["/bin/sh", "-c", `echo "$WORD" > ${mark}.new; mv ${mark}.new ${mark}`];
    await using box = await startBox(lab, {
      config: { Cmd: ["true"] },
      create: { exitCommand, env: { WORD: "done" } },
    });
    await waitForExit(lab.run, box.id);
    const watcher = fs.watch(lab.folder);
    while (!fs.existsSync(mark)) {
      await new Promise((resolve) => watcher.once("change", resolve));
    }
    watcher.close();
    assert.equal(fs.readFileSync(mark, "utf8"), "done\n");
  });

  it("is kept by a monitor that holds nothing of the caller's", async () => {
    // As a shell's `exec 200>lock` leaves it to its commands; Node looks after the first few only.
    const script = `
      const { createBox, openLab } = await import(${JSON.stringify(`${import.meta.dirname}/box.ts`)});
      const { readdirSync, readlinkSync } = await import("node:fs");
      const lab = openLab();
      const box = await createBox(lab, { config: { Cmd: ["true"] } });
      const folder = "/proc/" + box.monitorPid + "/fd/";
      const links = readdirSync(folder).map((fd) => readlinkSync(folder + fd));
      process.stdout.write(links.includes("${lab.folder}") ? "held" : "free");
      await box[Symbol.asyncDispose]();
      await lab[Symbol.asyncDispose]();`;
    const words = ["-c", 'exec 200<"$1"; shift; exec "$@"', "bash", lab.folder, process.execPath];
    const { stdout } = await runOrThrow("bash", [...words, "--input-type=module", "-e", script]);
    assert.equal(stdout, "free");
  });

  it("is one of many that start at once", async () => {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) => runBox(lab, shell(`echo ${index}; exit ${index}`))),
    );
    assert.deepEqual(
      results.map(({ code, out }) => [code, out]),
      results.map((_, index) => [index, `${index}\n`]),
    );
  });
});

describe("a container that can't be made", () => {
  const task =
    "failed to create task for container: failed to create shim task: OCI runtime create failed: " +
    "runc create failed: unable to start container process: ";

  it("has a command that is not there", async () => {
    const error = await fails(["nope"]);
    assert.equal(error.code, "COMMAND_NOT_FOUND");
    assert.equal(error.message, `${task}exec: "nope": executable file not found in $PATH: unknown`);
    assert.equal((await fails(["/nope"])).code, "COMMAND_NOT_FOUND");
    assert.equal((await fails(["nope"], { tty: true })).code, "COMMAND_NOT_FOUND");
  });

  it("has a command that can't be run", async () => {
    const error = await fails(["/etc/passwd"]);
    assert.equal(error.code, "COMMAND_NOT_EXECUTABLE");
    assert.equal(error.message, `${task}exec: "/etc/passwd": permission denied: unknown`);
    assert.equal((await fails(["/etc"])).code, "COMMAND_NOT_EXECUTABLE");
  });

  it("leaves no socket of a terminal", async () => {
    await fails(["nope"], { tty: true });
    assert.deepEqual(fs.readdirSync(join(lab.run.root, "t")), []);
  });

  it("asks for a limit that this machine does not give", async (t) => {
    const id = newId();
    const host = { Ulimits: [{ Name: "nofile", Soft: 10_000_000, Hard: 10_000_000 }] };
    const spec = buildSpec(boxInput(lab, id, { config: { Cmd: ["true"] }, host }));
    try {
      await createProcess(lab.run, { id, spec, stdin: "none" });
    } catch (error) {
      assert.ok(isLadeError(error, "RUNTIME_FAILED"));
      assert.match(error.message, /rlimit/);
      assert.match(error.hint ?? "", /--ulimit/);
      assert.deepEqual(remains(lab, id), []);
      return;
    }
    await deleteProcess(lab.run, id, { force: true });
    t.skip("this machine gives it");
  });
});

describe("a container whose helpers are killed", () => {
  it("ends with no exit code where the monitor was killed", async () => {
    await using box = await startBox(lab, { config: { Cmd: ["sleep", "60"] } });
    const end = waitForExit(lab.run, box.id);
    process.kill(box.monitorPid, "SIGKILL");
    assert.equal(await end, undefined);
    const ticks = processStartTicks(box.pid) ?? 0;
    assert.equal(isAlive(box.pid, ticks), true);
    await deleteProcess(lab.run, box.id, { force: true });
    assert.equal(isAlive(box.pid, ticks), false);
    assert.deepEqual(remains(lab, box.id), []);
  });

  it("ends with 137 where its process was killed from outside", async () => {
    await using box = await startBox(lab, { config: { Cmd: ["sleep", "60"] } });
    process.kill(box.pid, "SIGKILL");
    assert.equal(await waitForExit(lab.run, box.id), 137);
  });

  it("leaves nothing where the runtime's state is gone", async () => {
    const box = await startBox(lab, { config: { Cmd: ["sleep", "60"] } });
    fs.rmSync(join(lab.run.root, "runtime", box.id), { recursive: true });
    await deleteProcess(lab.run, box.id, { force: true, cgroup: `/lade/${box.id}` });
    assert.deepEqual(remains(lab, box.id), []);
    assert.equal(processStartTicks(box.pid), undefined);
  });
});
