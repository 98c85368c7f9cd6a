// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readable, stepFor } from "../../bench/contenders.ts";
import { type CasePlan, measureInTurns, rotated, type Step } from "../../bench/measure.ts";

function plan(steps: readonly Step[], rounds: number): CasePlan {
  return { id: "case", title: "a case", rounds, warm: [], steps };
}

test("contenders take turns, and each round starts with another one", () => {
  assert.deepEqual(rotated(["a", "b", "c"], 0), ["a", "b", "c"]);
  assert.deepEqual(rotated(["a", "b", "c"], 4), ["b", "c", "a"]);
  assert.deepEqual(rotated([], 3), []);
});

test("each part of a step runs when it should, and the warm-up does not count", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "lade-test-"));
  const log = join(folder.path, "log");
  const say = (word: string): string => `echo ${word}$ROUND >> '${log}'`;
  const step: Step = {
    contender: "a",
    label: "a",
    setUp: say("setUp"),
    before: say("before"),
    timed: say("timed"),
    check: say("check"),
    after: say("after"),
    tearDown: say("tearDown"),
  };
  const options = { folder: folder.path, env: {}, report: () => {} };
  const result = await measureInTurns(plan([step], 1), options);
  assert.equal(result.measurements[0]?.samples.length, 1);
  assert.deepEqual((await readFile(log, "utf8")).trim().split("\n"), [
    ...["setUp0", "before0", "timed0", "check0", "after0"],
    ...["before1", "timed1", "after1", "tearDown0"],
  ]);
});

test("a contender that fails drops out with its reason, and the others go on", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "lade-test-"));
  const options = { folder: folder.path, env: {}, report: () => {} };
  const steps = [
    { contender: "bad", label: "bad", timed: "echo broken >&2; exit 3 | true" },
    { contender: "unchecked", label: "unchecked", timed: "true", check: "false" },
    { contender: "good", label: "good", timed: "sleep 0.05" },
  ];
  const { measurements } = await measureInTurns(plan(steps, 2), options);
  const [bad, unchecked, good] = measurements;
  assert.match(bad?.failure ?? "", /^exit 3: broken/);
  assert.deepEqual(bad?.samples, []);
  assert.match(unchecked?.failure ?? "", /^exit 1/);
  assert.equal(good?.failure, undefined);
  assert.equal(good?.samples.length, 2);
  assert(good?.samples.every((sample) => sample.seconds >= 0.05));
});

test("a template names the program, and its label has no folders", () => {
  const step = stepFor(
    { name: "lade", words: "/x/bin/lade --root /y" },
    { timed: "cat '/a/b.tar' | % load > /dev/null", after: "% rmi b" },
  );
  assert.equal(step.label, "cat b.tar | lade load > /dev/null");
  assert.equal(step.after, "/x/bin/lade --root /y rmi b");
  assert.match(step.timed, /\| \/usr\/bin\/time .* \/x\/bin\/lade --root \/y load > \/dev\/null$/);
});

test("a store's place is not part of a label", () => {
  assert.equal(
    readable("skopeo copy 'containers-storage:[overlay@/a/b+/c/d]n:1' docker-archive:/o/p.tar:n:1"),
    "skopeo copy containers-storage:n:1 docker-archive:p.tar:n:1",
  );
});
