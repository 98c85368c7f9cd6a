// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { describe, it } from "node:test";
import { cgroupMode, cgroupsOf } from "../../src/runtime/cgroup.ts";
import { leaveCallersCgroup } from "../../src/runtime/monitor-cgroup.ts";

describe("leaveCallersCgroup", () => {
  const isUnified = cgroupMode() === "unified";
  const top = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/systemd";
  const monitors = `${top}/lade-monitors`;
  const placeOf = (pid: number) => cgroupsOf(pid).get(isUnified ? "" : "systemd");

  it("moves a process that is in somebody's group, where systemd runs", async (t) => {
    if (!fs.existsSync(top)) {
      t.skip("this machine has no such cgroups");
      return;
    }
    const service = `${top}/lade-test-service`;
    fs.mkdirSync(service);
    const child = spawn("sleep", ["60"], { stdio: "ignore" });
    const pid = child.pid ?? 0;
    try {
      fs.writeFileSync(`${service}/cgroup.procs`, String(pid));
      await leaveCallersCgroup(pid, false);
      assert.equal(placeOf(pid), service);
      await leaveCallersCgroup(pid, true);
      assert.equal(placeOf(pid), monitors);
      await leaveCallersCgroup(pid, true);
      assert.equal(placeOf(pid), monitors);
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
      fs.rmdirSync(service);
      fs.rmdirSync(monitors);
    }
  });
});
