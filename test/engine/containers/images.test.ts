// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkStore } from "../../../src/engine/check.ts";
import { inspectContainer } from "../../../src/engine/inspect-container.ts";
import { listContainers } from "../../../src/engine/list-containers.ts";
import { pruneImages } from "../../../src/engine/prune.ts";
import { removeImage } from "../../../src/engine/remove.ts";
import { removeContainer } from "../../../src/engine/remove-container.ts";
import { startContainer } from "../../../src/engine/start.ts";
import { stopContainer } from "../../../src/engine/stop.ts";
import { tagImage } from "../../../src/engine/tag.ts";
import { message } from "./asserts.ts";
import { body, create, image, openBox, start } from "./box.ts";

test("an image that containers use goes by force only, and not while they run", async () => {
  await using box = await openBox();
  const { engine } = box;
  const id = await start(box, { name: "user", body: body("sleep 1000") });
  const { Image: imageId } = await inspectContainer(engine, id);
  const [short, shortImage] = [id.slice(0, 12), imageId.slice(7, 19)];
  const remove = (name: string, force = false) => removeImage(engine, { name, force });
  await assert.rejects(
    remove(image),
    message(
      "IMAGE_IN_USE",
      `conflict: unable to remove repository reference "${image}" (must force) - container ${short} is using its referenced image ${shortImage}`,
    ),
  );
  const running = message(
    "IMAGE_IN_USE",
    `conflict: unable to delete ${shortImage} (cannot be forced) - image is being used by running container ${short}`,
  );
  await assert.rejects(remove(shortImage), running);
  await assert.rejects(remove(shortImage, true), running);
  // Another name may go.
  await tagImage(engine, image, "other:1");
  assert.deepEqual(await remove("other:1"), [{ type: "untagged", reference: "other:1" }]);
  await stopContainer(engine, id, { timeoutSeconds: 0 });
  await assert.rejects(
    remove(shortImage),
    message(
      "IMAGE_IN_USE",
      `conflict: unable to delete ${shortImage} (must be forced) - image is being used by stopped container ${short}`,
    ),
  );
  assert.deepEqual((await pruneImages(engine, { all: true })).removed, []);
});

test("a container outlives its image, and takes the layers along when it goes", async () => {
  await using box = await openBox();
  const { engine } = box;
  const { database } = engine.store;
  const id = await create(box, { body: body("sleep 1000") });
  const other = await create(box, { body: body("true") });
  const { Image: imageId } = await inspectContainer(engine, id);
  await removeImage(engine, { name: image, force: true });
  const [listed] = await listContainers(engine, { all: true });
  assert.equal(listed?.Image, imageId);
  await startContainer(engine, id);
  await removeContainer(engine, id, { force: true });
  assert.equal(database.all("SELECT digest FROM blob").length, 1);
  assert.deepEqual((await checkStore(engine, {})).findings, []);
  await removeContainer(engine, other);
  assert.deepEqual(database.all("SELECT digest FROM blob"), []);
  assert.deepEqual(database.all("SELECT * FROM layer"), []);
});
