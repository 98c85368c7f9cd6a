// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Database } from "../../src/content/database.ts";
import { eventsAfter, putEvent } from "../../src/content/events.ts";
import { openEngine } from "../../src/engine/engine.ts";
import { type EventMessage, type EventsOptions, watchEvents } from "../../src/engine/events.ts";
import { importImage } from "../../src/engine/import.ts";
import { loadImages } from "../../src/engine/load.ts";
import { pruneImages } from "../../src/engine/prune.ts";
import { removeImage } from "../../src/engine/remove.ts";
import { saveImages } from "../../src/engine/save.ts";
import { tagImage } from "../../src/engine/tag.ts";
import { createVolume, pruneVolumes, removeVolume } from "../../src/engine/volumes.ts";
import { containerExport } from "../fixtures/export.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { openTestStore, type TestStore, writeFixture } from "../helpers/store.ts";

const nowNs = () => BigInt(Date.now()) * 1_000_000n;

/** All events that are kept. */
async function kept(store: TestStore, options: EventsOptions = {}): Promise<EventMessage[]> {
  const events = watchEvents(store.engine, {
    sinceNs: 0n,
    untilNs: nowNs() + 999_999n,
    ...options,
  });
  return await Array.fromAsync(events);
}

const brief = ({ Type, Action, Actor }: EventMessage) =>
  `${Type} ${Action} ${Actor.Attributes.name ?? Actor.ID}`;

function note(database: Database, count: number, name = "x"): void {
  for (let index = 0; index < count; index++) {
    database.transaction(
      () =>
        putEvent(database, {
          Type: "volume",
          Action: "create",
          Actor: { ID: `${name}${index}`, Attributes: { driver: "local" } },
        }),
      { isDurable: false },
    );
  }
}

describe("events of images and volumes", () => {
  it("tell what each command did, with the image's labels and names", async () => {
    await using store = await openTestStore();
    const { engine, folder } = store;
    const source = writeFixture(store, "rootfs.tar", tar(containerExport()));
    const changes = ["LABEL a=b"];
    const { id } = await importImage(engine, { source, reference: "box:1", changes });
    await tagImage(engine, "box:1", "other");
    await saveImages(engine, { names: ["box:1"], path: `${folder}/box.tar` });
    await removeImage(engine, { name: "other" });
    await removeImage(engine, { name: "box:1" });
    await loadImages(engine, { path: `${folder}/box.tar` });
    const events = await kept(store);
    const ofLoaded = [`image untag ${id}`, `image untag ${id}`];
    assert.deepEqual(events.map(brief), [
      "image tag box:1",
      `image import ${id}`,
      "image tag other:latest",
      `image save ${id}`,
      `image untag ${id}`,
      `image untag ${id}`,
      `image delete ${id}`,
      `image load ${id}`,
    ]);
    const [tagged, , , , , , deleted] = events;
    const { time, timeNano, ...rest } = tagged as EventMessage;
    assert.equal(BigInt(time), timeNano / 1_000_000_000n);
    assert.deepEqual(rest, {
      status: "tag",
      id,
      Type: "image",
      Action: "tag",
      Actor: { ID: id, Attributes: { a: "b", name: "box:1" } },
      scope: "local",
    });
    assert.deepEqual(deleted?.Actor.Attributes, { name: id }, "it has no labels any more");
    await pruneImages(engine, { all: true });
    const last = (await kept(store)).slice(events.length);
    assert.deepEqual(last.map(brief), [...ofLoaded, `image delete ${id}`, "image prune "]);
    assert.match(last.at(-1)?.Actor.Attributes.reclaimed ?? "", /^[1-9]\d*$/);
  });

  it("tell nothing of what failed", async () => {
    await using store = await openTestStore();
    await assert.rejects(tagImage(store.engine, "nothing", "box:1"));
    await assert.rejects(removeImage(store.engine, { name: "nothing" }));
    await assert.rejects(saveImages(store.engine, { names: ["nothing"], path: "/dev/null" }));
    assert.deepEqual(await kept(store), []);
  });

  it("tell of volumes", async () => {
    await using store = await openTestStore();
    await createVolume(store.engine, { name: "data" });
    await createVolume(store.engine, { name: "data" });
    await removeVolume(store.engine, "data");
    await pruneVolumes(store.engine);
    const events = await kept(store);
    assert.deepEqual(events.map(brief), [
      "volume create data",
      "volume destroy data",
      "volume prune ",
    ]);
    assert.ok(events.every((event) => !("status" in event) && !("id" in event)));
  });
});

