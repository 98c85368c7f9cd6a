// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { loadImages } from "../../src/engine/load.ts";
import { openTestStore, verifyStore } from "../helpers/store.ts";
import { requireTool, runOrThrow, shellQuote } from "../helpers/tools.ts";
import { ladeFacts, podmanFacts, withoutDefaultDomain } from "./facts.ts";
import { ladeInShell } from "./lade-command.ts";
import { sharedLab } from "./shared-lab.ts";

/** Runs a line of a shell in which every command of a pipe must succeed. */
async function runLine(line: string): Promise<string> {
  const bash = requireTool("bash", "bash");
  return (await runOrThrow(bash, ["-o", "pipefail", "-c", line])).stdout.trim();
}

for (const compressor of ["", "| gzip ", "| zstd "]) {
  test(`pipes: docker save ${compressor}| lade load`, async () => {
    const { lab, images } = await sharedLab();
    await using store = await openTestStore();
    const docker = lab.dockerd.command.map(shellQuote).join(" ");
    const said = await runLine(
      `${docker} save app:1 many:1 child:1 ${compressor}| ${ladeInShell(store)} load`,
    );
    // Docker saves several images in no order.
    assert.deepEqual(said.split("\n").toSorted(), [
      "Loaded image: app:1",
      "Loaded image: child:1",
      "Loaded image: many:1",
    ]);
    for (const [image, names] of [
      [images.app, ["app:1"]],
      [images.many, ["many:1"]],
      [images.child, ["child:1"]],
    ] as const) {
      assert.deepEqual(await ladeFacts(store, image.id), { ...image, names });
    }
    await verifyStore(store);
  });
}

for (const compressor of ["", "| gzip "]) {
  test(`pipes: lade save ${compressor}| docker load`, async () => {
    const { lab, dockerArchive } = await sharedLab();
    await using store = await openTestStore();
    await loadImages(store.engine, { path: dockerArchive });
    const docker = lab.dockerd.command.map(shellQuote).join(" ");
    const line = `${ladeInShell(store)} save app child:1 ${compressor}| ${docker} load --quiet`;
    assert.equal(
      await runLine(line),
      "Loaded image: app:1\nLoaded image: app:latest\nLoaded image: child:1",
    );
  });
}

test("pipes: lade save | podman load, podman save | lade load", async () => {
  const { lab, images, dockerArchive } = await sharedLab();
  await using store = await openTestStore();
  await loadImages(store.engine, { path: dockerArchive });
  const peers = lab.emptyPeers();
  const podman = peers.peerCommand("podman").map(shellQuote).join(" ");
  await runLine(`${ladeInShell(store)} save many:1 odd:1 | ${podman} load --quiet`);
  for (const image of [images.many, images.odd]) {
    const { size, ...facts } = image;
    assert.deepEqual(await podmanFacts(peers, image.id), facts);
  }
  await using other = await openTestStore();
  const save = `${podman} save --quiet --multi-image-archive many:1 odd:1`;
  await runLine(`${save} | ${ladeInShell(other)} load`);
  for (const image of [images.many, images.odd]) {
    const facts = await ladeFacts(other, image.id);
    assert.deepEqual({ ...facts, names: facts.names.map(withoutDefaultDomain) }, image);
  }
});
