// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { loadImages } from "../../src/engine/load.ts";
import { docker24Symlinks } from "../fixtures/docker-classic.ts";
import { folderMakers, makers } from "../fixtures/makers.ts";
import { runTool } from "../fixtures/outside-tools.ts";
import { openTestStore, storeState, type TestStore, verifyStore } from "../helpers/store.ts";
import { assertLoaded } from "./loaded.ts";

function writeFolder(store: TestStore, files: ReadonlyMap<string, Buffer>): string {
  const folder = mkdtempSync(join(store.folder, "layout-"));
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  return folder;
}

/** An archive, unpacked by GNU tar. */
function unpacked(store: TestStore, archive: Buffer): string {
  const folder = mkdtempSync(join(store.folder, "unpacked-"));
  const { status, stderr } = runTool("tar", ["-C", folder, "-xf", "-"], archive);
  assert.equal(status, 0, stderr);
  return folder;
}

describe("load from a folder", () => {
  for (const { name, make } of folderMakers) {
    it(name, async () => {
      await using store = await openTestStore();
      const { files, expected } = make();
      const { images } = await loadImages(store.engine, { path: writeFolder(store, files) });
      assertLoaded(store, images, expected);
      await verifyStore(store);
    });
  }

  for (const { name, make } of makers.filter(({ name }) => !/\||nix build/.test(name))) {
    it(`that was unpacked: ${name}`, async () => {
      await using store = await openTestStore();
      const { archive, expected } = make();
      const { images } = await loadImages(store.engine, { path: unpacked(store, archive) });
      assertLoaded(store, images, expected);
      await verifyStore(store);
    });
  }

  it("leaves what is no file, and what lies deeper than images do", async () => {
    await using store = await openTestStore();
    const { archive, expected } = docker24Symlinks();
    const folder = unpacked(store, archive);
    mkdirSync(join(folder, "a/b/c/d/e/f"), { recursive: true });
    symlinkSync("/", join(folder, "a/root"));
    assert.equal(runTool("mkfifo", [join(folder, "pipe")]).status, 0);
    const { images } = await loadImages(store.engine, { path: folder });
    assertLoaded(store, images, expected);
  });

  it("never follows a link out of it", async () => {
    for (const target of ["/etc/hostname", "../../../../../../../../etc/hostname"]) {
      await using store = await openTestStore();
      const before = storeState(store);
      const { archive } = docker24Symlinks();
      const folder = unpacked(store, archive);
      const path = join(folder, "manifest.json");
      rmSync(path);
      symlinkSync(target, path);
      await assert.rejects(loadImages(store.engine, { path: folder }), {
        code: /^(?:DOCUMENT_INVALID|NAME_ESCAPES)$/,
      });
      assert.deepEqual(storeState(store), before);
    }
  });

  it("tells what is no image", async () => {
    await using store = await openTestStore();
    const cases: readonly (readonly [files: Record<string, string>, code: string])[] = [
      [{}, "ARCHIVE_UNRECOGNIZED"],
      [{ "README.md": "# hello" }, "ARCHIVE_UNRECOGNIZED"],
      [{ "etc/passwd": "", "usr/bin/x": "", "bin/sh": "" }, "ARCHIVE_IS_FILESYSTEM"],
      [{ "oci-layout": '{"imageLayoutVersion":"1.0.0"}' }, "ARCHIVE_MEMBER_MISSING"],
      [{ "index.json": "{}", version: "Directory Transport Version: 1.1\n" }, "UNSUPPORTED"],
    ];
    for (const [files, code] of cases) {
      const contents = Object.entries(files).map(
        ([name, text]) => [name, Buffer.from(text)] as const,
      );
      const path = writeFolder(store, new Map(contents));
      await assert.rejects(loadImages(store.engine, { path }), { name: "LadeError", code });
    }
    const missing = join(store.folder, "nowhere");
    await assert.rejects(loadImages(store.engine, { path: missing }), {
      code: "ARCHIVE_NOT_FOUND",
      message: `open ${missing}: no such file or directory`,
    });
  });
});
