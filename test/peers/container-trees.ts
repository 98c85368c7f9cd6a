// SPDX-License-Identifier: Apache-2.0

/** export, diff, commit and cp, judged by docker on the same image with the same changes. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { after, test } from "node:test";
import { bytesSource } from "../../src/base/bytes.ts";
import { readDocument } from "../../src/content/blobs.ts";
import { commitContainer } from "../../src/engine/commit.ts";
import { getArchive, putArchive, statArchive } from "../../src/engine/copy-container.ts";
import { createContainer } from "../../src/engine/create.ts";
import { diffContainer } from "../../src/engine/diff-container.ts";
import { exportContainer } from "../../src/engine/export.ts";
import { loadImages } from "../../src/engine/load.ts";
import { saveImages } from "../../src/engine/save.ts";
import type { Digest } from "../../src/spec/digest.ts";
import { type Box, openBox, run } from "../engine/containers/box.ts";
import { dir, file, symlink } from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { type FileFacts, treeFacts } from "../helpers/tree-facts.ts";
import { dockerApi } from "./facts.ts";
import type { Lab } from "./lab.ts";
import { treeLab } from "./tree-lab.ts";

/** What a container may do to a file system, in lines of sh with busybox. */
const changes = `
cd /
/bin/busybox rm -r /opt/old
/bin/busybox mkdir /opt/old
echo new > /opt/old/new
/bin/busybox mv /etc/app /etc/moved
/bin/busybox ln /etc/moved/config /etc/linked
/bin/busybox ln -s /nowhere /etc/link
/bin/busybox chmod 700 /var/empty
/bin/busybox chown 70000:5 /etc/empty
/bin/busybox touch /etc/passwd
/bin/busybox rm /usr/bin/env
/bin/busybox mkdir -p /usr/bin/env /new/deep/er
echo x > /usr/bin/env/file
/bin/busybox mkfifo /pipe
/bin/busybox mknod /null c 1 3
echo y >> /opt/data
/bin/busybox rm /etc/dangling
/bin/busybox truncate -s 3000000 /sparse
/bin/busybox chmod 4711 /new
/bin/busybox rmdir /tmp && echo "a file" > /tmp`;

let opened: Promise<Box> | undefined;

/** A store that has docker's `base:1`. */
async function ladeBox(lab: Lab): Promise<Box> {
  opened ??= (async () => {
    const box = await openBox();
    const path = lab.path("base-of-docker.tar");
    await lab.docker("save", "--output", path, "base:1");
    await loadImages(box.engine, { path });
    return box;
  })();
  return await opened;
}

after(async () => {
  await (await opened?.catch(() => undefined))?.[Symbol.asyncDispose]();
});

interface Pair {
  readonly lab: Lab;
  readonly box: Box;
  /** The same container in docker and in lade. */
  readonly docker: string;
  readonly lade: string;
}

async function runBoth(script: string | undefined, options: readonly string[] = []): Promise<Pair> {
  const { lab } = await treeLab();
  const box = await ladeBox(lab);
  const volumes = options.filter((word) => word !== "-v");
  const command = ["/bin/sh", "-ec", script ?? "true"];
  const docker = await lab.docker("create", "--network", "none", ...options, "base:1", ...command);
  const body = {
    Image: "base:1",
    Cmd: command,
    HostConfig: {
      NetworkMode: "none",
      Binds: volumes.filter((volume) => volume.includes(":")),
    },
    Volumes: Object.fromEntries(
      volumes.filter((volume) => !volume.includes(":")).map((volume) => [volume, {}]),
    ),
  };
  if (script === undefined) {
    const { id } = await createContainer(box.engine, { body });
    return { lab, box, docker, lade: id };
  }
  await lab.docker("start", "--attach", docker);
  const { id, exitCode, errors } = await run(box, { body });
  assert.equal(exitCode, 0, errors);
  return { lab, box, docker, lade: id };
}

function unpack(lab: Lab, path: string): Promise<Record<string, FileFacts>> {
  const folder = lab.path("unpacked");
  fs.mkdirSync(folder);
  const words = ["-xpf", path, "--xattrs", "--xattrs-include=*", "-C", folder];
  const { status, stderr } = spawnSync("tar", words);
  assert.equal(status, 0, stderr.toString());
  return treeFacts(folder);
}

async function exportBoth({ lab, box, docker, lade }: Pair) {
  const [theirs, ours] = [lab.path("docker-export.tar"), lab.path("lade-export.tar")];
  await lab.docker("export", "--output", theirs, docker);
  await exportContainer(box.engine, { container: lade, path: ours });
  return { theirs, ours };
}

/** Docker 20.10 drops `user.*`, and fractions of seconds; what changed has times of its own. */
function comparable(facts: Readonly<Record<string, FileFacts>>, now: number): object {
  return Object.fromEntries(
    Object.entries(facts)
      .filter(([path]) => path !== "")
      .map(([path, { mtime, xattrs, ...rest }]) => {
        const seconds = BigInt(mtime) / 1_000_000_000n - (mtime.startsWith("-") ? 1n : 0n);
        const isOld = Number(seconds) < now - 3600;
        const kept = Object.entries(xattrs).filter(([name]) => name === "security.capability");
        return [path, { ...rest, xattrs: kept, seconds: isOld ? String(seconds) : "now" }];
      }),
  );
}

