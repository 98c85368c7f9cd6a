// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { LadeError } from "../../src/base/errors.ts";
import type { PruneImagesOptions, RemoveImageOptions } from "../../src/engine/types.ts";
import { type FakeOptions, idA, idB, run } from "./fake-context.ts";

async function removeImage(_engine: unknown, { name, force }: RemoveImageOptions) {
  if (name.startsWith("nope"))
    throw new LadeError("IMAGE_NOT_FOUND", `No such image: ${name}:latest`);
  if (name === "used") throw new LadeError("IMAGE_IN_USE", "conflict: in use", { hint: "Use -f." });
  return [
    { type: "untagged", reference: `${name}:latest` },
    ...(force ? [{ type: "deleted", id: idA }] : []),
  ];
}

const useCases = { removeImage };

test("rmi tells what went, and goes on after failures", async () => {
  const { code, stdout, stderr } = await run(["rmi", "nope", "a", "used", "b"], { useCases });
  assert.equal(stdout, "Untagged: a:latest\nUntagged: b:latest\n");
  assert.equal(
    stderr,
    "Error response from daemon: No such image: nope:latest\n" +
      "Error response from daemon: conflict: in use\nhint: Use -f.\n",
  );
  assert.equal(code, 1);
});

test("rmi -f of what is not there is no failure, but is told", async () => {
  const { code, stdout, stderr } = await run(["rmi", "-f", "nope", "a"], { useCases });
  assert.equal(code, 0);
  assert.equal(stdout, `Untagged: a:latest\nDeleted: ${idA}\n`);
  assert.equal(stderr, "Error response from daemon: No such image: nope:latest\n");
  assert.equal((await run(["image", "rm", "-f", "used", "nope"], { useCases })).code, 1);
});

test("rmi --platform goes to the engine, several of them too", async () => {
  const got: RemoveImageOptions[] = [];
  const spy = async (_engine: unknown, options: RemoveImageOptions) => {
    got.push(options);
    return [];
  };
  const argv = ["rmi", "--platform", "linux/amd64,linux/arm64", "a"];
  await run(argv, { useCases: { removeImage: spy } });
  assert.deepEqual(got, [
    { name: "a", force: false, noPrune: false, platforms: ["linux/amd64", "linux/arm64"] },
  ]);
});

function pruning(argv: string[], options: FakeOptions = {}, removed: unknown[] = []) {
  const got: PruneImagesOptions[] = [];
  const pruneImages = async (_engine: unknown, pruneOptions: PruneImagesOptions) => {
    got.push(pruneOptions);
    return { removed, spaceReclaimed: 1982256 };
  };
  return run(["image", "prune", ...argv], { ...options, useCases: { pruneImages } }).then(
    (result) => ({ ...result, got }),
  );
}

const question = "\nAre you sure you want to continue? [y/N] ";

test("image prune asks before it removes", async () => {
  const yes = await pruning([], { stdin: { lines: ["Y "] } });
  assert.equal(
    yes.stdout,
    `WARNING! This will remove all dangling images.${question}Total reclaimed space: 1.982MB\n`,
  );
  assert.deepEqual(yes.got, [{ all: false, compressed: false, filters: [] }]);
  for (const lines of [["n"], ["yes"], [""], []]) {
    const no = await pruning(["-a"], { stdin: { lines } });
    assert.equal(no.code, 0);
    assert.deepEqual(no.got, []);
    assert.equal(
      no.stdout,
      "WARNING! This will remove all images without at least one container associated to them." +
        question,
    );
  }
});

test("image prune -f lists what it removed", async () => {
  const removed = [
    { type: "untagged", reference: "a:b" },
    { type: "deleted", id: idB },
  ];
  const { stdout, got } = await pruning(
    ["-f", "--compressed", "--filter", "until=24h"],
    {},
    removed,
  );
  assert.equal(
    stdout,
    `Deleted Images:\nuntagged: a:b\ndeleted: ${idB}\n\nTotal reclaimed space: 1.982MB\n`,
  );
  assert.deepEqual(got, [
    { all: false, compressed: true, filters: [{ key: "until", value: "24h" }] },
  ]);
});
