// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type ErrorCode, isLadeError } from "../../../src/base/errors.ts";
import { readDocument } from "../../../src/content/blobs.ts";
import { containerById } from "../../../src/content/containers.ts";
import { findImage as imageRow } from "../../../src/content/images.ts";
import { blobPath } from "../../../src/content/paths.ts";
import { commitContainer } from "../../../src/engine/commit.ts";
import { diffContainer } from "../../../src/engine/diff-container.ts";
import { exportContainer } from "../../../src/engine/export.ts";
import { importImage } from "../../../src/engine/import.ts";
import { loadImages } from "../../../src/engine/load.ts";
import { pauseContainer } from "../../../src/engine/pause.ts";
import { removeImage } from "../../../src/engine/remove.ts";
import { removeContainer } from "../../../src/engine/remove-container.ts";
import { rollbackImage } from "../../../src/engine/rollback.ts";
import { saveImages } from "../../../src/engine/save.ts";
import { type Digest, digestOf } from "../../../src/spec/digest.ts";
import { treeFacts, withoutTimes } from "../../helpers/tree-facts.ts";
import { type Box, body, create, image, openBox, run, start } from "./box.ts";

/** What a container may do to the files that it got. */
const changes = `rm -r /data/deep; mkdir /data/deep; echo new > /data/deep/new; mv /data/file /data/moved
busybox ln /data/moved /data/linked; busybox chmod 4755 /data/moved; echo x > /etc/added; rm /bin/head
busybox chown 70000:5 /tmp; busybox mkfifo /pipe; busybox ln -s /nowhere /link; touch /bin/sleep
busybox truncate -s 10000000 /sparse`;

async function assertRefused(
  work: Promise<unknown>,
  code: ErrorCode,
  message: string | RegExp,
): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(isLadeError(error, code), String(error));
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}

async function exportTree(box: Box, id: string, name: string) {
  const path = join(box.folder, `${name}.tar`);
  await exportContainer(box.engine, { container: id, path });
  const folder = join(box.folder, name);
  fs.mkdirSync(folder);
  const { status, stderr } = spawnSync("tar", ["-xpf", path, "--xattrs", "-C", folder]);
  assert.equal(status, 0, stderr.toString());
  const { "": _, ...facts } = await treeFacts(folder);
  return facts;
}

/** What the container itself sees, without what the runtime mounts into it. */
async function mountedTree(box: Box, id: string) {
  const row = containerById(box.engine.store.database, id) ?? assert.fail();
  const { withMountedRootfs } = await import("../../../src/engine/container-rootfs.ts");
  const { "": _, ...facts } = await withMountedRootfs(box.engine, row, treeFacts);
  return facts;
}

