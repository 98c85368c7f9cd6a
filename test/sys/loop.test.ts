// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { kernelVersion } from "../../src/sys/kernel.ts";
import { openLoopDevice } from "../../src/sys/loop.ts";
import { inFolder } from "../../src/sys/working-folder.ts";

it("a loop device shows a file, read-only, and goes when it is closed", () => {
  const folder = fs.mkdtempSync(join(tmpdir(), "lade-sys-"));
  try {
    const file = join(folder, "file");
    fs.writeFileSync(file, Buffer.alloc(4096, "lade"));
    const devices = Array.from({ length: 12 }, () => openLoopDevice(file));
    assert.equal(new Set(devices.map(({ path }) => path)).size, devices.length);
    const [first] = devices;
    const sizes = (path: string) => fs.readFileSync(`/sys/block/${path.slice(5)}/size`, "utf8");
    assert.equal(sizes(first?.path ?? ""), "8\n");
    assert.ok(fs.readFileSync(first?.path ?? "").equals(fs.readFileSync(file)));
    assert.equal(fs.readFileSync(`/sys/block/${first?.path.slice(5)}/ro`, "utf8"), "1\n");
    for (const device of devices) device[Symbol.dispose]();
    for (const { path } of devices) {
      const backing = `/sys/block/${path.slice(5)}/loop/backing_file`;
      assert.ok(!fs.existsSync(backing) || !fs.readFileSync(backing, "utf8").startsWith(folder));
    }
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

it("work in another folder leaves the working folder as it was", () => {
  const before = process.cwd();
  assert.ok(inFolder("/proc/self", () => fs.existsSync("mountinfo")));
  assert.throws(
    () =>
      inFolder("/proc", () => {
        throw new Error("of the work");
      }),
    /of the work/,
  );
  assert.throws(() => inFolder("/nowhere", () => 1), { code: "ENOENT" });
  assert.equal(fs.realpathSync("."), before);
  assert.equal(process.cwd(), before);
});

it("versions of kernels are told from their names", () => {
  assert.deepEqual(kernelVersion("6.12.3-amd64"), { major: 6, minor: 12 });
  assert.deepEqual(kernelVersion("4.18.0-553.el8"), { major: 4, minor: 18 });
  assert.deepEqual(kernelVersion("odd"), { major: 0, minor: 0 });
});
