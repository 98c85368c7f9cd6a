// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isLadeError } from "../../src/base/errors.ts";
import { layerTar } from "../../src/rootfs/layer-writer.ts";
import { scanUpper } from "../../src/rootfs/upper.ts";
import { requireTool } from "../helpers/tools.ts";
import { entriesOf, mountOverlay, openMountLab, openUpper, readAll } from "./overlay-lab.ts";

async function tarOf(upper: string): Promise<Buffer> {
  using opened = openUpper(upper);
  return await readAll(layerTar(opened.tree, opened.fd), 1000);
}

function python(script: string, ...args: string[]): void {
  execFileSync(requireTool("python3", "python3"), ["-c", script, ...args]);
}

describe("the layer of an upper folder", () => {
  it("has whiteouts and opaque folders as OCI has them, and what changed", async () => {
    using lab = openMountLab();
    const lower = lab.makeFolder("lower");
    for (const name of [
      "gone",
      "kept",
      "old/a",
      "old/sub/b",
      "file-to-folder",
      "folder-to-file/x",
    ]) {
      fs.mkdirSync(join(lower, name, ".."), { recursive: true });
      fs.writeFileSync(join(lower, name), name);
    }
    const overlay = await mountOverlay(lab, "container", [lower]);
    const at = (name: string) => join(overlay.merged, name);
    fs.rmSync(at("gone"));
    fs.rmSync(at("old"), { recursive: true });
    fs.mkdirSync(at("old"), { mode: 0o750 });
    fs.writeFileSync(at("old/new"), "new");
    fs.rmSync(at("file-to-folder"));
    fs.mkdirSync(at("file-to-folder"));
    fs.rmSync(at("folder-to-file"), { recursive: true });
    fs.writeFileSync(at("folder-to-file"), "now a file", { mode: 0o4711 });
    fs.chmodSync(at("folder-to-file"), 0o4711);
    fs.symlinkSync("/nowhere", at("link"));
    fs.writeFileSync(at("one"), "linked");
    fs.linkSync(at("one"), at("two"));
    fs.utimesSync(at("one"), 1, 1.5);
    fs.chownSync(at("one"), 70_000, 3_000_000);
    const entries = entriesOf(await tarOf(overlay.upper));
    const shown = entries.map(
      ({ path, type, size, linkPath }) => `${path} ${type} ${size}${linkPath && ` ${linkPath}`}`,
    );
    assert.deepEqual(shown, [
      "file-to-folder directory 0",
      "file-to-folder/.wh..wh..opq file 0",
      "folder-to-file file 10",
      ".wh.gone file 0",
      "link symlink 0 /nowhere",
      "old directory 0",
      "old/.wh..wh..opq file 0",
      "old/new file 3",
      "one file 6",
      "two hardlink 0 one",
    ]);
    const byPath = new Map(entries.map((entry) => [entry.path, entry]));
    assert.equal(byPath.get("folder-to-file")?.mode, 0o4711);
    assert.equal(byPath.get("old")?.mode, 0o750);
    const one = byPath.get("one");
    assert.deepEqual(
      [one?.uid, one?.gid, one?.mtimeSeconds, one?.mtimeNanoseconds],
      [70_000, 3_000_000, 1, 500_000_000],
    );
    // Whiteouts are the same whenever the files went.
    assert.equal(byPath.get(".wh.gone")?.mtimeSeconds, 0);
  });

  it("is the same for the same content, in whatever order it was made", async () => {
    using lab = openMountLab();
    const tars: Buffer[] = [];
    for (const names of [
      ["a", "b", "c/d", "z"],
      ["z", "c/d", "b", "a"],
    ]) {
      const folder = lab.makeFolder(names.join("").replace("/", ""));
      fs.mkdirSync(join(folder, "c"));
      for (const name of names) {
        fs.writeFileSync(join(folder, name), name);
        fs.utimesSync(join(folder, name), 5, 6);
      }
      fs.utimesSync(join(folder, "c"), 7, 8);
      tars.push(await tarOf(folder));
    }
    assert.ok(tars[0]?.equals(tars[1] as Buffer));
  });

  it("keeps xattrs of files, and none of overlayfs or of the machine", async () => {
    using lab = openMountLab();
    const lower = lab.makeFolder("lower");
    fs.mkdirSync(join(lower, "folder"));
    const overlay = await mountOverlay(lab, "container", [lower]);
    fs.rmdirSync(join(overlay.merged, "folder"));
    fs.mkdirSync(join(overlay.merged, "folder"));
    fs.writeFileSync(join(overlay.merged, "ping"), "ping");
    python(
      `import os, sys
root = sys.argv[1]
os.setxattr(root + "/ping", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
os.setxattr(root + "/ping", "user.note", b"\\x00\\xff=\\n")
os.setxattr(root + "/ping", "trusted.mine", b"1")
os.setxattr(root + "/folder", "user.folder", b"yes")`,
      overlay.merged,
    );
    const entries = entriesOf(await tarOf(overlay.upper));
    const xattrs = Object.fromEntries(entries.map(({ path, xattrs: list }) => [path, list]));
    assert.deepEqual(xattrs, {
      folder: [["user.folder", "yes"]],
      "folder/.wh..wh..opq": [],
      ping: [
        [
          "security.capability",
          Buffer.from("0100000200040000000000000000000000000000", "hex").toString("latin1"),
        ],
        ["user.note", "\x00\xff=\n"],
      ],
    });
  });

  it("leaves sockets out, takes pipes and devices without opening them", async () => {
    using lab = openMountLab();
    const folder = lab.makeFolder("upper");
    const server = net.createServer().listen(join(folder, "socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    execFileSync("mkfifo", [join(folder, "pipe")]);
    execFileSync("mknod", [join(folder, "null"), "c", "1", "3"]);
    execFileSync("mknod", [join(folder, "loop"), "b", "7", "1"]);
    const entries = entriesOf(await tarOf(folder));
    server.close();
    assert.deepEqual(
      entries.map(({ path, type, deviceMajor, deviceMinor }) => [
        path,
        type,
        deviceMajor,
        deviceMinor,
      ]),
      [
        ["loop", "block", 7, 1],
        ["null", "character", 1, 3],
        ["pipe", "fifo", 0, 0],
      ],
    );
  });

  it("writes the holes of a sparse file as zeros, without reading them", async () => {
    using lab = openMountLab();
    const folder = lab.makeFolder("upper");
    const size = 300 * 1024 * 1024;
    const fd = fs.openSync(join(folder, "sparse"), "w");
    fs.writeSync(fd, "start", 0);
    fs.writeSync(fd, "middle", 100 * 1024 * 1024 + 17);
    fs.ftruncateSync(fd, size);
    fs.closeSync(fd);
    using opened = openUpper(folder);
    const source = layerTar(opened.tree, opened.fd);
    const target = Buffer.alloc(1024 * 1024);
    let total = 0;
    const found: [number, string][] = [];
    for (let count = await source.read(target); count > 0; count = await source.read(target)) {
      for (const word of ["start", "middle"]) {
        const at = target.subarray(0, count).indexOf(word);
        if (at >= 0) found.push([total + at - 512, word]);
      }
      total += count;
    }
    const header = total - size - 1024;
    assert.ok(header === 512 || header === 512 * 3, `headers of ${header} bytes`);
    assert.deepEqual(
      found.map(([at, word]) => [at - (header - 512), word]),
      [
        [0, "start"],
        [100 * 1024 * 1024 + 17, "middle"],
      ],
    );
  });

  it("takes names that are no text, and long ones", async () => {
    using lab = openMountLab();
    const folder = lab.makeFolder("upper");
    const name = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x0a, 0x80, 0x41])]);
    fs.writeFileSync(name, "odd");
    fs.writeFileSync(join(folder, "n".repeat(255)), "long");
    fs.mkdirSync(join(folder, "d".repeat(200), "e".repeat(200)), { recursive: true });
    assert.deepEqual(
      entriesOf(await tarOf(folder)).map(({ path }) => path),
      ["d".repeat(200), `${"d".repeat(200)}/${"e".repeat(200)}`, "n".repeat(255), "\xff\n\x80A"],
    );
  });

  it("does not look compressed, whatever the first file is called", async () => {
    using lab = openMountLab();
    const folder = lab.makeFolder("upper");
    fs.writeFileSync(join(folder, "BZhello"), "x");
    fs.utimesSync(join(folder, "BZhello"), 1, 1);
    const bytes = await tarOf(folder);
    assert.equal(bytes.toString("latin1", 0, 10), "./BZhello\0");
  });

  it("refuses by name a file that no layer can hold", async () => {
    using lab = openMountLab();
    const folder = lab.makeFolder("upper");
    fs.writeFileSync(join(folder, ".wh.passwd"), "");
    await assert.rejects(tarOf(folder), (error) => {
      assert.ok(isLadeError(error, "UNSUPPORTED"));
      return error.message.includes("/.wh.passwd");
    });
  });

  it("follows nothing that a running container puts in place meanwhile", async () => {
    using lab = openMountLab();
    const outside = lab.makeFolder("outside");
    fs.writeFileSync(join(outside, "secret"), "secret");
    const folder = lab.makeFolder("upper");
    fs.mkdirSync(join(folder, "sub"));
    fs.writeFileSync(join(folder, "sub", "secret"), "own");
    fs.writeFileSync(join(folder, "file"), "own");
    fs.writeFileSync(join(folder, "pipe"), "own");
    using opened = openUpper(folder);
    // The tree was read; now everything changes.
    fs.renameSync(join(folder, "sub"), join(folder, "away"));
    fs.symlinkSync(outside, join(folder, "sub"));
    fs.rmSync(join(folder, "file"));
    fs.symlinkSync(join(outside, "secret"), join(folder, "file"));
    fs.rmSync(join(folder, "pipe"));
    execFileSync("mkfifo", [join(folder, "pipe")]);
    const bytes = await readAll(layerTar(opened.tree, opened.fd));
    assert.ok(
      !bytes.includes("secret\0\0\0\0\0\0\0\0own") &&
        !bytes.includes(Buffer.from("secret".padEnd(512, "\0"))),
    );
    assert.deepEqual(
      entriesOf(bytes).map(({ path }) => path),
      ["sub"],
    );
    // And a new scan sees a symlink, not what it leads to.
    assert.equal(scanUpper(opened.fd).children.get("sub")?.type, "symlink");
  });

  it("fails for a file that becomes shorter while it is read", async () => {
    using lab = openMountLab();
    const folder = lab.makeFolder("upper");
    const path = join(folder, "shrinks");
    fs.writeFileSync(path, Buffer.alloc(1_000_000, 1));
    using opened = openUpper(folder);
    const source = layerTar(opened.tree, opened.fd);
    const target = Buffer.alloc(100_000);
    await source.read(target);
    fs.truncateSync(path, 10);
    await assert.rejects(readAll(source), (error) => isLadeError(error, "IO_FAILED"));
    source[Symbol.dispose]();
  });
});
