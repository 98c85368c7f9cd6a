// SPDX-License-Identifier: Apache-2.0

/** Goal G5: every known attack has its fixtures, and comes in by every way without getting out. */

import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Box, boxArchive, openBox } from "../engine/containers/box.ts";
import { escapingLayers } from "../fixtures/escaping-layers.ts";
import { type LadeServe, startLadeServe } from "../helpers/lade-serve.ts";
import { corpusMap, fixturesOf, rowsOfTheTable } from "./corpus-map.ts";
import { entryPoints, type Place } from "./entry-points.ts";
import { makeVictim, type Victim } from "./victim.ts";

describe("the table of known attacks", () => {
  for (const row of rowsOfTheTable) {
    it(`${row} has a fixture or a test`, () => {
      const tests = corpusMap[row]?.tests ?? [];
      assert.ok(fixturesOf(row).length + tests.length > 0, "nothing tests it");
      for (const [file, title] of tests) {
        const text = readFileSync(join(import.meta.dirname, "..", file), "utf8");
        assert.ok(text.includes(title), `${file} has no more a test named "${title}"`);
      }
    });
  }

  it("has at least 250 variants", () => {
    const count = rowsOfTheTable.reduce((sum, row) => sum + fixturesOf(row).length, 0);
    assert.ok(count >= 250, String(count));
  });

  it("knows every row that a fixture names", () => {
    assert.deepEqual(
      fixturesOf().filter(({ row }) => row !== "B" && !rowsOfTheTable.includes(row)),
      [],
    );
  });
});

describe("layers that try to get out", () => {
  let place: Place & { box: Box; serve: LadeServe };
  let victims: Victim[];
  before(async () => {
    const [box, serve, base] = [await openBox(), await startLadeServe(), boxArchive()];
    place = { box, serve, base };
    victims = [makeVictim(box.folder), makeVictim(serve.folder)];
    const made = await serve.request("POST", "/images/create?fromSrc=-&repo=base&tag=1", {
      body: base,
    });
    assert.equal(made.status, 200);
  });
  after(async () => {
    const { output, request } = place.serve;
    assert.equal((await request("GET", "/_ping")).status, 200);
    assert.ok(!output().includes('"stack"'), output());
    await place.serve[Symbol.asyncDispose]();
    await place.box[Symbol.asyncDispose]();
  });

  for (const { name, take } of entryPoints) {
    it(name, async () => {
      const facts = victims.map((victim) => victim.facts());
      for (const { row, layers } of escapingLayers) {
        const victim = victims[name.includes("API") ? 1 : 0] as Victim;
        const started = performance.now();
        await take(place, layers(victim.path)).catch((error: unknown) => {
          throw new Error(`${row}: ${String(error)}`, { cause: error });
        });
        assert.deepEqual(
          victims.map((one) => one.facts()),
          facts,
          row,
        );
        assert.ok(performance.now() - started < 20_000, `${row} took too long`);
      }
    });
  }

  it("shows the store to nobody but root (R1)", () => {
    for (const path of [place.serve.root, place.serve.runRoot, place.serve.socket]) {
      const mode = statSync(path).mode % 8;
      assert.equal(mode, 0, `${path}: ${(statSync(path).mode % 4096).toString(8)}`);
    }
  });
});