async function assertSameExport(pair: Pair): Promise<void> {
  const { theirs, ours } = await exportBoth(pair);
  const now = Date.now() / 1000;
  assert.deepEqual(
    comparable(await unpack(pair.lab, ours), now),
    comparable(await unpack(pair.lab, theirs), now),
  );
  const list = (path: string) =>
    spawnSync("tar", ["-tf", path]).stdout.toString().split("\n").filter(Boolean);
  // The same names, in the same order.
  assert.deepEqual(list(ours), list(theirs));
}

test("export: lade and docker give the same of a container that was only made", async () => {
  await assertSameExport(await runBoth(undefined));
});

test("export: lade and docker give the same of a container that changed nothing", async () => {
  await assertSameExport(await runBoth("true"));
});

test("export: lade and docker give the same of a container that changed all sorts", async () => {
  await assertSameExport(await runBoth(changes));
});

test("export: lade and docker leave out what is in volumes", async () => {
  const { lab } = await treeLab();
  const host = lab.path("host");
  fs.mkdirSync(host);
  const options = ["-v", "/vol", "-v", `${host}:/mnt/host`, "-v", "named:/srv/app"];
  await assertSameExport(await runBoth("echo x > /vol/x; echo y > /mnt/host/y", options));
});

async function assertSameDiff({ lab, box, docker, lade }: Pair): Promise<void> {
  const theirs = (await lab.docker("diff", docker)).split("\n").filter(Boolean).sort();
  const letters = { changed: "C", added: "A", deleted: "D" };
  const ours = (await diffContainer(box.engine, lade)).map(
    ({ path, kind }) => `${letters[kind]} ${path}`,
  );
  assert.deepEqual(ours.toSorted(), theirs);
}

test("diff: lade and docker tell the same changes", async () => {
  await assertSameDiff(await runBoth("true"));
  await assertSameDiff(await runBoth(changes));
  await assertSameDiff(await runBoth("echo x > /vol/x", ["-v", "/vol", "-v", "named:/srv/app"]));
});

/** What each says of itself. */
const ownMembers = {
  created: undefined,
  docker_version: undefined,
  container: undefined,
  container_config: undefined,
  rootfs: undefined,
};

async function configOf(lab: Lab, name: string): Promise<Record<string, unknown>> {
  const path = lab.path("config.tar");
  const id = ((await dockerApi(lab, `/images/${name}/json`)) as { Id: string }).Id;
  await lab.docker("save", "--output", path, id);
  const { stdout } = spawnSync("tar", ["-xOf", path, `${id.slice("sha256:".length)}.json`]);
  return JSON.parse(stdout.toString());
}

test("commit: lade and docker make the same image, and docker runs lade's", async () => {
  const pair = await runBoth(changes);
  const { lab, box, docker, lade } = pair;
  const settings = [
    "ENV A=b C='d e'",
    'CMD ["/bin/busybox", "cat", "/opt/old/new"]',
    "LABEL x=y",
    "EXPOSE 80",
  ];
  const flags = settings.flatMap((text) => ["-c", text]);
  const words = ["-a", "Ada", "-m", "by hand", ...flags];
  await lab.docker("commit", ...words, docker, "committed:docker");
  const made = await commitContainer(box.engine, {
    container: lade,
    reference: "committed:lade",
    author: "Ada",
    message: "by hand",
    changes: settings,
  });
  const theirs = await configOf(lab, "committed:docker");
  const text = readDocument(box.engine.store, made.id as Digest).toString();
  const ours = JSON.parse(text) as Record<string, unknown>;
  const bare = (config: Record<string, unknown>) => {
    const history = (config.history as object[]).map((step) => ({ ...step, created: undefined }));
    const section = { ...(config.config as Record<string, unknown>) };
    // The name of the container, and what its client asked for.
    for (const name of ["Hostname", "AttachStdout", "AttachStderr"]) delete section[name];
    return { ...config, ...ownMembers, config: section, history };
  };
  assert.deepEqual(bare(ours), bare(theirs));
  assert.deepEqual(
    Object.keys(ours),
    Object.keys(theirs).filter((key) => key !== "docker_version"),
  );
  const path = lab.path("committed.tar");
  await saveImages(box.engine, { names: ["committed:lade"], path });
  await lab.docker("load", "--input", path);
  assert.equal(await lab.docker("run", "--rm", "--network", "none", "committed:lade"), "new");
  const trees: object[] = [];
  for (const name of ["committed:lade", "committed:docker"]) {
    const id = await lab.docker("create", "--network", "none", name);
    const tree = lab.path("committed-tree.tar");
    await lab.docker("export", "--output", tree, id);
    trees.push(comparable(await unpack(lab, tree), Date.now() / 1000));
  }
  assert.deepEqual(trees[0], trees[1]);
});

