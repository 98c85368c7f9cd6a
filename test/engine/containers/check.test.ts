// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { layersOfContainer } from "../../../src/content/containers.ts";
import { containerFolder, volumeDataFolder } from "../../../src/content/paths.ts";
import { checkStore } from "../../../src/engine/check.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import { createVolume, inspectVolume } from "../../../src/engine/volumes.ts";
import { body, create, openBox, run } from "./box.ts";

async function check(engine: Engine, repair = false): Promise<string[]> {
  const { findings } = await checkStore(engine, { repair });
  return findings.map(
    ({ kind, subject, repaired }) => `${repaired ? "+" : "-"} ${kind} ${subject}`,
  );
}

describe("check of containers and volumes", () => {
  it("finds nothing where all is well", async () => {
    await using box = await openBox();
    await run(box, {
      body: body("echo text >/data/file; touch /here", { Volumes: { "/here": {} } }),
    });
    await createVolume(box.engine, { name: "kept" });
    assert.deepEqual(await check(box.engine), []);
    assert.deepEqual(await check(box.engine, true), []);
  });

  it("finds containers without a layer or a folder, and volumes without a folder", async () => {
    await using box = await openBox();
    const { store } = box.engine;
    const id = await create(box, { body: body("true") });
    await createVolume(box.engine, { name: "kept" });
    fs.rmSync(containerFolder(store.paths, id), { recursive: true });
    fs.rmSync(join(store.paths.volumes, "kept"), { recursive: true });
    const expected = [`- container-folder-missing ${id}`, "- volume-folder-missing kept"];
    assert.deepEqual(await check(box.engine, true), expected);
    const [layer] = layersOfContainer(store.database, id);
    store.database.run("DELETE FROM blob WHERE digest = ?", layer ?? "");
    const found = await check(box.engine);
    assert.ok(found.includes(`- container-layer-missing ${id}`), found.join("\n"));
  });

  it("brings volumes back whose rows are lost, and leaves what lost containers wrote", async () => {
    await using box = await openBox();
    const { store } = box.engine;
    const { id } = await run(box, { body: body("echo text >/tmp/written") });
    await createVolume(box.engine, { name: "kept" });
    fs.writeFileSync(join(volumeDataFolder(store.paths, "kept"), "file"), "text");
    store.database.run("DELETE FROM container");
    store.database.run("DELETE FROM volume");
    const never = "0".repeat(64);
    fs.mkdirSync(join(containerFolder(store.paths, never), "upper"), { recursive: true });
    const unknown = (mark: string) => `${mark} container-folder-unknown`;
    const sorted = async (repair?: boolean) => (await check(box.engine, repair)).sort();
    const expected = [`${unknown("-")} ${id}`, `${unknown("-")} ${never}`].sort();
    assert.deepEqual(await sorted(), [...expected, "- volume-unrecorded kept"]);
    const repaired = [`${unknown("+")} ${never}`, "+ volume-unrecorded kept"];
    assert.deepEqual(await sorted(true), [...repaired, `${unknown("-")} ${id}`]);
    const written = join(containerFolder(store.paths, id), "upper/tmp/written");
    assert.equal(fs.readFileSync(written, "utf8"), "text\n");
    assert.equal((await inspectVolume(box.engine, "kept")).Name, "kept");
    assert.deepEqual(await sorted(), [`${unknown("-")} ${id}`]);
  });
});
