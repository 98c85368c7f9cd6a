// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { RunResult } from "../helpers/tools.ts";
import { type Line, scenarios } from "./parity-scenarios.ts";
import { openSideBySide, type SideBySide } from "./side-by-side.ts";

/** What is chance in an output, or each program's own name. */
const chance: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{64}\b/g, "ID"],
  [/\b[0-9a-f]{12}\b/g, "SHORT"],
  [/\bdocker\b/g, "lade"],
  [/\bsha256:ID\b/g, "DIGEST"],
  [/^hint: .*\n/gm, ""],
];

/** Where Docker 20.10's words differ from those of later ones, which lade has. */
const wording: readonly (readonly [RegExp, string])[] = [
  [/\.\nSee 'lade (\w+) --help'\.\n/g, "\n\nRun 'lade $1 --help' for more information\n"],
  [/^Error: No such (container|image|volume)/gm, "Error response from daemon: No such $1"],
  [/^Error: No such object/gm, "error: no such object"],
  [
    /^Error response from daemon: No such volume: (.*)$/gm,
    "Error response from daemon: get $1: no such volume",
  ],
  [/^Error: failed to /gm, "failed to "],
  [/\bContainer (ID|one|two) is (not running|already paused|not paused)/g, "container $1 is $2"],
  [/\bCannot kill container\b/g, "cannot kill container"],
  [/\bto reuse that name\./g, "to reuse that name"],
  [
    /^Error response from daemon: No such container:path: (\w+):.*$/gm,
    "Error response from daemon: No such container: $1",
  ],
];

function plain(text: string, line: Line): string {
  const replaced = [...chance, ...wording].reduce(
    (so, [pattern, by]) => so.replaceAll(pattern, by),
    text,
  );
  return line.isUnordered === true ? replaced.split("\n").sort().join("\n") : replaced;
}

function outcome({ stdout, stderr, code }: RunResult, line: Line): object {
  if (line.differs !== undefined) return { code };
  return { code, stdout: plain(stdout, line), stderr: plain(stderr, line) };
}

describe("what people type, in lade and in Docker", () => {
  let both: SideBySide;
  before(async () => {
    both = await openSideBySide("box");
  });
  after(() => both[Symbol.asyncDispose]());

  for (const { title, lines } of scenarios) {
    describe(title, () => {
      for (const entry of lines) {
        const line: Line = typeof entry === "string" ? { line: entry } : entry;
        it(line.line, async () => {
          const [docker, lade] = await Promise.all([both.docker(line.line), both.lade(line.line)]);
          assert.deepEqual(outcome(lade, line), outcome(docker, line));
        });
      }
    });
  }
});
