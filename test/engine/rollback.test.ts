// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ErrorCode, isLadeError } from "../../src/base/errors.ts";
import { imageOfTag } from "../../src/content/images.ts";
import { loadImages } from "../../src/engine/load.ts";
import { readConfig } from "../../src/engine/read-config.ts";
import { rollbackImage } from "../../src/engine/rollback.ts";
import type { Digest } from "../../src/spec/digest.ts";
import { dockerClassic } from "../fixtures/docker-classic.ts";
import { dockerEdited } from "../fixtures/hostile-base.ts";
import { sampleImage } from "../fixtures/sample-image.ts";
import {
  openTestStore,
  storeState,
  type TestStore,
  verifyStore,
  writeFixture,
} from "../helpers/store.ts";

/** Loads the sample image: three layers, CMD after the first. */
async function loaded(store: TestStore, config?: (fields: Record<string, unknown>) => unknown) {
  const image = sampleImage();
  const bytes =
    config === undefined
      ? dockerClassic([{ image, tags: ["demo:1"] }]).archive
      : dockerEdited({ config: (fields) => config({ ...fields }) as typeof fields });
  await loadImages(store.engine, { path: writeFixture(store, "image.tar", bytes) });
  return image;
}

async function assertRefused(
  work: Promise<unknown>,
  code: ErrorCode,
  pattern: RegExp,
): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(isLadeError(error, code), String(error));
    assert.match(error.message, pattern);
    return true;
  });
}

describe("rolling an image back", () => {
  it("goes one layer back by default, with the history of what is left", async () => {
    await using store = await openTestStore();
    const image = await loaded(store);
    const result = await rollbackImage(store.engine, { image: "demo:1", reference: "demo:back" });
    assert.equal(result.reference, "demo:back");
    // Its maker set these without a step.
    const told = result.warnings.map(
      (warning) => /^layer 2 \(\w{12}\): (.*): no step/.exec(warning)?.[1],
    );
    assert.deepEqual(told, ["WorkingDir", "Env A", "Labels maker"]);
    const config = readConfig(store.engine.store, result.id as Digest);
    assert.deepEqual(config.rootfs.diff_ids, image.diffIds.slice(0, 2));
    assert.equal(config.history.length, 3);
    assert.deepEqual(config.config?.Cmd, ["/app/run.sh"]);
    const name = { repository: "docker.io/library/demo", tag: "back" };
    assert.equal(imageOfTag(store.engine.store.database, name), result.id);
    await verifyStore(store);
  });

  it("goes to a number of layers or to a layer, and keeps steps without one behind it", async () => {
    await using store = await openTestStore();
    const image = await loaded(store);
    const [first = ""] = image.diffIds;
    const ids = new Set<string>();
    for (const to of ["1", first, first.slice(7, 19), first.slice(0, 20)]) {
      const { id } = await rollbackImage(store.engine, { image: "demo:1", to });
      const config = readConfig(store.engine.store, id as Digest);
      assert.deepEqual(config.rootfs.diff_ids, [first]);
      assert.equal(config.history.length, 2);
      ids.add(id);
    }
    // The same point is the same image.
    assert.equal(ids.size, 1);
    const whole = await rollbackImage(store.engine, { image: "demo:1", to: "3", reference: "x" });
    assert.equal(whole.id, image.imageId);
    await verifyStore(store);
  });

  it("is the image of that point where the store has it", async () => {
    await using store = await openTestStore();
    await loaded(store);
    const one = await rollbackImage(store.engine, { image: "demo:1", to: "2" });
    const again = await rollbackImage(store.engine, { image: "demo:1" });
    assert.equal(again.id, one.id);
    // From there on it is known what the next step back is.
    const first = await rollbackImage(store.engine, { image: one.id });
    assert.equal((await rollbackImage(store.engine, { image: "demo:1", to: "1" })).id, first.id);
  });

  it("refuses points that are not there, and changes nothing", async () => {
    await using store = await openTestStore();
    await loaded(store);
    const before = storeState(store);
    const { engine } = store;
    const roll = (to: string, reference?: string) =>
      rollbackImage(engine, { image: "demo:1", to, reference });
    for (const to of ["0", "4", "999", "abcdef", "sha256:00", "x", "-1"]) {
      await assertRefused(roll(to), "ROLLBACK_INVALID", /^demo:1 has/);
    }
    await assertRefused(roll("1", `x@sha256:${"0".repeat(64)}`), "REFERENCE_INVALID", /digest/);
    await assertRefused(roll("1", "BAD"), "REFERENCE_INVALID", /lowercase/);
    await assertRefused(rollbackImage(engine, { image: "no" }), "IMAGE_NOT_FOUND", /No such image/);
    assert.deepEqual(storeState(store), before);
    const { id } = await rollbackImage(engine, { image: "demo:1", to: "1" });
    await assertRefused(
      rollbackImage(engine, { image: id }),
      "ROLLBACK_INVALID",
      /has 1 layer: there is nothing to go back to/,
    );
  });

  it("says so where the history does not tell", async () => {
    for (const [change, pattern] of [
      [{ history: [] }, /has 3 layers and has no history/],
      [{ history: null }, /has 3 layers and has no history/],
      [{ history: [{ created_by: "all at once" }] }, /has 3 layers and names 1 in its history/],
    ] as const) {
      await using store = await openTestStore();
      await loaded(store, (fields) => ({ ...fields, ...change }));
      const [row] = store.engine.store.database.all<{ id: string }>("SELECT id FROM image");
      await assertRefused(
        rollbackImage(store.engine, { image: row?.id ?? "" }),
        "HISTORY_UNCLEAR",
        pattern,
      );
    }
  });
});
