// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { bootstrap } from "../../bench/image.ts";
import { importImage } from "../../src/engine/import.ts";
import { loadImages } from "../../src/engine/load.ts";
import { saveImages } from "../../src/engine/save.ts";
import { openTestStore, verifyStore } from "../helpers/store.ts";
import { dockerFacts, ladeFacts, podmanFacts } from "./facts.ts";
import { assertSameDocuments } from "./same-documents.ts";
import { sharedLab } from "./shared-lab.ts";

/** What is done to a system: files changed, folders removed, owners and hard links of all kinds. */
const script = `
rm -r /usr/share/doc /usr/share/man
mv /usr/share/zoneinfo /usr/share/zones && mkdir /usr/share/zoneinfo
useradd --create-home someone
ln /bin/bash /usr/local/bin/also-bash
chown -R someone /var/cache`;

test("debian: a whole distribution goes both ways and still runs", async () => {
  const shared = await sharedLab();
  const { lab } = shared;
  const tar = lab.path("debian.tar");
  await bootstrap(tar);
  await lab.docker("import", "--change", "CMD bash", tar, "debian:base");
  const container = await lab.docker(
    "create",
    "--network",
    "none",
    "debian:base",
    "sh",
    "-ec",
    script,
  );
  await lab.docker("start", "--attach", container);
  await lab.docker("commit", container, "debian:used");
  await lab.docker("rm", container);
  const made = await dockerFacts(lab, "debian:used");
  const archive = lab.path("docker.tar");
  await lab.docker("save", "--output", archive, "debian:base", "debian:used");

  await using store = await openTestStore();
  await loadImages(store.engine, { path: archive });
  assert.deepEqual(await ladeFacts(store, "debian:used"), made);
  await assertSameDocuments(shared.lab, store, made.id);
  const imported = await importImage(store.engine, { source: tar });
  assert.deepEqual((await ladeFacts(store, imported.id)).diffIds, made.diffIds.slice(0, 1));
  const saved = lab.path("lade.tar");
  await saveImages(store.engine, { names: ["debian:used"], path: saved });
  await verifyStore(store);

  await lab.docker("image", "rm", "debian:used", "debian:base");
  await lab.docker("load", "--quiet", "--input", saved);
  assert.deepEqual(await dockerFacts(lab, "debian:used"), made);
  const check = [
    "sh",
    "-c",
    "test ! -e /usr/share/doc && id -nu someone && also-bash -c 'echo $0'",
  ];
  const run = ["run", "--rm", "--network", "none", "debian:used", ...check];
  assert.equal(await lab.docker(...run), "someone\nalso-bash");
  const peers = lab.emptyPeers();
  await peers.peer("podman", "load", "--quiet", "--input", saved);
  const { id, diffIds } = await podmanFacts(peers, made.id);
  assert.deepEqual({ id, diffIds }, { id: made.id, diffIds: made.diffIds });
});
