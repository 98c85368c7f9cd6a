// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { bytesSource } from "../../../src/base/bytes.ts";
import { putArchive, statArchive } from "../../../src/engine/copy-container.ts";
import { pauseContainer } from "../../../src/engine/pause.ts";
import { dir, file, hardLink, symlink } from "../../fixtures/sample-image.ts";
import { tar } from "../../fixtures/tar-builder.ts";
import { treeFacts } from "../../helpers/tree-facts.ts";
import { assertNothingLeft, body, create, openBox, run, start } from "./box.ts";
import { assertRefused, both, content, get, links, names, put } from "./copying.ts";

describe("copying out of a container", () => {
  it("gives files and folders, running or not, and stats that Docker's client reads", async () => {
    await using box = await openBox();
    for (const { id, state } of await both(box, links)) {
      assert.equal(await content(box, id, "/data/file"), "from the image\n", state);
      assert.equal(await content(box, id, "data/to-deep/file"), "deep\n", state);
      assert.deepEqual(await names(box, id, "/data/deep"), ["deep/", "deep/file"]);
      assert.deepEqual(await names(box, id, "/data/deep/."), ["./", "./file"]);
      assert.deepEqual(await names(box, id, "/data/to-deep"), ["to-deep"]);
      assert.deepEqual(await names(box, id, "/data/to-deep/"), ["to-deep/", "to-deep/file"]);
      assert.deepEqual(await names(box, id, "/data/../data/./deep/file"), ["file"]);
      const stat = (path: string) => statArchive(box.engine, id, path);
      const { mtime: _, ...link } = await stat("/data/to-deep");
      assert.deepEqual(link, {
        name: "to-deep",
        size: 4,
        mode: 134218239,
        linkTarget: "/data/deep",
      });
      assert.equal((await stat("/data/to-file")).linkTarget, "/data/file");
      assert.equal((await stat("/data/up")).linkTarget, "/etc");
      assert.equal((await stat("/data/dangling")).linkTarget, "/not/there");
      assert.equal((await stat("/data/to-deep/")).mode, 2 ** 31 + 0o755);
      assert.equal((await stat("/data/file")).size, 15);
      assert.equal((await stat("/")).name, "/");
      assert.match(
        (await stat("/data/file")).mtime,
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/,
      );
    }
  });

  it("says in Docker's words what is not there", async () => {
    await using box = await openBox();
    for (const { id } of await both(box, links)) {
      for (const path of [
        "/none",
        "/data/none/x",
        "/data/file/",
        "/data/file/x",
        "/data/dangling/",
      ]) {
        const message = `Could not find the file ${path} in container ${id}`;
        await assertRefused(statArchive(box.engine, id, path), "PATH_NOT_FOUND", message);
        await assertRefused(get(box, id, path), "PATH_NOT_FOUND", message);
      }
      await assertRefused(statArchive(box.engine, id, "/data/loop/"), "IO_FAILED", /loop/);
    }
    await assertRefused(
      statArchive(box.engine, "no", "/"),
      "CONTAINER_NOT_FOUND",
      "No such container: no",
    );
  });

  it("is what GNU tar packs of the same folder", async () => {
    await using box = await openBox();
    const script = `${links}; cd /data; rm loop; busybox ln file deep/same; busybox mkfifo pipe;
busybox mknod null c 1 3; busybox chown 70000:3000 file; busybox chmod 6755 file; busybox touch -d 200101010000 file`;
    const { id } = await run(box, { body: body(script) });
    const out = join(box.folder, "out");
    fs.mkdirSync(out);
    spawnSync("tar", ["-xp", "-C", out], { input: await get(box, id, "/data") });
    const facts = await treeFacts(join(out, "data"));
    assert.deepEqual(facts.file?.same, "deep/same");
    const { mode, uid, gid, mtime } = facts["deep/same"] ?? {};
    assert.deepEqual([mode, uid, gid], [0o6755, 70000, 3000]);
    assert.equal(mtime, `${Date.parse("2001-01-01T00:00:00Z")}000000`);
    assert.equal(facts.pipe?.type, "fifo");
    assert.equal(facts.null?.device, "1:3");
    assert.equal(facts.up?.target, "../../../../etc");
  });

  it("sees volumes, folders of the host, tmpfs and hosts files", async () => {
    await using box = await openBox();
    const folder = join(box.folder, "host");
    fs.mkdirSync(join(folder, "sub"), { recursive: true });
    fs.writeFileSync(join(folder, "sub/file"), "of the host\n");
    const host = { Binds: [`${folder}:/mnt/host:ro`, "named:/vol"], Tmpfs: { "/fast": "" } };
    const script = "echo in the volume > /vol/file; echo fast > /fast/file";
    for (const { id, state } of await both(box, script, host)) {
      assert.equal(await content(box, id, "/vol/file"), "in the volume\n", state);
      assert.equal(await content(box, id, "/mnt/host/sub/file"), "of the host\n");
      assert.ok((await names(box, id, "/mnt")).includes("mnt/host/sub/file"));
      assert.match(await content(box, id, "/etc/hosts"), /localhost/);
      const fast = statArchive(box.engine, id, "/fast/file");
      if (state === "running") assert.equal((await fast).size, 5);
      else await assertRefused(fast, "PATH_NOT_FOUND", /\/fast\/file/);
    }
  });

  it("works on one that was never started, and on a paused one", async () => {
    await using box = await openBox();
    const created = await create(box, { body: body("true", { host: { Binds: ["data:/data"] } }) });
    assert.equal(await content(box, created, "/data/file"), "from the image\n");
    assert.deepEqual(await names(box, created, "/data/deep"), ["deep/", "deep/file"]);
    const paused = await start(box, { body: body("sleep 1000") });
    await pauseContainer(box.engine, paused);
    assert.equal(await content(box, paused, "/data/file"), "from the image\n");
  });

  it("leaves nothing behind", async () => {
    const box = await openBox();
    try {
      const { id } = await run(box, { body: body("true", { host: { Binds: ["vol:/v"] } }) });
      await get(box, id, "/");
      await put(box, id, { path: "/", members: [file("x", "x")] });
      const { removeContainer } = await import("../../../src/engine/remove-container.ts");
      await removeContainer(box.engine, id, { force: true });
      await assertNothingLeft(box);
    } finally {
      await box[Symbol.asyncDispose]();
    }
  });
});

