// SPDX-License-Identifier: Apache-2.0

/** A small part of what `npm run test:faults` runs, and tests of the harnesses themselves. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Effect } from "./disk-record.ts";
import { type CrashMode, crashState } from "./disk-states.ts";
import { proofs } from "./proofs.ts";
import { seededRandom } from "./random.ts";
import { readResults, withFigures } from "./report.ts";
import { runGoal } from "./run-goal.ts";
import { parseTrace, unquote } from "./trace.ts";

const projectRoot: string = join(import.meta.dirname, "..", "..");

describe("faults", () => {
  it("G1: survive power cuts", () => runGoal("G1", 12));

  it("G2: go on from states after a crash", () => runGoal("G2", 600));

  it("can still plant every mistake", () => {
    for (const { name, replacements } of proofs.flatMap(({ mistakes }) => mistakes)) {
      assert.ok(replacements.length > 0, name);
      for (const { file, find } of replacements) {
        const text = readFileSync(join(projectRoot, file), "utf8");
        assert.equal(text.split(find).length, 2, `${name}: ${file} has not just once: ${find}`);
      }
    }
  });

  it("has the figures of docs/reliability.json on its page", () => {
    const page = readFileSync(join(projectRoot, "docs", "reliability.md"), "utf8");
    assert.equal(withFigures(page, readResults()), page);
  });
});

describe("crashState", () => {
  const bytes = Buffer.alloc(1024, "a");
  const effects: Effect[] = [
    { change: { kind: "name", folder: 0, name: "kept", node: 1 }, start: 0, end: 0, syncedAt: 4 },
    { change: { kind: "write", node: 1, offset: 0, bytes }, start: 1, end: 1, syncedAt: 3 },
    {
      change: { kind: "name", folder: 0, name: "new", node: 2 },
      start: 5,
      end: 5,
      syncedAt: Infinity,
    },
    { change: { kind: "write", node: 2, offset: 0, bytes }, start: 6, end: 6, syncedAt: Infinity },
  ];
  const states = (mode: CrashMode, cut: number) =>
    Array.from({ length: 200 }, (_, seed) => {
      const random = seededRandom(seed);
      return crashState(effects, { mode, cut, random, folders: new Set([0]) }).files;
    });

  it("keeps what was synced, in every mode", () => {
    for (const mode of ["kept", "lost", "ordered", "mixed"] as const) {
      for (const files of states(mode, 10)) assert.deepEqual(files.get("kept"), bytes, mode);
    }
  });

  it("loses and tears what was not", () => {
    const found = states("mixed", 10).map((files) => files.get("new"));
    assert.ok(
      found.some((file) => file === undefined),
      "lost",
    );
    assert.ok(
      found.some((file) => file?.length === 0),
      "empty",
    );
    assert.ok(
      found.some((file) => file?.equals(bytes)),
      "whole",
    );
    assert.ok(
      found.some((file) => file?.equals(Buffer.alloc(1024))),
      "zeros",
    );
    assert.ok(
      found.some((file) => file?.equals(bytes.subarray(0, 512))),
      "torn",
    );
    assert.deepEqual([...(states("lost", 10)[0]?.keys() ?? [])], ["kept"]);
  });

  it("knows nothing of what came later", () => {
    for (const files of states("kept", 2)) assert.deepEqual([...files.keys()], ["kept"]);
  });
});

describe("parseTrace", () => {
  it("joins calls that another thread came between", () => {
    const text = [
      '12 pwrite64(3, "\\x61", 1, 0 <unfinished ...>',
      "13 fsync(4) = 0",
      "12 <... pwrite64 resumed>) = 1",
      "13 fsync(5) = -1 EIO (Input/output error)",
      "",
    ].join("\n");
    const [sync, write, ...rest] = parseTrace(text);
    assert.deepEqual(rest, []);
    assert.deepEqual(sync, { name: "fsync", args: ["4"], answer: 0, start: 1, end: 1 });
    assert.deepEqual([write?.name, write?.start, write?.end], ["pwrite64", 0, 2]);
    assert.equal(unquote(write?.args[1] ?? "").toString(), "a");
  });
});
