// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tagsOfImage } from "../../src/content/images.ts";
import { tagImage } from "../../src/engine/tag.ts";
import type { Digest } from "../../src/spec/digest.ts";
import { openTestStore, storeState, type TestStore } from "../helpers/store.ts";
import { digestLike, storeImages } from "./stored-images.ts";

const tagsOf = (store: TestStore, id: Digest) =>
  tagsOfImage(store.engine.store.database, id).map(({ repository, tag }) => `${repository}:${tag}`);

describe("tagImage", () => {
  it("gives an image another name, however it is named", async () => {
    await using store = await openTestStore();
    const [id] = storeImages(store, [{ hex: "abc", names: ["demo:1"], manifests: ["def"] }]);
    assert.ok(id !== undefined);
    const names: readonly (readonly [source: string, target: string])[] = [
      ["demo:1", "two"],
      [id, "example.com/team/three:x"],
      [id.slice(7), "four"],
      ["abc", "five:5"],
      [`demo@${digestLike("def")}`, "six"],
      ["example.com/team/three:x", "localhost:5000/seven"],
    ];
    for (const [source, target] of names) await tagImage(store.engine, source, target);
    assert.deepEqual(tagsOf(store, id), [
      "docker.io/library/demo:1",
      "docker.io/library/five:5",
      "docker.io/library/four:latest",
      "docker.io/library/six:latest",
      "docker.io/library/two:latest",
      "example.com/team/three:x",
      "localhost:5000/seven:latest",
    ]);
  });

  it("moves a name that another image has", async () => {
    await using store = await openTestStore();
    const [a, b] = storeImages(store, [
      { hex: "a", names: ["demo:1", "demo:2"] },
      { hex: "b", names: ["other:1"] },
    ]) as [Digest, Digest];
    await tagImage(store.engine, "other:1", "demo:1");
    await tagImage(store.engine, "other:1", "demo:1");
    assert.deepEqual(tagsOf(store, a), ["docker.io/library/demo:2"]);
    assert.deepEqual(tagsOf(store, b), ["docker.io/library/demo:1", "docker.io/library/other:1"]);
  });

  it("notes when an image was tagged last", async () => {
    await using store = await openTestStore();
    storeImages(store, [{ hex: "a", names: ["demo:1"] }]);
    const before = Date.now();
    await tagImage(store.engine, "demo:1", "demo:2");
    const row = store.engine.store.database.get<{ time: number }>(
      "SELECT tagged_ms AS time FROM image",
    );
    assert.ok(row !== undefined && row.time >= before && row.time <= Date.now());
  });

  it("refuses what is no image or no name, and changes nothing", async () => {
    await using store = await openTestStore();
    storeImages(store, [{ hex: "abc1", names: ["demo:1"] }, { hex: "abc2" }]);
    const before = storeState(store);
    const cases: readonly (readonly [
      source: string,
      target: string,
      code: string,
      text: RegExp,
    ])[] = [
      ["none", "demo:2", "IMAGE_NOT_FOUND", /^No such image: none:latest$/],
      ["demo:2", "demo:3", "IMAGE_NOT_FOUND", /^No such image: demo:2$/],
      ["abc", "demo:2", "IMAGE_AMBIGUOUS", /ambiguous/],
      ["demo:1", "Demo:2", "REFERENCE_INVALID", /must be lowercase/],
      ["demo:1", "demo:", "REFERENCE_INVALID", /invalid reference format/],
      ["demo:1", "", "REFERENCE_INVALID", /invalid reference format/],
      ["demo:1", "a".repeat(64), "REFERENCE_INVALID", /64/],
      ["demo:1", `demo@${digestLike("a")}`, "REFERENCE_INVALID", /digest reference/],
    ];
    for (const [source, target, code, message] of cases) {
      await assert.rejects(async () => tagImage(store.engine, source, target), { code, message });
    }
    assert.deepEqual(storeState(store), before);
  });
});
