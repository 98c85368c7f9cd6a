// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import * as mounts from "../../src/sys/mount.ts";
import { createNetworkNamespace, inNetworkNamespace } from "../../src/sys/namespace.ts";
import { unmountBelow } from "../helpers/mounts.ts";

let root: string;

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "lade-sys-"));
});

afterEach(() => {
  unmountBelow(root);
  fs.rmSync(root, { recursive: true });
});

describe("mount", () => {
  it("mounts, tells and unmounts", () => {
    const target = join(root, "with space");
    fs.mkdirSync(target);
    assert.equal(mounts.isMountPoint(target), false);
    mounts.mount({ source: "tmpfs", target, type: "tmpfs", data: "size=64k,mode=700" });
    assert.equal(mounts.isMountPoint(target), true);
    assert.ok(mounts.mountPoints().includes(fs.realpathSync(target)));
    const held = fs.openSync(join(target, "x"), "w");
    assert.throws(() => mounts.unmount(target), { code: "EBUSY", syscall: "umount" });
    mounts.unmount(target, { lazy: true });
    fs.closeSync(held);
    assert.equal(mounts.isMountPoint(target), false);
    assert.throws(() => mounts.unmount(target), { code: "EINVAL" });
    assert.throws(() => mounts.unmount(join(root, "none")), { code: "ENOENT" });
    assert.equal(mounts.isMountPoint(join(root, "none")), false);
  });

  it("binds, also read-only", () => {
    const [source, target] = [join(root, "a"), join(root, "b")];
    fs.mkdirSync(source);
    fs.mkdirSync(target);
    mounts.bindMount(source, target, { readOnly: true });
    assert.throws(() => fs.writeFileSync(join(target, "x"), ""), { code: "EROFS" });
    mounts.unmount(target);
    mounts.bindMount(source, target);
    fs.writeFileSync(join(target, "x"), "");
    assert.deepEqual(fs.readdirSync(source), ["x"]);
    mounts.unmount(target);
  });

  it("tells what a file system said", () => {
    const target = join(root, "t");
    fs.mkdirSync(target);
    const fd = mounts.createFileSystem({ type: "tmpfs", options: [["size", "64k"]] });
    mounts.attachMount(fd, target);
    fs.closeSync(fd);
    assert.equal(mounts.isMountPoint(target), true);
    assert.throws(
      () => mounts.createFileSystem({ type: "tmpfs", options: [["colour", "red"]] }),
      (error: Error) => /EINVAL.*fsconfig 'colour=red'.*Unknown parameter/.test(error.message),
    );
    assert.throws(() => mounts.createFileSystem({ type: "nonesuch", options: [] }), {
      code: "ENODEV",
    });
  });
});

describe("network namespace", () => {
  it("is made with its loopback up, entered, left and removed", () => {
    const path = join(root, "net");
    const before = fs.readlinkSync("/proc/thread-self/ns/net");
    createNetworkNamespace(path);
    const list = () => spawnSync("cat", ["/proc/net/dev"], { encoding: "utf8" }).stdout;
    const inside = inNetworkNamespace(path, () => {
      assert.notEqual(fs.readlinkSync("/proc/thread-self/ns/net"), before);
      return list();
    });
    assert.deepEqual(
      inside.match(/^ *\S+:/gm)?.map((name) => name.trim()),
      ["lo:"],
    );
    const flags = inNetworkNamespace(path, () => spawnSync("ip", ["link"], { encoding: "utf8" }));
    if (flags.error === undefined) assert.match(flags.stdout, /lo: <LOOPBACK,UP/);
    assert.throws(
      () =>
        inNetworkNamespace(path, () => {
          throw new Error("of the work");
        }),
      /of the work/,
    );
    assert.equal(fs.readlinkSync("/proc/thread-self/ns/net"), before);
    assert.throws(() => createNetworkNamespace(path), { code: "EEXIST" });
    mounts.unmount(path);
    assert.throws(() => inNetworkNamespace(path, () => 1), { code: "EINVAL" });
    assert.equal(fs.readlinkSync("/proc/thread-self/ns/net"), before);
  });
});
