// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { loadImages } from "../../src/engine/load.ts";
import { openTestStore, verifyStore } from "../helpers/store.ts";
import { requireTool, runOrThrow } from "../helpers/tools.ts";
import { ladeFacts } from "./facts.ts";
import { sharedLab } from "./shared-lab.ts";

const compressors = [
  { command: "gzip", debianPackage: "gzip" },
  { command: "bzip2", debianPackage: "bzip2" },
  { command: "xz", debianPackage: "xz-utils" },
  { command: "zstd", debianPackage: "zstd" },
];

for (const { command, debianPackage } of compressors) {
  test(`compressed: docker save | ${command} > FILE, lade load`, async () => {
    const { lab, images, dockerArchive } = await sharedLab();
    const path = lab.path(`docker.tar.${command}`);
    const files = { stdinFile: dockerArchive, stdoutFile: path };
    await runOrThrow(requireTool(command, debianPackage), ["-c"], files);
    await using store = await openTestStore();
    const loaded = await loadImages(store.engine, { path });
    const named = Object.values(images).filter((image) => image.names.length > 0);
    assert.equal(loaded.images.length, named.flatMap((image) => image.names).length);
    for (const image of named) assert.deepEqual(await ladeFacts(store, image.id), image);
    await verifyStore(store);
  });
}
