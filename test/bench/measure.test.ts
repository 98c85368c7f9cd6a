// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { stepFor } from "../../bench/contenders.ts";
import {
  type CasePlan,
  createSetUps,
  measureInTurns,
  rotated,
  type Step,
} from "../../bench/measure.ts";
import { shell } from "../../bench/shell.ts";

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
  const [result] = await measureInTurns(plan([step], 1), options);
  assert.equal(result?.measurements[0]?.samples.length, 1);
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
  const [result] = await measureInTurns(plan(steps, 2), options);
  const [bad, unchecked, good] = result?.measurements ?? [];
  assert.match(bad?.failure ?? "", /^exit 3: broken/);
  assert.deepEqual(bad?.samples, []);
  assert.match(unchecked?.failure ?? "", /^exit 1/);
  assert.equal(good?.failure, undefined);
  assert.equal(good?.samples.length, 2);
  assert(good?.samples.every((sample) => sample.seconds >= 0.05));
});

test("a contender that fails later keeps what it has", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "lade-test-"));
  const options = { folder: folder.path, env: {}, report: () => {} };
  const step = { contender: "a", label: "a", timed: "test $ROUND -lt 3" };
  const [result] = await measureInTurns(plan([step], 5), options);
  assert.equal(result?.measurements[0]?.samples.length, 2);
  assert.match(result?.measurements[0]?.failure ?? "", /^exit 1/);
});

test("a command that follows is timed for a case of its own", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "lade-test-"));
  const options = { folder: folder.path, env: {}, report: () => {} };
  const next = { label: "rm", timed: "sleep 0.05" };
  const steps = [
    { contender: "a", label: "a", timed: "true", next },
    { contender: "b", label: "b", timed: "true" },
  ];
  const both = { ...plan(steps, 2), next: { id: "next", title: "next" } };
  const [first, second] = await measureInTurns(both, options);
  assert.deepEqual([first?.id, second?.id], ["case", "next"]);
  assert.deepEqual(
    second?.measurements.map(({ contender, command, samples }) => [
      contender,
      command,
      samples.length,
    ]),
    [["a", "rm", 2]],
  );
  assert(second?.measurements[0]?.samples.every((sample) => sample.seconds >= 0.05));
});

test("a slow case has fewer rounds only where it says so", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "lade-test-"));
  const options = { folder: folder.path, env: {}, report: () => {} };
  const step = { contender: "a", label: "a", timed: "true" };
  const [result] = await measureInTurns({ ...plan([step], 3), slowRounds: 1 }, options);
  assert.equal(result?.measurements[0]?.samples.length, 3);
});

test("cases share a set-up; another one, and a failure, end it", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "lade-test-"));
  const log = join(folder.path, "log");
  const say = (word: string): string => `echo ${word} >> '${log}'`;
  const options = { folder: folder.path, env: {}, report: () => {} };
  const setUps = createSetUps(options);
  const step = (setUp: string | undefined, timed: string): Step => ({
    ...{ contender: "a", label: "a", timed },
    ...(setUp === undefined ? {} : { setUp: say(setUp), tearDown: say(`no-${setUp}`) }),
  });
  for (const [setUp, timed] of [
    ["one", "true"],
    ["one", "true"],
    ["two", "false"],
    ["two", "true"],
    [undefined, "true"],
    ["one", "true"],
  ] as const) {
    await measureInTurns(plan([step(setUp, timed)], 1), { ...options, setUps });
  }
  await setUps.leaveAll();
  const said = (await readFile(log, "utf8")).trim().split("\n").join(" ");
  assert.equal(said, "one no-one two no-two two no-two one no-one");
});

test("a command that hangs is ended with all that it started", async () => {
  const start = performance.now();
  const work = shell("sleep 60 & sleep 60 | cat", { env: {}, timeoutMs: 200 });
  await assert.rejects(work, /^Error: not done after 0.2 s/);
  assert(performance.now() - start < 10_000);
});

test("a template names the program, and its label has no folders", () => {
  const step = stepFor(
    { name: "lade", words: "/x/bin/lade --root /y" },
    { timed: "cat '/a/b.tar' | % load > /dev/null", next: "% tag b", after: "% rmi b" },
  );
  assert.equal(step.label, "cat b.tar | lade load > /dev/null");
  assert.equal(step.next?.label, "lade tag b");
  assert.match(step.next?.timed ?? "", /^\/usr\/bin\/time .* \/x\/bin\/lade --root \/y tag b$/);
  assert.equal(step.after, "/x/bin/lade --root /y rmi b");
  assert.match(step.timed, /\| \/usr\/bin\/time .* \/x\/bin\/lade --root \/y load > \/dev\/null$/);
});
