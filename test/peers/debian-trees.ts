// SPDX-License-Identifier: Apache-2.0

/** A whole distribution in docker and in lade: the same changes, the same tree. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { test } from "node:test";
import { bootstrap } from "../../bench/image.ts";
import { commitContainer } from "../../src/engine/commit.ts";
import { diffContainer } from "../../src/engine/diff-container.ts";
import { exportContainer } from "../../src/engine/export.ts";
import { loadImages } from "../../src/engine/load.ts";
import { saveImages } from "../../src/engine/save.ts";
import { openBox, run } from "../engine/containers/box.ts";
import { type FileFacts, treeFacts } from "../helpers/tree-facts.ts";
import { treeLab } from "./tree-lab.ts";

const script = `
rm -r /usr/share/doc /usr/share/man
mv /usr/share/zoneinfo /usr/share/zones && mkdir /usr/share/zoneinfo
useradd --create-home --no-log-init someone
ln /bin/bash /usr/local/bin/also-bash
ln -s /usr/share/zones /srv/zones
chown -R someone /var/cache
cp -a /bin/ls /usr/local/bin/setuid-ls && chmod 4755 /usr/local/bin/setuid-ls
dd if=/dev/urandom of=/opt/sparse bs=1 count=1 seek=5000000 status=none
echo same > /opt/sparse`;

/** What differs between two runs of the same script: times of what it made, salts of passwords. */
function comparable(facts: Readonly<Record<string, FileFacts>>, startedAt: number): object {
  return Object.fromEntries(
    Object.entries(facts)
      .filter(([path]) => path !== "" && !/^etc\/(?:shadow|subuid)-?$/.test(path))
      .map(([path, { mtime, xattrs, ...rest }]) => {
        const seconds = Number(BigInt(mtime) / 1_000_000_000n);
        const kept = Object.entries(xattrs).filter(([name]) => name === "security.capability");
        return [path, { ...rest, xattrs: kept, seconds: seconds < startedAt ? seconds : "now" }];
      }),
  );
}

test("debian: docker and lade have the same tree after the same changes", async () => {
  const { lab } = await treeLab();
  await using box = await openBox();
  const { engine } = box;
  const tar = lab.path("debian.tar");
  await bootstrap(tar);
  await lab.docker("import", "--change", "CMD bash", tar, "debian:trees");
  const archive = lab.path("debian-saved.tar");
  await lab.docker("save", "--output", archive, "debian:trees");
  await loadImages(engine, { path: archive });

  const startedAt = Math.floor(Date.now() / 1000) - 1;
  const words = ["sh", "-ec", script];
  const docker = await lab.docker("create", "--network", "none", "debian:trees", ...words);
  await lab.docker("start", "--attach", docker);
  const { id, exitCode, errors } = await run(box, {
    body: { Image: "debian:trees", Cmd: words, HostConfig: { NetworkMode: "none" } },
  });
  assert.equal(exitCode, 0, errors);

  const [theirs, ours] = [lab.path("docker-tree.tar"), lab.path("lade-tree.tar")];
  await lab.docker("export", "--output", theirs, docker);
  await exportContainer(engine, { container: id, path: ours });
  const trees: object[] = [];
  for (const path of [ours, theirs]) {
    const folder = lab.path("debian-tree");
    fs.mkdirSync(folder);
    const options = ["--numeric-owner", "--xattrs", "--xattrs-include=*"];
    const { status, stderr } = spawnSync("tar", ["-xpf", path, "-C", folder, ...options]);
    assert.equal(status, 0, stderr.toString());
    trees.push(comparable(await treeFacts(folder), startedAt));
  }
  assert.ok(Object.keys(trees[0] ?? {}).length > 3000);
  assert.deepEqual(trees[0], trees[1]);

  const letters = { changed: "C", added: "A", deleted: "D" };
  const changes = await diffContainer(engine, id);
  assert.deepEqual(
    changes.map(({ path, kind }) => `${letters[kind]} ${path}`).sort(),
    (await lab.docker("diff", docker)).split("\n").filter(Boolean).sort(),
  );

  await commitContainer(engine, { container: id, reference: "debian:committed" });
  const saved = lab.path("debian-committed.tar");
  await saveImages(engine, { names: ["debian:committed"], path: saved });
  await lab.docker("load", "--quiet", "--input", saved);
  const check =
    "test ! -e /usr/share/doc && id -nu someone && ls /srv/zones/UTC && cat /opt/sparse";
  const output = await lab.docker(
    ...["run", "--rm", "--network", "none", "debian:committed", "sh", "-c", check],
  );
  assert.equal(output, "someone\n/srv/zones/UTC\nsame");
});
