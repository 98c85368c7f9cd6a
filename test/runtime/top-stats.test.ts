// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { parseCgroups } from "../../src/runtime/cgroup.ts";
import { readStats } from "../../src/runtime/stats.ts";
import { listProcesses, parsePs, processesOf } from "../../src/runtime/top.ts";
import { type Box, openLab, shell, startBox } from "./box.ts";

const lab = openLab();
after(() => lab[Symbol.asyncDispose]());
const box: Box = await startBox(lab, {
  config: { Cmd: shell("sleep 600 & sleep 601 & while :; do :; done") },
  host: { Memory: 64 * 1024 * 1024, PidsLimit: 40 },
});
after(() => box[Symbol.asyncDispose]());

/** The shell's two children come a moment after it. */
async function allProcesses(): Promise<readonly number[]> {
  for (;;) {
    const pids = processesOf(box.pid);
    if (pids.length === 3) return pids;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe("listProcesses", () => {
  it("shows the container's processes in the columns that are asked for", async () => {
    await allProcesses();
    const plain = await listProcesses(box.pid, "");
    assert.deepEqual(plain.Titles, ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]);
    assert.deepEqual(plain.Processes.map((line) => line[7]).sort(), [
      "/bin/sh -c sleep 600 & sleep 601 & while :; do :; done",
      "sleep 600",
      "sleep 601",
    ]);
    const other = await listProcesses(box.pid, "-o pid,args");
    assert.deepEqual(other.Titles, ["PID", "COMMAND"]);
    assert.equal(other.Processes.length, 3);
    assert.equal((await listProcesses(box.pid, "aux")).Processes.length, 3);
    assert.equal((await listProcesses(box.pid, "axf")).Processes.length, 3);
  });

  it("refuses what would show other processes, and what ps refuses", async () => {
    await assert.rejects(listProcesses(box.pid, "-o uid=PID"), {
      code: "CONTAINER_INVALID",
      message: 'specifying "uid=PID" is not allowed',
    });
    await assert.rejects(listProcesses(box.pid, "-o comm"), {
      message: "Couldn't find PID field in ps output",
    });
    await assert.rejects(listProcesses(box.pid, "--nope"), { code: "CONTAINER_INVALID" });
  });
});

describe("parsePs", () => {
  it("keeps the lines of threads with their process", () => {
    const output = "PID CMD\n1 a\n- t1\n2 b  c\n- t2\n\n3 d\n";
    assert.deepEqual(parsePs(output, new Set([2])).Processes, [
      ["2", "b c"],
      ["-", "t2"],
    ]);
    assert.throws(() => parsePs("PID\nx\n", new Set()), { message: "Unexpected pid 'x'" });
  });
});

describe("readStats", () => {
  it("has what the container uses, in Docker's form", async () => {
    await allProcesses();
    const first = readStats({ pid: box.pid, hasOwnNetwork: true });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const second = readStats({ pid: box.pid, hasOwnNetwork: false });
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(first.pids_stats.current, 3);
    assert.equal(first.pids_stats.limit, 40);
    assert.equal(first.memory_stats.limit, 64 * 1024 * 1024);
    assert.ok((first.memory_stats.usage ?? 0) > 0);
    const used = (sample: typeof first) => sample.cpu_stats.cpu_usage.total_usage;
    assert.ok(used(second) - used(first) > 20_000_000);
    const system = second.cpu_stats.system_cpu_usage - first.cpu_stats.system_cpu_usage;
    assert.ok(system >= 100_000_000);
    assert.deepEqual(first.networks, {});
    assert.equal(second.networks, undefined);
    assert.ok(!Number.isNaN(Date.parse(first.read)));
  });

  it("has nothing of what has ended", () => {
    assert.equal(readStats({ pid: 2 ** 22 + 1, hasOwnNetwork: true }), undefined);
  });
});

describe("parseCgroups", () => {
  it("finds the folders of both versions", () => {
    const unified = parseCgroups("0::/system.slice/lade-1.scope\n", "unified");
    assert.deepEqual([...unified], [["", "/sys/fs/cgroup/system.slice/lade-1.scope"]]);
    const hybrid = parseCgroups("9:name=nobody:/a\n2:x,y:/lade/1\n0::/u\nnonsense\n", "hybrid");
    assert.deepEqual(
      [...hybrid],
      [
        ["nobody", "/sys/fs/cgroup/nobody/a"],
        ["x", "/sys/fs/cgroup/x,y/lade/1"],
        ["y", "/sys/fs/cgroup/x,y/lade/1"],
        ["", "/sys/fs/cgroup/unified/u"],
      ],
    );
  });
});
