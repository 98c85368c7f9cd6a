// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { findImage, resolveForSave } from "../../src/engine/find-image.ts";
import type { Digest } from "../../src/spec/digest.ts";
import { familiarString } from "../../src/spec/reference.ts";
import { openTestStore, type TestStore } from "../helpers/store.ts";
import { digestLike, storeImages } from "./stored-images.ts";

const manifest = digestLike("fffe");
const index = digestLike("fffd");
const absent = digestLike("0123");

let store: TestStore;
let busybox: Digest;
let demo: Digest;
let hexNamed: Digest;
let nameless: Digest;

after(() => store[Symbol.asyncDispose]());

before(async () => {
  store = await openTestStore();
  const arm = { platform: "linux/arm64/v8" };
  [busybox, demo, hexNamed, nameless] = storeImages(store, [
    {
      hex: "abc1",
      names: ["busybox:latest", "busybox:1.36", `busybox@${index}`],
      manifests: ["fffe"],
    },
    { hex: "abc2", names: ["localhost:5000/team/demo:1"], ...arm },
    { hex: "def0", names: ["abc:latest", "beef:latest"], platform: "linux/arm" },
    { hex: "beef", manifests: ["fffc"] },
  ]) as [Digest, Digest, Digest, Digest];
});

describe("findImage", () => {
  const find = (name: string, platform?: string) =>
    findImage(store.engine.store, name, platform === undefined ? {} : { platform });
  const fails = (name: string, code: string, message: string | RegExp, hint?: string) =>
    assert.throws(() => find(name), { code, message, ...(hint !== undefined && { hint }) });

  test("finds by name, in every spelling", () => {
    for (const name of [
      "busybox",
      "busybox:latest",
      "busybox:1.36",
      "library/busybox",
      "docker.io/library/busybox",
      "index.docker.io/busybox:latest",
    ]) {
      assert.equal(find(name), busybox, name);
    }
    assert.equal(find("localhost:5000/team/demo:1"), demo);
  });

  test("finds by ID, whole or by its first digits, with and without its algorithm", () => {
    for (const name of [busybox, busybox.slice(7), "abc1", "sha256:abc1", "abc10000"]) {
      assert.equal(find(name), busybox, name);
    }
    assert.equal(find("de"), hexNamed);
  });

  test("a tag wins over an ID that begins with the same letters", () => {
    assert.equal(find("abc"), hexNamed);
    assert.equal(find("beef"), hexNamed);
    assert.equal(find("sha256:beef"), nameless);
    assert.equal(find("bee"), nameless);
  });

  test("finds by the digest of a manifest, of an index and of the image", () => {
    for (const digest of [manifest, index, busybox]) {
      assert.equal(find(`busybox@${digest}`), busybox, digest);
      assert.equal(find(`busybox:some-tag@${digest}`), busybox, digest);
      assert.equal(find(digest), busybox, digest);
    }
  });

  test("a digest with the name of something else is not found", () => {
    fails(`demo@${manifest}`, "IMAGE_NOT_FOUND", `No such image: demo@${manifest}`);
    fails(`busybox:1.36@${absent}`, "IMAGE_NOT_FOUND", `No such image: busybox:1.36@${absent}`);
  });

  test("any name fits the digest of an image without one", () => {
    assert.equal(find(`whatever@${digestLike("fffc")}`), nameless);
    assert.equal(find(`whatever@${nameless}`), nameless);
  });

  test("the same digest under two repositories stands for two images", async () => {
    await using other = await openTestStore();
    const shared = digestLike("f00d");
    const [amd64, arm64] = storeImages(other, [
      { hex: "a", names: ["one:1", `one@${shared}`] },
      { hex: "b", names: ["two:1", `two@${shared}`] },
    ]);
    assert.equal(findImage(other.engine.store, `one@${shared}`), amd64);
    assert.equal(findImage(other.engine.store, `two@${shared}`), arm64);
  });

  test("what is not there is told in Docker's words", () => {
    const cases: readonly (readonly [string, string])[] = [
      ["nope", "nope:latest"],
      ["docker.io/library/nope", "nope:latest"],
      ["ghcr.io/a/b:1", "ghcr.io/a/b:1"],
      ["abc3", "abc3:latest"],
      ["abc1:1", "abc1:1"],
      ["sha256:0123", "sha256:0123"],
      [absent, absent],
      [absent.slice(7), absent],
    ];
    for (const [name, shown] of cases) {
      fails(name, "IMAGE_NOT_FOUND", `No such image: ${shown}`);
    }
  });

  test("names the tags that there are", async () => {
    const tags = Array.from({ length: 7 }, (_, index) => `many:${index}`);
    await using other = await openTestStore();
    storeImages(other, [{ hex: "a", names: tags }]);
    assert.throws(() => findImage(other.engine.store, "many"), {
      hint: "Name a tag of many that is there: many:0, many:1, many:2, many:3, many:4, and 2 more.",
    });
    fails("busybox:2", "IMAGE_NOT_FOUND", "No such image: busybox:2");
  });

  test("too few digits are ambiguous", () => {
    fails(
      "sha256:abc",
      "IMAGE_AMBIGUOUS",
      "ambiguous reference: sha256:abc",
      "Give more digits of the ID: abc100000000 and abc200000000 both begin with abc.",
    );
    fails("ab", "IMAGE_AMBIGUOUS", "ambiguous reference: ab");
  });

  test("names that are none are refused", () => {
    fails("Foo", "REFERENCE_INVALID", /must be lowercase$/);
    fails("", "REFERENCE_INVALID", "invalid reference format");
    fails("a b", "REFERENCE_INVALID", "invalid reference format");
    fails("busybox@sha256:abc", "REFERENCE_INVALID", "invalid reference format");
  });

  test("the platform must fit where one is asked for", () => {
    assert.equal(find("busybox", "linux/amd64"), busybox);
    assert.equal(find("localhost:5000/team/demo:1", "linux/arm64"), demo);
    // No variant in the config says nothing against one.
    assert.equal(find("abc", "linux/arm/v6"), hexNamed);
    assert.throws(() => find("busybox", "linux/arm64"), {
      code: "PLATFORM_NOT_FOUND",
      message:
        "image with reference busybox was found but its platform (linux/amd64) does not match " +
        "the specified platform (linux/arm64)",
    });
    assert.throws(() => find("busybox", "not a platform"), { code: "PLATFORM_INVALID" });
  });
});

