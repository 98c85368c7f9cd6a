// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import * as file from "../../src/sys/file.ts";
import { statusAt, statusAtIfThere, statusOf, statusOfPath } from "../../src/sys/status.ts";
import { getXattr, listXattrs, removeXattr, setXattr } from "../../src/sys/xattr.ts";

const oddName = "\xff\xfe \n\xc3";
let root: string;
let fd: number;

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "lade-sys-"));
  fd = fs.openSync(root, "r");
});

afterEach(() => {
  fs.closeSync(fd);
  fs.rmSync(root, { recursive: true });
});

describe("file calls", () => {
  it("make all kinds of files, under names of any bytes", () => {
    file.makeFolderAt(fd, oddName, 0o750);
    file.makeNodeAt(fd, "fifo", { type: "fifo", mode: 0o600 });
    file.makeNodeAt(fd, "device", { type: "character", mode: 0o600, major: 4000, minor: 700_000 });
    file.symlinkAt("nowhere\xff", fd, "link");
    fs.closeSync(file.openAt(fd, "file", fs.constants.O_CREAT | fs.constants.O_WRONLY, 0o640));
    file.linkAt(fd, "link", fd, "hard");
    assert.deepEqual(file.listFolder(fd).sort(), [
      "device",
      "fifo",
      "file",
      "hard",
      "link",
      oddName,
    ]);
    assert.equal(statusAt(fd, oddName).type, "directory");
    assert.equal(statusAt(fd, "fifo").type, "fifo");
    assert.equal(statusAt(fd, "hard").type, "symlink");
    assert.equal(statusAt(fd, "link").links, 2);
    const device = statusAt(fd, "device");
    assert.deepEqual([device.deviceMajor, device.deviceMinor], [4000, 700_000]);
    assert.equal(file.readLinkAt(fd, "hard").toString("latin1"), "nowhere\xff");
    file.renameAt({ oldFd: fd, oldName: "fifo", newFd: fd, newName: Buffer.from("b") });
    assert.equal(statusAtIfThere(fd, "fifo"), undefined);
    file.removeFolderAt(fd, oddName);
    file.unlinkAt(fd, "link");
    assert.deepEqual(file.listFolder(fd).sort(), ["b", "device", "file", "hard"]);
  });

  it("set owners, modes and times of names, and never follow a link", () => {
    fs.writeFileSync(join(root, "file"), "1234");
    file.symlinkAt("file", fd, "link");
    file.changeOwnerAt(fd, "file", 70_000, 4_000_000_000);
    file.changeOwnerAt(fd, "link", 1, 2);
    file.changeModeAt(fd, "file", 0o6755);
    assert.throws(() => file.changeModeAt(fd, "link", 0o777), { code: "ELOOP" });
    const times = {
      accessed: { seconds: 1, nanoseconds: 2 },
      modified: { seconds: -62_000_001, nanoseconds: 999_999_999 },
    };
    file.setTimesAt(fd, "file", times);
    file.setTimesAt(fd, "link", { ...times, modified: { seconds: 5_000_000_000, nanoseconds: 1 } });
    const status = statusAt(fd, "file");
    assert.deepEqual(status.modified, times.modified);
    assert.deepEqual([status.mode, status.uid, status.gid], [0o6755, 70_000, 4_000_000_000]);
    assert.equal(status.size, 4);
    assert.deepEqual(statusAt(fd, "link").modified, { seconds: 5_000_000_000, nanoseconds: 1 });
    assert.equal(statusAt(fd, "link").uid, 1);
    assert.throws(() => file.openAt(fd, "link", fs.constants.O_RDONLY), { code: "ELOOP" });
  });

  it("stay inside a root", () => {
    fs.mkdirSync(join(root, "in/etc"), { recursive: true });
    fs.writeFileSync(join(root, "in/etc/x"), "inside");
    fs.writeFileSync(join(root, "x"), "outside");
    fs.symlinkSync("/etc", join(root, "in/abs"));
    fs.symlinkSync("../../../..", join(root, "in/up"));
    fs.symlinkSync("/proc/self/root", join(root, "in/magic"));
    const inside = fs.openSync(join(root, "in"), "r");
    const read = (path: string) => {
      const opened = file.openInRoot(inside, path, fs.constants.O_RDONLY);
      try {
        return fs.readFileSync(opened, "utf8");
      } finally {
        fs.closeSync(opened);
      }
    };
    for (const path of ["etc/x", "/etc/x", "abs/x", "../../etc/x", "up/etc/x"]) {
      assert.equal(read(path), "inside", path);
    }
    assert.throws(() => read("magic/etc/passwd"), { code: "ENOENT", syscall: "openat2" });
    for (const path of ["../x", "/etc/x", "up/etc/x", "abs/x"]) {
      assert.throws(() => file.openBeneath(inside, path, fs.constants.O_RDONLY), path);
    }
    fs.closeSync(file.openBeneath(inside, "etc/x", fs.constants.O_RDONLY));
    fs.closeSync(inside);
  });

  it("throw as Node's own calls do", () => {
    const calls = [() => file.unlinkAt(fd, "none"), () => fs.unlinkSync("none")];
    for (const call of calls) {
      assert.throws(call, { code: "ENOENT", errno: -2, path: "none" });
    }
    file.makeFolderAt(fd, "d", 0o700);
    assert.throws(() => file.makeFolderAt(fd, "d", 0o700), { code: "EEXIST", syscall: "mkdirat" });
    assert.throws(() => statusAt(-1, "x"), { code: "EBADF" });
    assert.throws(() => file.makeFolderAt(fd, "a\0b", 0o700), RangeError);
    assert.throws(() => file.makeFolderAt(fd, "\u{20ac}", 0o700), RangeError);
  });

  it("tell the right error whatever the collector does meanwhile", () => {
    const kept: string[] = [];
    for (let round = 0; round < 30_000; round++) {
      kept.push("x".repeat(round % 50) + round);
      if (kept.length > 5000) kept.length = 0;
      const [call, code] = (
        [
          [() => file.unlinkAt(fd, "none"), "ENOENT"],
          [() => statusAt(-1, "x"), "EBADF"],
          [() => file.unlinkAt(fd, "."), "EISDIR"],
        ] as const
      )[round % 3] ?? [() => {}, ""];
      assert.throws(call, { code });
    }
  });

  it("open descriptors that close on exec", () => {
    for (const opened of [
      file.openAt(fd, ".", file.pathOnly),
      file.openInRoot(fd, ".", fs.constants.O_RDONLY),
    ]) {
      const flags = /^flags:\s*(\d+)/m.exec(fs.readFileSync(`/proc/self/fdinfo/${opened}`, "utf8"));
      assert.notEqual(Number.parseInt(flags?.[1] ?? "0", 8) & file.closeOnExec, 0);
      fs.closeSync(opened);
    }
  });

  it("know what is open and where it lies", () => {
    assert.equal(statusOf(fd).inode, statusOfPath(root).inode);
    assert.equal(statusOf(fd).mountRoot, false);
    assert.equal(statusOfPath("/proc").mountRoot, true);
    file.syncFileSystem(fd);
  });
});

