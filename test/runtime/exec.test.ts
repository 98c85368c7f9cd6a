// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import {
  execProcess,
  readExecExit,
  removeExec,
  resizeExecProcess,
} from "../../src/runtime/exec.ts";
import { readMachine } from "../../src/runtime/machine.ts";
import { readContainerSpec } from "../../src/runtime/process.ts";
import { buildExecProcess } from "../../src/runtime/spec/exec-process.ts";
import type { AttachOptions } from "../../src/runtime/types.ts";
import { resolveUser } from "../../src/runtime/users.ts";
import type { ContainerConfig, ExecConfig } from "../../src/spec/container.ts";
import { type Box, collector, openLab, shell, startBox } from "./box.ts";

const lab = openLab();
after(() => lab[Symbol.asyncDispose]());
const config: ContainerConfig = { Cmd: ["sleep", "600"], Env: ["A=1", "B=2"], WorkingDir: "/data" };
const box: Box = await startBox(lab, {
  config,
  host: { Ulimits: [{ Name: "core", Soft: -1, Hard: -1 }] },
});
after(() => box[Symbol.asyncDispose]());

function exec(wanted: ExecConfig, attach?: AttachOptions) {
  const execId = randomBytes(32).toString("hex");
  const process = buildExecProcess({
    container: readContainerSpec(lab.run, box.id).process,
    config,
    hostname: "box",
    exec: wanted,
    user: resolveUser(lab.rootfs, wanted.User ?? ""),
    size: { rows: 20, columns: 70 },
    capabilities: readMachine().capabilities,
  });
  const running = execProcess(lab.run, {
    containerId: box.id,
    execId,
    process,
    hasStdin: attach?.stdin !== undefined,
    attach,
  });
  return { execId, running };
}

async function run(wanted: ExecConfig, stdin?: AttachOptions["stdin"]) {
  const output = collector();
  const { running } = exec(wanted, { stdin, stdout: output.stdout, stderr: output.stderr });
  const { attachment, exitCode } = await running;
  assert.equal(await attachment?.ended, "closed");
  return { code: await exitCode, out: output.out(), err: output.err() };
}

async function* input(text: string) {
  yield Buffer.from(text);
}

describe("execProcess", () => {
  it("gives exit code and output", async () => {
    const result = await run({ Cmd: shell("echo out; echo err >&2; exit 7") });
    assert.deepEqual(result, { code: 7, out: "out\n", err: "err\n" });
  });

  it("sends input and its end", async () => {
    const result = await run({ Cmd: shell("cat; echo end") }, input("in\n"));
    assert.deepEqual(result, { code: 0, out: "in\nend\n", err: "" });
  });

  it("has the container's variables, folder and user, and its own", async () => {
    const print = shell("pwd; id -u; id -G; echo $A $B $C $HOSTNAME $TERM $HOME");
    assert.equal((await run({ Cmd: print })).out, "/data\n0\n0 10\n1 2 box /root\n");
    const other = { Cmd: print, Env: ["B=3", "C=4"], WorkingDir: "/tmp", User: "app" };
    assert.equal((await run(other)).out, "/tmp\n1000\n1001 10 77\n1 3 4 box /home/app\n");
  });

  it("has a terminal of the size that was asked for", async () => {
    const { out } = await run({ Cmd: shell("tty; stty size; echo $TERM"), Tty: true });
    assert.equal(out, "/dev/pts/0\r\n20 70\r\nxterm\r\n");
  });

  it("is told new sizes", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const output = collector();
    const { execId, running } = exec(
      {
        Cmd: shell("while [ \"$(stty size)\" != '33 44' ]; do sleep 0.02; done; echo new"),
        Tty: true,
      },
      {
        stdout(chunk) {
          output.stdout(chunk);
          if (output.out().includes("new")) resolve();
        },
      },
    );
    const { exitCode } = await running;
    resizeExecProcess(lab.run, { containerId: box.id, execId }, { rows: 33, columns: 44 });
    await promise;
    assert.equal(await exitCode, 0);
  });

  it("has all capabilities where it is privileged", async () => {
    const print = { Cmd: ["grep", "CapEff", "/proc/self/status"] };
    const plain = await run(print);
    assert.match(plain.out, /CapEff:\s*00000000a80425fb/);
    assert.notEqual((await run({ ...print, Privileged: true })).out, plain.out);
  });

  it("runs on its own, and tells its code later", async () => {
    const { execId, running } = exec({ Cmd: shell("sleep 0.2; echo hi > /tmp/mark; exit 9") });
    const { pid, attachment, exitCode } = await running;
    assert.ok(pid > 0);
    assert.equal(attachment, undefined);
    assert.equal(readExecExit(lab.run, box.id, execId), undefined);
    assert.equal(await exitCode, 9);
    assert.equal(readExecExit(lab.run, box.id, execId), 9);
    assert.equal(fs.readFileSync(join(lab.rootfs, "tmp/mark"), "utf8"), "hi\n");
    removeExec(lab.run, box.id, execId);
    assert.equal(readExecExit(lab.run, box.id, execId), undefined);
  });

  it("fails in Docker's words, with nothing left", async () => {
    removeExec(lab.run, box.id);
    const prefix = "OCI runtime exec failed: exec failed: unable to start container process: ";
    for (const attach of [undefined, {}]) {
      await assert.rejects(exec({ Cmd: ["nope"] }, attach).running, {
        code: "COMMAND_NOT_FOUND",
        message: `${prefix}exec: "nope": executable file not found in $PATH: unknown`,
      });
      await assert.rejects(exec({ Cmd: ["/etc/passwd"] }, attach).running, {
        code: "COMMAND_NOT_EXECUTABLE",
        message: `${prefix}exec: "/etc/passwd": permission denied: unknown`,
      });
    }
    await assert.rejects(exec({ Cmd: ["nope"], Tty: true }, {}).running, {
      code: "COMMAND_NOT_FOUND",
    });
    await assert.rejects(exec({ Cmd: ["true"] }, { detachKeys: "x-y" }).running, {
      code: "CONTAINER_INVALID",
    });
    assert.deepEqual(fs.readdirSync(join(lab.run.containers, box.id, "exec")), []);
    assert.deepEqual(fs.readdirSync(join(lab.run.root, "t")), []);
  });

  it("loses nothing of many at once", async () => {
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        run({ Cmd: shell(`seq 1 ${index + 500}; exit ${index}`) }),
      ),
    );
    for (const [index, { code, out }] of results.entries()) {
      assert.equal(code, index);
      assert.equal(out.split("\n").at(-2), String(index + 500));
    }
  });
});
