// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isLadeError } from "../../src/base/errors.ts";
import { copyUp } from "../../src/rootfs/copy-up.ts";
import { treeFacts } from "../helpers/tree-facts.ts";
import { openMountLab } from "./overlay-lab.ts";

describe("copying an image's content into a volume", () => {
  it("keeps everything that a file has", async () => {
    using lab = openMountLab();
    const root = lab.makeFolder("root");
    const volume = lab.makeFolder("volume");
    const data = join(root, "srv/data");
    fs.mkdirSync(join(data, "deep/er"), { recursive: true });
    fs.writeFileSync(join(data, "file"), "file\n");
    fs.linkSync(join(data, "file"), join(data, "deep/same"));
    fs.symlinkSync("/etc/passwd", join(data, "link"));
    fs.writeFileSync(Buffer.from(`${data}/\xff\x01`, "latin1"), "odd");
    execFileSync("mkfifo", [join(data, "pipe")]);
    execFileSync("mknod", [join(data, "deep/null"), "c", "1", "3"]);
    execFileSync("truncate", ["-s", "64M", join(data, "sparse")]);
    fs.chownSync(join(data, "file"), 70_000, 3_000_000);
    fs.chmodSync(join(data, "file"), 0o6755);
    fs.chmodSync(join(data, "deep"), 0o2770);
    fs.lchownSync(join(data, "link"), 5, 6);
    fs.lutimesSync(join(data, "link"), -5, -5);
    execFileSync("python3", [
      "-c",
      `import os, sys
os.setxattr(sys.argv[1] + "/file", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
os.setxattr(sys.argv[1], "user.top", b"yes")`,
      data,
    ]);
    fs.utimesSync(join(data, "deep"), 1, 2.5);
    fs.chownSync(data, 999, 998);
    fs.chmodSync(data, 0o1750);
    fs.utimesSync(data, 3, 4);
    await copyUp(root, "/srv/data", volume);
    assert.deepEqual(await treeFacts(volume), await treeFacts(data));
    assert.equal(fs.statSync(join(volume, "sparse")).blocks, 0);
  });

  it("looks the target up inside the root", async () => {
    using lab = openMountLab();
    const outside = lab.makeFolder("outside");
    fs.writeFileSync(join(outside, "secret"), "secret");
    const root = lab.makeFolder("root");
    fs.mkdirSync(join(root, "real"));
    fs.writeFileSync(join(root, "real/own"), "own");
    fs.symlinkSync("/real", join(root, "absolute"));
    fs.symlinkSync("../../../../../../real", join(root, "climbing"));
    fs.symlinkSync(outside, join(root, "out"));
    fs.symlinkSync("/proc/self/root", join(root, "magic"));
    for (const [target, wanted] of [
      ["/absolute", ["own"]],
      ["/climbing", ["own"]],
      ["/../../real", ["own"]],
      ["/out", []],
      ["/magic", []],
      ["/not/there", []],
    ] as const) {
      const volume = lab.makeFolder(`volume${target.replaceAll("/", "-")}`);
      await copyUp(root, target, volume);
      assert.deepEqual(fs.readdirSync(volume), wanted, target);
    }
  });

  it("leaves a volume alone that holds something", async () => {
    using lab = openMountLab();
    const root = lab.makeFolder("root");
    fs.mkdirSync(join(root, "data"));
    fs.writeFileSync(join(root, "data/image"), "");
    const volume = lab.makeFolder("volume");
    fs.writeFileSync(join(volume, "mine"), "");
    fs.chmodSync(volume, 0o711);
    await copyUp(root, "/data", volume);
    assert.deepEqual(fs.readdirSync(volume), ["mine"]);
    assert.equal(fs.statSync(volume).mode % 0o10000, 0o711);
  });

  it("refuses a file as the target, with Docker's words", async () => {
    using lab = openMountLab();
    const root = lab.makeFolder("root");
    fs.writeFileSync(join(root, "file"), "");
    await assert.rejects(copyUp(root, "/file", lab.makeFolder("volume")), (error) => {
      assert.ok(isLadeError(error, "CONTAINER_INVALID"));
      return error.message === "cannot mount volume over existing file, file exists /file";
    });
  });
});
