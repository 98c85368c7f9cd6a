// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { isWanted, parseOptions } from "../../bench/options.ts";

test("without options everything is measured, in five rounds", () => {
  const options = parseOptions([]);
  assert.equal(options.rounds, 5);
  assert.equal(options.growth, true);
  assert.deepEqual([...options.contenders], ["lade", "docker", "podman", "skopeo"]);
  assert.equal(isWanted(options, "load-file"), true);
});

test("cases, contenders and growth can be left out", () => {
  const options = parseOptions(["--only", "load,save-file", "--without", "podman", "--no-growth"]);
  assert.equal(options.growth, false);
  assert.deepEqual([...options.contenders], ["lade", "docker", "skopeo"]);
  assert.equal(isWanted(options, "load-pipe"), true);
  assert.equal(isWanted(options, "save-file"), true);
  assert.equal(isWanted(options, "save-pipe"), false);
});

test("a quick run has one round unless told otherwise", () => {
  assert.equal(parseOptions(["--quick"]).rounds, 1);
  assert.equal(parseOptions(["--quick", "--rounds", "3"]).rounds, 3);
});

test("what can't be is refused", () => {
  assert.throws(() => parseOptions(["--rounds", "0"]), /want a whole number from 1/);
  assert.throws(() => parseOptions(["--rounds", "many"]), /want a whole number from 1/);
  assert.throws(() => parseOptions(["--without", "containerd"]), /got containerd/);
  assert.throws(() => parseOptions(["--fast"]), /fast/);
});