describe("copying into a container", () => {
  it("extracts as the tar says, with implied folders and through the container's symlinks", async () => {
    await using box = await openBox();
    const members = [
      dir("new/", { mode: 0o2750, uid: 5, gid: 6, mtime: 1000 }),
      file("new/file", "text", { mode: 0o4711, uid: 70_000, gid: 8, mtime: 2000 }),
      hardLink("new/same", "new/file"),
      symlink("new/link", "../../../etc/passwd"),
      file("im/plied/file", "x"),
      file("to-deep/through", "y"),
      file("deep/file", "changed"),
      { name: "pipe", type: "6", mode: 0o600 },
      { name: "null", type: "3", mode: 0o666, devMajor: 1, devMinor: 3 },
    ];
    for (const { id, state } of await both(box, links)) {
      await put(box, id, { path: "/data", members });
      const out = join(box.folder, state);
      fs.mkdirSync(out);
      spawnSync("tar", ["-xp", "-C", out], { input: await get(box, id, "/data") });
      const facts = await treeFacts(join(out, "data"));
      const facts2 = (path: string) => {
        const { type, mode, uid, gid, mtime } = facts[path] ?? assert.fail(path);
        return [type, mode, uid, gid, mtime];
      };
      assert.deepEqual(facts2("new"), ["directory", 0o2750, 5, 6, "1000000000000"]);
      assert.deepEqual(facts2("new/file"), ["file", 0o4711, 70_000, 8, "2000000000000"]);
      assert.equal(facts["new/same"]?.same, "new/file");
      assert.equal(facts["new/link"]?.target, "../../../etc/passwd");
      assert.deepEqual(facts2("im/plied").slice(0, 4), ["directory", 0o755, 0, 0]);
      assert.equal(facts["deep/through"]?.size, 1);
      assert.equal(facts["to-deep"]?.type, "symlink");
      assert.equal(facts["deep/file"]?.size, 7);
      assert.equal(facts.pipe?.type, "fifo");
      assert.equal(facts.null?.device, "1:3");
    }
  });

  it("takes compressed tars", async () => {
    await using box = await openBox();
    const { id } = await run(box, { body: body("true") });
    const packed = gzipSync(tar([file("packed", "yes")]));
    await putArchive(box.engine, id, "/tmp", bytesSource(packed));
    assert.equal(await content(box, id, "/tmp/packed"), "yes");
  });

  it("keeps a file whose successor does not come whole", async () => {
    await using box = await openBox();
    for (const { id } of await both(box, "true")) {
      const whole = tar([file("file", "n".repeat(2000))]);
      const cut = bytesSource(whole.subarray(0, 512 + 1000));
      await assert.rejects(putArchive(box.engine, id, "/data", cut), { code: "TAR_TRUNCATED" });
      assert.equal(await content(box, id, "/data/file"), "from the image\n");
      await put(box, id, { path: "/data", members: [file("file", "new", { mode: 0o604 })] });
      assert.equal(await content(box, id, "/data/file"), "new");
      assert.equal((await statArchive(box.engine, id, "/data/file")).mode, 0o604);
      assert.deepEqual(await names(box, id, "/data/file"), ["file"]);
    }
  });

  it("goes to where a symlink leads, and only into folders", async () => {
    await using box = await openBox();
    const members = [file("put", "here")];
    for (const { id } of await both(box, links)) {
      await put(box, id, { path: "/data/to-deep", members });
      assert.equal(await content(box, id, "/data/deep/put"), "here");
      await put(box, id, { path: "/data/up", members });
      assert.equal(await content(box, id, "/etc/put"), "here");
      const to = (path: string) => put(box, id, { path, members });
      const message = "extraction point is not a directory";
      await assertRefused(to("/data/file"), "CONTAINER_INVALID", message);
      await assertRefused(to("/data/to-file"), "CONTAINER_INVALID", message);
      await assertRefused(
        to("/none"),
        "PATH_NOT_FOUND",
        `Could not find the file /none in container ${id}`,
      );
    }
  });

  it("replaces what is there, unless types must not change", async () => {
    await using box = await openBox();
    const { id } = await run(box, { body: body("true") });
    const overFolder = [file("deep", "a file")];
    const overFile = [dir("file/"), file("file/x", "x")];
    const strict = { path: "/data", noOverwriteDirNonDir: true };
    await assertRefused(
      put(box, id, { ...strict, members: overFolder }),
      "CONTAINER_CONFLICT",
      'cannot overwrite directory "/data/deep" with non-directory "/data"',
    );
    await assertRefused(
      put(box, id, { ...strict, members: overFile }),
      "CONTAINER_CONFLICT",
      'cannot overwrite non-directory "/data/file" with directory "/data"',
    );
    await put(box, id, { path: "/data", members: [...overFolder, ...overFile] });
    assert.deepEqual(await names(box, id, "/data"), [
      "data/",
      "data/deep",
      "data/file/",
      "data/file/x",
    ]);
  });

  it("refuses what the container may not write itself", async () => {
    await using box = await openBox();
    fs.mkdirSync(join(box.folder, "host"));
    const host = {
      ReadonlyRootfs: true,
      Binds: [`${join(box.folder, "host")}:/ro:ro`, "named:/vol"],
      Tmpfs: { "/tmp": "" },
    };
    const members = [file("put", "x")];
    const started = await start(box, { body: body("sleep 1000", { host }) });
    const { id: ended } = await run(box, { body: body("true", { host }) });
    for (const id of [started, ended]) {
      const to = (path: string) => put(box, id, { path, members });
      await assertRefused(
        to("/data"),
        "CONTAINER_READ_ONLY",
        "container rootfs is marked read-only",
      );
      await assertRefused(to("/ro"), "CONTAINER_READ_ONLY", "mounted volume is marked read-only");
      await to("/vol");
      assert.equal(await content(box, id, "/vol/put"), "x");
      // A symlink in a volume that leads out of it is no way around (moby: PutContainerArchive…).
      await put(box, id, { path: "/vol", members: [symlink("out", "/data")] });
      await assertRefused(
        to("/vol/out"),
        "CONTAINER_READ_ONLY",
        "container rootfs is marked read-only",
      );
    }
    await put(box, started, { path: "/tmp", members });
    assert.equal(await content(box, started, "/tmp/put"), "x");
  });

  it("gives everything to the container's user where that is asked", async () => {
    await using box = await openBox();
    const { id } = await run(box, { body: body("true", { User: "ada" }) });
    await put(box, id, {
      path: "/tmp",
      members: [dir("a/"), file("a/f", "x", { uid: 99 })],
      copyUidGid: true,
    });
    const out = join(box.folder, "out");
    fs.mkdirSync(out);
    spawnSync("tar", ["-xp", "-C", out], { input: await get(box, id, "/tmp/a") });
    const stat = fs.statSync(join(out, "a/f"));
    assert.deepEqual([stat.uid, stat.gid], [7, 8]);
  });

  it("fails for a damaged tar, and for one that ends too early", async () => {
    await using box = await openBox();
    const { id } = await run(box, { body: body("true") });
    const whole = tar([file("a", "a".repeat(5000))]);
    const cut = (bytes: Buffer) => putArchive(box.engine, id, "/tmp", bytesSource(bytes));
    await assertRefused(cut(whole.subarray(0, 2000)), "TAR_TRUNCATED", /EOF/);
    await assertRefused(cut(Buffer.from("no tar".repeat(200))), "TAR_CHECKSUM", /checksum/);
  });
});
