// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isLadeError } from "../../../src/base/errors.ts";
import { statArchive } from "../../../src/engine/copy-container.ts";
import { exportContainer } from "../../../src/engine/export.ts";
import { stopContainer } from "../../../src/engine/stop.ts";
import { dir, file, hardLink, symlink } from "../../fixtures/sample-image.ts";
import type { TarEntry } from "../../fixtures/tar-builder.ts";
import { treeFacts } from "../../helpers/tree-facts.ts";
import { body, openBox, run, start } from "./box.ts";
import { assertRefused, both, content, get, put, until } from "./copying.ts";

describe("copying into a container, of what is not to be trusted", () => {
  it("keeps to the container's root, whatever names and links there are", async () => {
    await using box = await openBox();
    const outside = join(box.folder, "outside");
    fs.mkdirSync(outside);
    fs.writeFileSync(join(outside, "victim"), "untouched");
    fs.chmodSync(outside, 0o751);
    const before = await treeFacts(outside);
    const up = "../".repeat(20) + outside.slice(1);
    for (const { id } of await both(
      box,
      `cd /data; busybox ln -s ${up} esc; busybox ln -s ${outside} abs`,
    )) {
      const to = (...members: TarEntry[]) => put(box, id, { path: "/data", members });
      await assertRefused(
        to(file("../../x", "x")),
        "NAME_ESCAPES",
        '"../../x" is outside of "/data"',
      );
      await assertRefused(to(hardLink("h", "../../etc/passwd")), "NAME_ESCAPES", /outside of/);
      for (const members of [
        [file("esc/victim", "gone")],
        [file("abs/victim", "gone")],
        [dir("esc/", { mode: 0o777 })],
        [symlink("s", outside), file("s/victim", "gone")],
        [symlink("t", up), dir("t/", { mode: 0o777 })],
        [file("/etc/absolute", "inside")],
      ]) {
        await to(...members).catch((error: unknown) =>
          assert.ok(isLadeError(error), String(error)),
        );
      }
      assert.equal(await content(box, id, "/data/etc/absolute"), "inside");
      await assertRefused(
        statArchive(box.engine, id, "/data/abs/nothing"),
        "PATH_NOT_FOUND",
        /abs/,
      );
    }
    assert.deepEqual(await treeFacts(outside), before);
  });

  it("names the member that has no place, instead of a disk that failed", async () => {
    await using box = await openBox();
    const { id } = await run(box, { body: body("true") });
    const to = (...members: TarEntry[]) => put(box, id, { path: "/data", members });
    const cases: readonly (readonly [TarEntry[], string])[] = [
      [[symlink("l", "../none"), file("l/new", "x")], '"l/new": what it leads to is not there'],
      [[file("f", "x"), file("f/x", "x")], '"f/x": what it lies in is no directory'],
      [[symlink("a", "a"), file("a/x", "x")], '"a/x": too many levels of symbolic links'],
      [[hardLink("h", "none")], '"h": what it leads to is not there'],
      [
        [{ name: "chr", type: "3", devMajor: 0, devMinor: 0 }],
        '"chr": a device 0:0 stands for a removed file, which no archive can say',
      ],
    ];
    for (const [members, message] of cases) {
      await assertRefused(to(...members), "CONTAINER_INVALID", message);
    }
  });

  it("strips what overlayfs would take for its own", async () => {
    await using box = await openBox();
    const { id } = await run(box, { body: body("true") });
    const pax = { "SCHILY.xattr.trusted.overlay.opaque": "y", "SCHILY.xattr.user.kept": "yes" };
    await put(box, id, { path: "/data", members: [{ ...dir("deep/"), pax }] });
    // An opaque folder would have lost the image's file.
    assert.equal(await content(box, id, "/data/deep/file"), "deep\n");
    const bytes = await get(box, id, "/data/deep");
    assert.ok(bytes.includes("SCHILY.xattr.user.kept=yes") && !bytes.includes("overlay"));
  });
});

describe("copying and exporting beside a container that changes everything", () => {
  it("never leaves its root (CVE-2018-15664)", async () => {
    await using box = await openBox();
    const outside = join(box.folder, "outside");
    fs.mkdirSync(join(outside, "sub"), { recursive: true });
    fs.writeFileSync(join(outside, "sub/secret"), "SECRET OF THE HOST");
    const before = await treeFacts(outside);
    // A process of the container swaps a folder for a symlink to the host's path, again and again.
    const script = `mkdir -p /w; busybox ln -s ${outside} /w/link; mkdir -p /w/dir/sub; echo inside > /w/dir/sub/secret
touch /ready
while true; do
mv /w/dir /w/now; mv /w/now /w/dir; mv /w/link /w/now; mv /w/now /w/link; done`;
    const id = await start(box, { body: body(script) });
    await until(() => statArchive(box.engine, id, "/ready"));
    const end = Date.now() + 3000;
    let reads = 0;
    while (Date.now() < end) {
      const bytes = await get(box, id, "/w/now/sub/").catch(() => Buffer.alloc(0));
      assert.ok(!bytes.includes("SECRET OF THE HOST"));
      const whole = await get(box, id, "/w/").catch(() => Buffer.alloc(0));
      assert.ok(!whole.includes("SECRET OF THE HOST"));
      const path = join(box.folder, "out.tar");
      await exportContainer(box.engine, { container: id, path });
      assert.ok(!fs.readFileSync(path).includes("SECRET OF THE HOST"));
      const members = [file("sub/secret", "OVERWRITTEN"), file("sub/more", "MORE")];
      await put(box, id, { path: "/w/now/", members }).catch(() => undefined);
      reads++;
    }
    assert.ok(reads > 10);
    assert.deepEqual(await treeFacts(outside), before);
    await stopContainer(box.engine, id, { timeoutSeconds: 0 });
  });
});