describe("extended attributes", () => {
  it("come back as they were set, by path and by descriptor", () => {
    fs.writeFileSync(join(root, "file"), "");
    fs.symlinkSync("file", join(root, "link"));
    const path = join(root, "file");
    const value = Buffer.from([0, 255, 10, 0]);
    setXattr(path, "user.odd\xff", value);
    setXattr(path, "user.big", Buffer.alloc(3000, 7));
    setXattr(join(root, "link"), "trusted.own", Buffer.from("link"));
    const opened = file.openAt(fd, "file", file.pathOnly);
    for (const target of [path, Buffer.from(path), opened]) {
      const names = listXattrs(target).map((name) => name.toString("latin1"));
      assert.deepEqual(names.sort(), ["user.big", "user.odd\xff"]);
      assert.deepEqual(getXattr(target, Buffer.from("user.odd\xff", "latin1")), value);
      assert.equal(getXattr(target, "user.big")?.length, 3000);
      assert.equal(getXattr(target, "user.none"), undefined);
    }
    const link = file.openAt(fd, "link", file.pathOnly);
    assert.equal(getXattr(link, "trusted.own")?.toString(), "link");
    assert.equal(getXattr(join(root, "link"), "trusted.own")?.toString(), "link");
    removeXattr(path, "user.big");
    removeXattr(opened, "user.big");
    assert.equal(listXattrs(path).length, 1);
    assert.throws(() => listXattrs(join(root, "none")), { code: "ENOENT" });
    fs.closeSync(opened);
    fs.closeSync(link);
  });
});