describe("resolveForSave", () => {
  const resolve = (name: string) =>
    resolveForSave(store.engine.store, name).map(({ id, references }) => ({
      id,
      names: references.map(familiarString),
    }));

  test("name and tag keep the name", () => {
    assert.deepEqual(resolve("busybox:1.36"), [{ id: busybox, names: ["busybox:1.36"] }]);
    assert.deepEqual(resolve("docker.io/library/busybox:latest"), [
      { id: busybox, names: ["busybox:latest"] },
    ]);
  });

  test("a bare name stands for all its tags", () => {
    assert.deepEqual(resolve("busybox"), [
      { id: busybox, names: ["busybox:1.36"] },
      { id: busybox, names: ["busybox:latest"] },
    ]);
    assert.deepEqual(resolve("abc"), [{ id: hexNamed, names: ["abc:latest"] }]);
  });

  test("IDs and digests leave names behind", () => {
    for (const name of [
      busybox,
      busybox.slice(7),
      "abc1",
      "sha256:abc1",
      manifest,
      `busybox@${manifest}`,
      `busybox:1.36@${index}`,
    ]) {
      assert.deepEqual(resolve(name), [{ id: busybox, names: [] }], name);
    }
  });

  test("what is not there is told in Docker's words for save", () => {
    const code = "IMAGE_NOT_FOUND";
    assert.throws(() => resolve("nope"), { code, message: "No such image: nope" });
    assert.throws(() => resolve("busybox:9"), {
      code,
      message: "reference does not exist",
      hint: "Name a tag of busybox that is there: busybox:1.36, busybox:latest.",
    });
    assert.throws(() => resolve("nope:1"), { code, message: "reference does not exist" });
    assert.throws(() => resolve(absent), { code, message: `No such image: ${absent}` });
    assert.throws(() => resolve(`busybox@${absent}`), { code });
    assert.throws(() => resolve("ab"), { code: "IMAGE_AMBIGUOUS" });
    assert.throws(() => resolve("A"), { code: "REFERENCE_INVALID" });
  });
});