describe("export", () => {
  it("is the mounted tree, of one that was made, runs, is paused or has ended", async () => {
    await using box = await openBox();
    const created = await create(box, { body: body("true") });
    const running = await start(box, { body: body(`${changes}; touch /ready; sleep 1000`) });
    const isReady = () =>
      diffContainer(box.engine, running).then((all) => all.some(({ path }) => path === "/ready"));
    while (!(await isReady())) await new Promise((resolve) => setTimeout(resolve, 50));
    const { id: ended } = await run(box, { body: body(changes) });
    for (const [id, name] of [
      [created, "created"],
      [running, "running"],
      [ended, "ended"],
    ] as const) {
      assert.deepEqual(await exportTree(box, id, name), await mountedTree(box, id), name);
    }
    await pauseContainer(box.engine, running);
    assert.deepEqual(await exportTree(box, running, "paused"), await mountedTree(box, running));
  });

  it("has no content of volumes, and imports again", async () => {
    await using box = await openBox();
    fs.mkdirSync(join(box.folder, "host"));
    const host = { Binds: ["named:/vol", `${join(box.folder, "host")}:/host`] };
    const { id } = await run(box, { body: body("echo secret > /vol/file", { host }) });
    const facts = await exportTree(box, id, "tree");
    assert.deepEqual(
      Object.keys(facts).filter((path) => /^(?:vol|host)/.test(path)),
      ["host", "vol"],
    );
    const source = join(box.folder, "tree.tar");
    const made = await importImage(box.engine, {
      source,
      reference: "again:1",
      changes: ["CMD sh"],
    });
    const { output } = await run(box, { body: { ...body("cat /data/file"), Image: made.id } });
    assert.equal(output, "from the image\n");
  });

  it("leaves no file behind where it fails", async () => {
    await using box = await openBox();
    const { engine, folder } = box;
    const path = join(folder, "out.tar");
    const of = (container: string, to = path) => exportContainer(engine, { container, path: to });
    await assertRefused(of("no"), "CONTAINER_NOT_FOUND", "No such container: no");
    const id = await create(box, { body: body("true") });
    await assertRefused(of(id, join(folder, "none/x")), "OUTPUT_INVALID", /invalid output path/);
    await assertRefused(of(id, folder), "OUTPUT_INVALID", /directory/);
    const { id: ended } = await run(box, { body: body("busybox truncate -s 50000000 /big") });
    const abort = new AbortController();
    const slow = exportContainer(engine, {
      container: ended,
      path,
      signal: abort.signal,
      onProgress: () => abort.abort(),
    });
    await assert.rejects(slow, { name: "AbortError" });
    assert.ok(!fs.existsSync(path));
    assert.deepEqual(
      fs.readdirSync(folder).filter((name) => name.startsWith(".tmp")),
      [],
    );
  });

  it("fails for a container that is removed meanwhile", async () => {
    await using box = await openBox();
    const { id } = await run(box, { body: body("busybox truncate -s 50000000 /big") });
    const path = join(box.folder, "out.tar");
    let removed: Promise<void> | undefined;
    const onProgress = () => {
      removed ??= removeContainer(box.engine, id);
    };
    await assertRefused(
      exportContainer(box.engine, { container: id, path, onProgress }),
      "CONTAINER_NOT_FOUND",
      /No such container/,
    );
    await removed;
    assert.ok(!fs.existsSync(path));
  });
});

describe("diff", () => {
  it("tells what changed, and nothing of what every container has", async () => {
    await using box = await openBox();
    const created = await create(box, { body: body("true") });
    assert.deepEqual(await diffContainer(box.engine, created), []);
    const { id } = await run(box, { body: body("true") });
    assert.deepEqual(await diffContainer(box.engine, id), []);
    const { id: changed } = await run(box, { body: body(changes) });
    const shown = (await diffContainer(box.engine, changed)).map(
      ({ path, kind }) => `${kind.charAt(0)} ${path}`,
    );
    assert.deepEqual(shown, [
      "c /bin",
      "c /bin/busybox",
      "d /bin/head",
      "c /data",
      "c /data/deep",
      "d /data/deep/file",
      "a /data/deep/new",
      "d /data/file",
      "a /data/linked",
      "a /data/moved",
      "c /etc",
      "a /etc/added",
      "a /link",
      "a /pipe",
      "a /sparse",
      "c /tmp",
    ]);
    await assertRefused(
      diffContainer(box.engine, "no"),
      "CONTAINER_NOT_FOUND",
      /No such container/,
    );
  });
});

