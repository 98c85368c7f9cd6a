// SPDX-License-Identifier: Apache-2.0

/** The scanner sees what GNU tar and Python see, and survives what nobody should send. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { isLadeError } from "../../src/base/errors.ts";
import { LayerIndexer, readLayerIndex } from "../../src/tar/layer-index.ts";
import { makers } from "../fixtures/makers.ts";
import { type Scratch, scratch } from "../fixtures/outside-tools.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { archiveParts } from "./arbitrary.ts";
import { mutated, mutation } from "./mutations.ts";
import { gnuTarMembers, listedMember, type PythonTar, startPython } from "./outside-lists.ts";
import { scan, scanInPieces } from "./scan.ts";

describe("random archives", () => {
  let files: Scratch;
  let python: PythonTar;
  before(() => {
    files = scratch();
    python = startPython();
  });
  after(() => {
    files.close();
    python[Symbol.dispose]();
  });

  it("hold what GNU tar and Python say", async () => {
    const ends = fc.constantFrom(0, 1, 2, 20);
    await fc.assert(
      fc.asyncProperty(archiveParts, ends, async (parts, trailerBlocks) => {
        const bytes = tar(parts, { trailerBlocks });
        // Both want to see a tar before they believe that an empty file is one.
        if (parts.length === 0) return;
        const file = files.write("random.tar", bytes);
        const found = scan(bytes).map(listedMember);
        assert.deepEqual(gnuTarMembers(file), found);
        assert.deepEqual(await python.members(file), found);
      }),
      { numRuns: 300 },
    );
  });

  for (const { name, make } of makers.filter(({ name }) => !name.includes("|"))) {
    const { archive } = make();
    if (archive[0] === 0x1f) continue;
    it(`of ${name} hold what GNU tar and Python say`, async () => {
      const file = files.write("made.tar", archive);
      const found = scan(archive).map(listedMember);
      assert.deepEqual(gnuTarMembers(file), found);
      assert.deepEqual(await python.members(file), found);
    });
  }
});

describe("damaged archives", () => {
  const damaged = fc.record({
    parts: fc.array(archiveParts, { minLength: 1, maxLength: 2 }).map((all) => all.flat()),
    mutations: fc.array(mutation, { minLength: 1, maxLength: 6 }),
    cut: fc.option(fc.nat({ max: 20_000 })),
    sizes: fc.array(fc.nat({ max: 3000 }), { maxLength: 10 }),
  });

  /** What comes of work: a value, or the code and message of a refusal. */
  function outcome<T>(work: () => T): T | string {
    try {
      return work();
    } catch (error) {
      if (isLadeError(error)) return `${error.code} ${error.message}`;
      throw error;
    }
  }

  it("give members or an error of lade's, and the same in any pieces", () => {
    const codes = new Set<string>();
    fc.assert(
      fc.property(damaged, ({ parts, mutations, cut, sizes }) => {
        const bytes = mutated(tar(parts), mutations).subarray(0, cut ?? undefined);
        const whole = outcome(() => scan(bytes));
        assert.deepEqual(
          outcome(() => scanInPieces(bytes, sizes)),
          whole,
        );
        if (typeof whole === "string") codes.add(whole.split(" ")[0] ?? "");
        outcome(() => scan(bytes, { skipUnknownTypes: true }));
      }),
      { numRuns: 3000 },
    );
    for (const code of ["TAR_CHECKSUM", "TAR_FIELD", "TAR_TRUNCATED"]) assert.ok(codes.has(code));
  });

  it("give an index that can be read, or an error of lade's", () => {
    let indexed = 0;
    fc.assert(
      fc.property(damaged, ({ parts, mutations, cut }) => {
        const bytes = mutated(tar(parts), mutations).subarray(0, cut ?? undefined);
        const index = outcome(() => {
          const indexer = new LayerIndexer("layer");
          indexer.push(bytes);
          return indexer.finish();
        });
        if (typeof index === "string") return;
        indexed++;
        assert.equal([...readLayerIndex(index.bytes)].length, index.entries);
      }),
      { numRuns: 1000 },
    );
    assert.ok(indexed > 20);
  });

  it("of nothing but noise are refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 4000 }), (noise) => {
        // Zeros at the front would be an end.
        const bytes = Buffer.concat([Buffer.from("x"), noise]);
        assert.match(String(outcome(() => scan(bytes))), /^TAR_(CHECKSUM|TRUNCATED) /);
      }),
    );
  });
});