test("commit: lade and docker make no layer of no changes", async () => {
  const { lab, box, docker, lade } = await runBoth("true");
  await lab.docker("commit", docker, "same:docker");
  const made = await commitContainer(box.engine, { container: lade });
  const theirs = await configOf(lab, "same:docker");
  const ours = JSON.parse(readDocument(box.engine.store, made.id as Digest).toString());
  assert.deepEqual(ours.rootfs, theirs.rootfs);
  const steps = (config: Record<string, unknown>) =>
    (config.history as object[]).map((step) => ({ ...step, created: undefined }));
  assert.deepEqual(steps(ours), steps(theirs));
});

/** The daemon's stat of a path, as its client gets it. */
async function dockerStat(lab: Lab, id: string, path: string): Promise<Record<string, unknown>> {
  const { request } = await import("node:http");
  const socketPath = lab.dockerd.host.slice("unix://".length);
  const url = `/containers/${id}/archive?path=${encodeURIComponent(path)}`;
  return await new Promise((resolve, reject) => {
    const sent = request({ socketPath, path: url, method: "HEAD" }, (response) => {
      response.resume();
      const header = String(response.headers["x-docker-container-path-stat"] ?? "");
      if (header === "") resolve({ status: response.statusCode });
      else resolve(JSON.parse(Buffer.from(header, "base64").toString()));
    });
    sent.on("error", reject).end();
  });
}

const paths = [
  "/",
  "/etc",
  "/etc/",
  "/etc/.",
  "etc/../etc/moved",
  "/etc/link",
  "/etc/link/",
  "/etc/linked",
  "/usr/bin",
  "/opt/old/new",
  "/pipe",
  "/null",
  "/new",
  "/none",
  "/bin/chmod",
  "/bin/chmod/",
  "/toetc",
  "/toetc/",
  "/toetc/.",
  "/toetc/linked",
  "/up",
  "/up/x",
];

test("cp: lade and docker find the same at a path, and give the same tar", async () => {
  const more = `${changes}\n/bin/busybox ln -s etc /toetc; /bin/busybox ln -s ../../../etc/./moved/.. /up`;
  const { lab, box, docker, lade } = await runBoth(more);
  for (const path of paths) {
    const { mtime: _, ...theirs } = await dockerStat(lab, docker, path);
    const found = statArchive(box.engine, lade, path).then(
      ({ mtime: __, ...stat }) => stat as object,
      () => ({ status: 404 }),
    );
    const ours = (await found) as Record<string, unknown>;
    // The size of a folder is the file system's.
    const isFolder = Number(theirs.mode) >= 2 ** 31;
    if (isFolder) for (const stat of [theirs, ours]) delete stat.size;
    // docker tells what leads through no folder as a fault of its own.
    if (theirs.status === 500) theirs.status = 404;
    assert.deepEqual(ours, theirs, path);
    if (theirs.status !== undefined || path === "/") continue;
    const chunks: Buffer[] = [];
    await getArchive(box.engine, lade, path, (chunk) => void chunks.push(Buffer.from(chunk)));
    const theirTar = lab.path("cp.tar");
    await lab.dockerWith({ stdoutFile: theirTar }, "cp", `${docker}:${path}`, "-");
    const list = (input: Buffer) =>
      spawnSync("tar", ["-tv", "--numeric-owner"], { input }).stdout.toString();
    // Names, types, modes, owners and sizes.
    const withoutTimes = (text: string) =>
      text
        .replace(/ \d{4}-\d\d-\d\d \d\d:\d\d /g, " ")
        // Each writes its own.
        .replace(/ \d+ (\S*(?:hosts|resolv\.conf))$/gm, " $1");
    assert.equal(
      withoutTimes(list(Buffer.concat(chunks))),
      withoutTimes(list(fs.readFileSync(theirTar))),
      path,
    );
  }
});

test("cp: lade and docker extract the same", async () => {
  const { lab, box, docker, lade } = await runBoth("/bin/busybox ln -s app /srv/link");
  const bytes = tar([
    dir("new/", { mode: 0o2750, uid: 5, gid: 6, mtime: 1000 }),
    file("new/file", "text", { mode: 0o4711, uid: 70_000, gid: 8, mtime: 2000 }),
    file("implied/folder/file", "x", { mtime: 3000 }),
    file("link/through", "y", { mtime: 4000 }),
    symlink("new/away", "file", { mtime: 5000 }),
  ]);
  const path = lab.path("put.tar");
  fs.writeFileSync(path, bytes);
  await lab.dockerWith({ stdinFile: path }, "cp", "-", `${docker}:/srv`);
  await putArchive(box.engine, lade, "/srv", bytesSource(bytes));
  const trees = await exportBoth({ lab, box, docker, lade });
  const now = Date.now() / 1000;
  const ours = comparable(await unpack(lab, trees.ours), now);
  const theirs = comparable(await unpack(lab, trees.theirs), now);
  assert.deepEqual(ours, theirs);
});