describe("watchEvents", () => {
  it("gives events of a length of time, and of no time none", async () => {
    await using store = await openTestStore();
    const { database } = store.engine.store;
    note(database, 3);
    const all = await kept(store);
    assert.equal(all.length, 3);
    const [first, second, third] = all.map(({ timeNano }) => timeNano) as [bigint, bigint, bigint];
    assert.ok(first < second && second < third, "no two have the same time");
    assert.equal((await kept(store, { sinceNs: second })).length, 2);
    assert.equal((await kept(store, { untilNs: second })).length, 2);
    assert.equal((await kept(store, { sinceNs: undefined })).length, 3);
    assert.deepEqual(await kept(store, { sinceNs: third + 1n }), []);
    assert.throws(() => watchEvents(store.engine, { sinceNs: 5n, untilNs: 1n }), {
      code: "FILTER_INVALID",
      message: "`since` time (0.000000005) cannot be after `until` time (0.000000001)",
    });
  });

  it("follows what other processes do, in order and without a hole", async () => {
    await using store = await openTestStore();
    await using other = await openEngine({ root: store.root, runRoot: store.engine.run.root });
    note(store.engine.store.database, 5, "before");
    const events = watchEvents(store.engine)[Symbol.asyncIterator]();
    // What comes between the asking and the first reading is told of, too.
    note(other.store.database, 500, "after");
    for (let index = 0; index < 500; index++) {
      const { value } = await events.next();
      assert.equal(value.Actor.ID, `after${index}`);
    }
    const begun = performance.now();
    const next = events.next();
    setTimeout(() => note(other.store.database, 1, "late"), 100);
    assert.equal((await next).value.Actor.ID, "late0");
    assert.ok(performance.now() - begun < 1500, "the write is noticed, not stumbled on");
    await events.return?.();
  });

  it("costs next to nothing while nothing happens", async () => {
    await using store = await openTestStore();
    const begun = process.cpuUsage();
    const untilNs = nowNs() + 3_000_000_000n;
    assert.deepEqual(await Array.fromAsync(watchEvents(store.engine, { untilNs })), []);
    const { user, system } = process.cpuUsage(begun);
    assert.ok(user + system < 300_000, `${user + system} µs of the processor in 3 s`);
  });

  it("ends at a time to come, with what came until then", async () => {
    await using store = await openTestStore();
    const events = Array.fromAsync(watchEvents(store.engine, { untilNs: nowNs() + 600_000_000n }));
    setTimeout(() => note(store.engine.store.database, 1, "in"), 100);
    assert.deepEqual(
      (await events).map(({ Actor }) => Actor.ID),
      ["in0"],
    );
  });

  it("ends with the signal's reason", async () => {
    await using store = await openTestStore();
    const stop = new AbortController();
    const events = Array.fromAsync(watchEvents(store.engine, { signal: stop.signal }));
    setTimeout(() => stop.abort(new Error("enough")), 50);
    await assert.rejects(events, { message: "enough" });
    const before = AbortSignal.abort(new Error("before"));
    await assert.rejects(Array.fromAsync(watchEvents(store.engine, { signal: before })), {
      message: "before",
    });
  });

  it("fails for a reader that events were dropped for", async () => {
    await using store = await openTestStore();
    const { database } = store.engine.store;
    note(database, 1);
    const events = watchEvents(store.engine, { sinceNs: 0n })[Symbol.asyncIterator]();
    assert.equal((await events.next()).value.Actor.ID, "x0");
    note(database, 20);
    database.run("DELETE FROM event WHERE sequence <= 8");
    await assert.rejects(events.next(), { code: "LIMIT_EXCEEDED", message: /\b7 were dropped/ });
  });

  it("keeps a thousand events, and more only while they are new", async () => {
    await using store = await openTestStore();
    const { database } = store.engine.store;
    const count = () => eventsAfter(database, 0, 1_000_000).length;
    database.transaction(() => {
      for (let index = 0; index < 1500; index++) {
        database.run("INSERT INTO event (time_ns, document) VALUES (?, '{}')", index);
      }
    });
    note(database, 64);
    assert.ok(count() >= 1000 && count() < 1064, `${count()} are kept`);
    note(database, 1500);
    assert.ok(count() >= 1564, `new ones are dropped: ${count()} are kept`);
  });
});
