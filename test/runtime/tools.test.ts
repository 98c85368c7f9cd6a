// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import {
  findInit,
  findProgram,
  findTools,
  namedRuntime,
  programVersion,
} from "../../src/runtime/tools.ts";

const folder = fs.mkdtempSync(join(tmpdir(), "lade-tools-"));
after(() => fs.rmSync(folder, { recursive: true, force: true }));
const fake = join(folder, "my-crun");
fs.writeFileSync(fake, "#!/bin/sh\necho fake 1.0\necho more\n", { mode: 0o755 });
fs.writeFileSync(join(folder, "plain"), "");

describe("findTools", () => {
  it("finds this machine's", () => {
    const tools = findTools();
    assert.match(tools.runtime, /\/(runc|crun)$/);
    assert.match(tools.conmon, /\/conmon$/);
  });

  it("takes the runtime that is asked for", () => {
    const asked = { runtime: fake, runtimeName: "crun" };
    assert.deepEqual(namedRuntime(fake), asked);
    const { conmon: _, ...byVariable } = findTools({ ...process.env, LADE_RUNTIME: fake });
    assert.deepEqual(byVariable, asked);
    assert.equal(findTools(process.env, "io.containerd.runc.v2").runtimeName, "runc");
  });

  it("says what is missing, and what brings it", () => {
    assert.throws(() => namedRuntime("/nowhere/runc"), { code: "RUNTIME_MISSING" });
    assert.throws(() => namedRuntime(join(folder, "plain")), { code: "RUNTIME_MISSING" });
    assert.throws(() => namedRuntime("kata"), {
      code: "CONTAINER_INVALID",
      message: "unknown or invalid runtime name: kata",
    });
    assert.throws(() => findTools({ LADE_CONMON: "/nowhere" }), {
      code: "RUNTIME_MISSING",
      hint: "Install it: apt-get install conmon.",
    });
    assert.throws(() => findInit({ LADE_INIT: "/nowhere" }), {
      code: "RUNTIME_MISSING",
      hint: "Install it: apt-get install tini.",
    });
  });
});

describe("findProgram", () => {
  it("looks on PATH first, at absolute folders only", () => {
    assert.equal(findProgram("my-crun", { PATH: `.:${folder}` }), fake);
    assert.equal(findProgram("my-crun", { PATH: "." }), undefined);
    assert.equal(findProgram("plain", { PATH: folder }), undefined);
    assert.equal(findProgram("sh", {}), "/usr/bin/sh");
  });
});

describe("programVersion", () => {
  it("is the first line, or unknown", async () => {
    assert.equal(await programVersion(fake), "fake 1.0");
    assert.equal(await programVersion("/nowhere"), undefined);
  });
});
