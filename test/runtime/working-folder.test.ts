// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { makeWorkingFolder } from "../../src/runtime/working-folder.ts";

const folder = fs.mkdtempSync(join(tmpdir(), "lade-workdir-"));
after(() => fs.rmSync(folder, { recursive: true, force: true }));
const root = join(folder, "root");
fs.mkdirSync(join(root, "var"), { recursive: true });
fs.mkdirSync(join(root, "run"));
fs.writeFileSync(join(root, "file"), "");
fs.symlinkSync("/run", join(root, "var/run"));
fs.symlinkSync("../../../..", join(root, "up"));
fs.symlinkSync(folder, join(root, "out"));
fs.symlinkSync("loop", join(root, "loop"));

describe("makeWorkingFolder", () => {
  it("makes what is missing, whatever the umask", () => {
    const mask = process.umask(0o077);
    try {
      makeWorkingFolder(root, "/a/b//c/");
    } finally {
      process.umask(mask);
    }
    for (const path of ["a", "a/b", "a/b/c"]) {
      assert.equal(fs.statSync(join(root, path)).mode % 0o1000, 0o755);
    }
    makeWorkingFolder(root, "/a/b");
    makeWorkingFolder(root, "/");
    makeWorkingFolder(root, "");
  });

  it("follows the image's links inside its root (C4)", () => {
    makeWorkingFolder(root, "/var/run/x");
    assert.ok(fs.statSync(join(root, "run/x")).isDirectory());
    makeWorkingFolder(root, "/up/y");
    assert.ok(fs.statSync(join(root, "y")).isDirectory());
    makeWorkingFolder(root, "/z/../../../w");
    assert.ok(fs.statSync(join(root, "w")).isDirectory());
    assert.throws(() => makeWorkingFolder(root, "/out/x"));
    assert.deepEqual(fs.readdirSync(folder), ["root"]);
  });

  it("refuses what is no folder, in Docker's words", () => {
    for (const path of ["/file", "/file/x", "/loop", "/loop/x"]) {
      assert.throws(() => makeWorkingFolder(root, path), {
        code: "CONTAINER_INVALID",
        message: `Cannot mkdir: ${path} is not a directory`,
      });
    }
  });
});