describe("commit", () => {
  it("makes an image of the container's tree, its configuration and a step of history", async () => {
    await using box = await openBox();
    const { id } = await run(box, { body: body(changes, { Env: ["ASKED=1"] }) });
    const made = await commitContainer(box.engine, {
      container: id,
      reference: "made:1",
      author: "Ada <ada@example.org>",
      message: "changed by hand",
      changes: ["ENV SET=2", 'CMD ["cat", "/etc/added"]'],
    });
    const { store } = box.engine;
    const row = imageRow(store.database, made.id as Digest) ?? assert.fail();
    const parent = containerById(store.database, id)?.image;
    assert.equal(row.parent, parent);
    const config = JSON.parse(readDocument(store, made.id as Digest).toString());
    assert.deepEqual(config.config.Cmd, ["cat", "/etc/added"]);
    assert.deepEqual(config.config.Env, ["ASKED=1", "PATH=/bin", "COLOUR=blue", "SET=2"]);
    assert.deepEqual(config.config.Labels, { kind: "box" });
    const { created: _, ...step } = config.history.at(-1);
    assert.deepEqual(step, {
      author: "Ada <ada@example.org>",
      created_by: `sh -c ${changes}`,
      comment: "changed by hand",
    });
    assert.equal(config.author, "Ada <ada@example.org>");
    assert.equal(config.container, id);
    // A container of it has the same tree.
    const again = await create(box, { body: { ...body("true"), Image: "made:1" } });
    const ignored = /^(?:dev|etc|proc|sys|\.dockerenv)(?:\/|$)/;
    const own = (facts: object) =>
      Object.fromEntries(Object.entries(facts).filter(([path]) => !ignored.test(path)));
    assert.deepEqual(own(await mountedTree(box, again)), own(await mountedTree(box, id)));
    const { output } = await run(box, {
      body: { Image: "made:1", HostConfig: { NetworkMode: "none" } },
    });
    assert.equal(output, "x\n");
  });

  it("gives the same layer for the same changes", async () => {
    await using box = await openBox();
    const script =
      "echo same > /same; busybox touch -d 200101010000 /same /data; rm /data/file; busybox touch -d 200101010000 /data";
    const layers: unknown[] = [];
    for (let count = 0; count < 2; count++) {
      const { id } = await run(box, { body: body(script) });
      const made = await commitContainer(box.engine, { container: id });
      const bytes = readDocument(box.engine.store, made.id as Digest);
      layers.push(JSON.parse(bytes.toString()).rootfs.diff_ids.at(-1));
    }
    assert.equal(layers[0], layers[1]);
  });

  it("makes no layer where nothing changed, as docker does", async () => {
    await using box = await openBox();
    const { id } = await run(box, { body: body("true") });
    const made = await commitContainer(box.engine, { container: id });
    const config = JSON.parse(readDocument(box.engine.store, made.id as Digest).toString());
    assert.equal(config.rootfs.diff_ids.length, 1);
    assert.equal(config.history.length, 2);
    assert.equal(config.history[1].empty_layer, true);
  });

  it("pauses one that runs, and lets it go on; leaves a paused one as it is", async () => {
    await using box = await openBox();
    const { engine } = box;
    const id = await start(box, { body: body("while true; do echo x >> /log; done") });
    const status = () => containerById(engine.store.database, id)?.state.status;
    const seen = new Set<string | undefined>();
    await commitContainer(engine, { container: id, onProgress: () => seen.add(status()) });
    assert.deepEqual([...seen], ["paused"]);
    assert.equal(status(), "running");
    seen.clear();
    const free = { container: id, pause: false, onProgress: () => seen.add(status()) };
    await commitContainer(engine, free);
    assert.deepEqual([...seen], ["running"]);
    await pauseContainer(engine, id);
    await commitContainer(engine, { container: id });
    assert.equal(status(), "paused");
  });

  it("squashes to one layer", async () => {
    await using box = await openBox();
    const { id } = await run(box, { body: body(changes) });
    const made = await commitContainer(box.engine, {
      container: id,
      squash: true,
      reference: "flat:1",
    });
    const config = JSON.parse(readDocument(box.engine.store, made.id as Digest).toString());
    assert.equal(config.rootfs.diff_ids.length, 1);
    assert.deepEqual(
      config.history.map((step: { empty_layer?: boolean }) => step.empty_layer),
      [true, undefined],
    );
    const flat = await create(box, { body: { ...body("true"), Image: "flat:1" } });
    const whole = await commitContainer(box.engine, { container: id, reference: "whole:1" });
    const layered = await create(box, { body: { ...body("true"), Image: whole.id } });
    assert.deepEqual(
      withoutTimes(await mountedTree(box, flat)),
      withoutTimes(await mountedTree(box, layered)),
    );
  });

  it("refuses what is wrong before it does anything", async () => {
    await using box = await openBox();
    const { engine } = box;
    const { id } = await run(box, { body: body("touch /.wh.x") });
    const images = () => engine.store.database.all("SELECT id FROM image").length;
    const before = images();
    const of = (options: object) => commitContainer(engine, { container: id, ...options });
    await assertRefused(of({ container: "no" }), "CONTAINER_NOT_FOUND", "No such container: no");
    await assertRefused(of({ reference: "BAD" }), "REFERENCE_INVALID", /lowercase/);
    await assertRefused(
      of({ reference: `x@sha256:${"0".repeat(64)}` }),
      "REFERENCE_INVALID",
      /digest/,
    );
    await assertRefused(
      of({ changes: ["COPY a b"] }),
      "CHANGE_INVALID",
      "COPY is not a valid change command",
    );
    await assertRefused(of({}), "UNSUPPORTED", /^\/\.wh\.x: a layer can't hold/);
    await assertRefused(of({ squash: true }), "UNSUPPORTED", /^\/\.wh\.x: a layer can't hold/);
    assert.equal(images(), before);
    assert.deepEqual(fs.readdirSync(engine.store.paths.ingest), []);
  });

  it("refuses to make an image of more layers than any store takes", async () => {
    await using box = await openBox();
    const { engine } = box;
    const { database } = engine.store;
    const { id } = await run(box, { body: body("echo x > /x") });
    const row = containerById(database, id) ?? assert.fail();
    const config = JSON.parse(readDocument(engine.store, row.image).toString());
    const [diffId] = config.rootfs.diff_ids;
    const deep = { ...config, rootfs: { type: "layers", diff_ids: Array(500).fill(diffId) } };
    const bytes = Buffer.from(JSON.stringify(deep));
    const deepId = digestOf(bytes);
    fs.writeFileSync(blobPath(engine.store.paths, deepId), bytes);
    database.run(
      "INSERT INTO image SELECT ?, created, created_ms, size, platform, parent, labels, added_ms, tagged_ms FROM image WHERE id = ?",
      deepId,
      row.image,
    );
    database.run("UPDATE container SET image = ? WHERE id = ?", deepId, id);
    await assertRefused(
      commitContainer(engine, { container: id }),
      "LIMIT_EXCEEDED",
      /^max depth exceeded/,
    );
  });

  it("keeps layers whose image was removed by force", async () => {
    await using box = await openBox();
    const { engine } = box;
    const { id } = await run(box, { body: body("echo x > /x") });
    await removeImage(engine, { name: image, force: true });
    const made = await commitContainer(engine, { container: id, reference: "rest:1" });
    const { output } = await run(box, { body: { ...body("cat /data/file /x"), Image: made.id } });
    assert.equal(output, "from the image\nx\n");
  });

  it("takes the layers along from an archive that runs in place", async () => {
    await using box = await openBox();
    const { engine, folder } = box;
    const path = join(folder, "box.tar");
    await saveImages(engine, { names: [image], path });
    await using other = await openBox();
    await removeImage(other.engine, { name: image, force: true });
    const { id } = await run(other, { body: { ...body("echo x > /x"), Image: path } });
    assert.deepEqual(await diffContainer(other.engine, id), [{ path: "/x", kind: "added" }]);
    const made = await commitContainer(other.engine, { container: id, reference: "kept:1" });
    fs.rmSync(path);
    const { output } = await run(other, { body: { ...body("cat /data/file /x"), Image: made.id } });
    assert.equal(output, "from the image\nx\n");
  });
});

describe("rollback and save of what was committed", () => {
  it("goes back to the very image that was built upon", async () => {
    await using box = await openBox();
    const { engine } = box;
    const { id } = await run(box, { body: body("echo x > /x") });
    await commitContainer(engine, { container: id, reference: "made:1" });
    const back = await rollbackImage(engine, { image: "made:1", reference: "back:1" });
    assert.equal(back.id, containerById(engine.store.database, id)?.image);
    assert.deepEqual(back.warnings, []);
  });

  it("saves the image behind a container, with its name where it has one", async () => {
    await using box = await openBox();
    const { engine, folder } = box;
    const id = await create(box, { body: body("true"), name: "mine" });
    for (const name of ["mine", "/mine", id.slice(0, 12)]) {
      const path = join(folder, "saved.tar");
      await saveImages(engine, { names: [name], path });
      await using other = await openBox();
      const { images } = await loadImages(other.engine, { path });
      assert.deepEqual(
        images.map(({ reference }) => reference),
        [image],
      );
    }
    await assertRefused(
      saveImages(engine, { names: ["neither"], path: join(folder, "x.tar") }),
      "IMAGE_NOT_FOUND",
      "No such image: neither",
    );
  });
});
