// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bytesSource } from "../../../src/base/bytes.ts";
import { commitContainer } from "../../../src/engine/commit.ts";
import { putArchive } from "../../../src/engine/copy-container.ts";
import { diffContainer } from "../../../src/engine/diff-container.ts";
import { removeContainer } from "../../../src/engine/remove-container.ts";
import { startContainer } from "../../../src/engine/start.ts";
import { stopContainer } from "../../../src/engine/stop.ts";
import { sweepRemains } from "../../../src/engine/sweep-remains.ts";
import { waitContainer } from "../../../src/engine/wait.ts";
import { dir, file } from "../../fixtures/sample-image.ts";
import { tar } from "../../fixtures/tar-builder.ts";
import { code } from "./asserts.ts";
import { assertNothingLeft, body, create, openBox } from "./box.ts";

test("200 containers made, started and removed side by side leave nothing", async () => {
  await using box = await openBox();
  const { engine } = box;
  const one = async (index: number) => {
    const isRemoved = index % 3 === 0;
    const host = { AutoRemove: isRemoved };
    const command = index % 2 === 0 ? `exit ${index}` : "sleep 1000";
    const id = await create(box, { name: `c${index}`, body: body(command, { host }) });
    await startContainer(engine, id);
    if (index % 2 === 0) {
      assert.deepEqual(await waitContainer(engine, id), { exitCode: index });
    } else if (index % 5 === 0) {
      await stopContainer(engine, id, { timeoutSeconds: 0 });
    }
    await removeContainer(engine, id, { force: true }).catch(code("CONTAINER_NOT_FOUND"));
  };
  await Promise.all(Array.from({ length: 200 }, (_, index) => one(index)));
  await assertNothingLeft(box);
});

test("of many who want one name, one gets it", async () => {
  await using box = await openBox();
  const made = await Promise.allSettled(
    Array.from({ length: 20 }, () => create(box, { name: "wanted", body: body("true") })),
  );
  const ids = made.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  assert.equal(ids.length, 1);
  for (const one of made) if (one.status === "rejected") code("CONTAINER_CONFLICT")(one.reason);
  await removeContainer(box.engine, "wanted");
  await assertNothingLeft(box);
});

test("starting, stopping and removing one container at once ends well", async () => {
  await using box = await openBox();
  const { engine } = box;
  for (let round = 0; round < 5; round++) {
    const id = await create(box, { body: body("sleep 1000") });
    const outcomes = await Promise.allSettled([
      startContainer(engine, id),
      startContainer(engine, id),
      stopContainer(engine, id, { timeoutSeconds: 0 }),
      removeContainer(engine, id, { force: true }),
      startContainer(engine, id),
    ]);
    for (const one of outcomes) {
      if (one.status === "rejected") code("CONTAINER_NOT_FOUND")(one.reason);
    }
  }
  await assertNothingLeft(box);
});

test("what is removed while it is committed or compared is not found, whatever is missed first", async () => {
  await using box = await openBox();
  const { engine } = box;
  for (let round = 0; round < 15; round++) {
    // Its working folder is made by who looks first.
    const id = await create(box, { body: { ...body("true"), WorkingDir: `/made/${round}` } });
    const readers = [
      () => commitContainer(engine, { container: id }),
      () => diffContainer(engine, id),
    ];
    const work = [...readers, () => removeContainer(engine, id), ...readers];
    const outcomes = await Promise.allSettled(work.map((one) => one()));
    for (const one of outcomes) {
      if (one.status === "rejected") code("CONTAINER_NOT_FOUND")(one.reason);
    }
  }
  await assertNothingLeft(box);
});

test("the lock that a killed command left of a container goes with the next sweep", async () => {
  await using box = await openBox();
  const { engine } = box;
  const kept = await create(box, { body: body("true") });
  const path = (id: string) => join(engine.run.locks, id);
  for (const id of [kept, "0".repeat(64)]) writeFileSync(path(id), "");
  await sweepRemains(engine);
  assert.equal(existsSync(path("0".repeat(64))), false);
  assert.equal(existsSync(path(kept)), true);
});

test("what is removed while somebody copies into it is not found", async () => {
  await using box = await openBox();
  const { engine } = box;
  const id = await create(box, { body: body("true") });
  const members = ["one", "two", "three"].map((name) => file(`${name}/deep`, name));
  const folders = ["one/", "two/", "three/"].map((name) => dir(name));
  const bytes = tar([...folders, ...members]);
  const source = bytesSource(bytes);
  let isFirst = true;
  const slow = {
    // The folders come first; what is to lie in them when the container has gone.
    async read(target: Uint8Array): Promise<number> {
      const size = await source.read(target.subarray(0, 3 * 512));
      if (isFirst) isFirst = false;
      else await removeContainer(engine, id).catch(code("CONTAINER_NOT_FOUND"));
      return size;
    },
  };
  await assert.rejects(putArchive(engine, id, "/tmp", slow), code("CONTAINER_NOT_FOUND"));
  await assertNothingLeft(box);
});
