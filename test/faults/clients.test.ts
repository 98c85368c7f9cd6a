// SPDX-License-Identifier: Apache-2.0

/** A small part of the harnesses of many clients, of those that leave, and of little memory. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { anyValue, findContradiction, type NameEvent } from "./linear.ts";
import { runGoal } from "./run-goal.ts";

describe("clients", () => {
  it("G9: many at once, some of which are killed", () => runGoal("G9", 300));

  it("G11: leave in the middle", () => runGoal("G11", 200));

  it("G13: come through with little memory, or are killed", () => runGoal("G13", 2));
});

describe("findContradiction", () => {
  const event = (start: number, end: number, what: Partial<NameEvent>): NameEvent => ({
    start,
    end,
    needs: "anything",
    text: "",
    ...what,
  });
  const set = (start: number, end: number, value: string | undefined, isMaybe = false) =>
    event(start, end, { sets: { value }, isMaybe });
  const see = (start: number, end: number, value: string | undefined) =>
    event(start, end, { needs: { value } });

  it("finds an order where calls overlap", () => {
    const history = [
      set(0, 10, "a"),
      set(1, 9, "b"),
      see(2, 3, "b"),
      see(4, 5, "a"),
      see(11, 12, "a"),
    ];
    assert.equal(findContradiction(history), undefined);
  });

  it("finds none where somebody sees what is over", () => {
    assert.match(
      findContradiction([set(0, 1, "a"), set(2, 3, "b"), see(4, 5, "a")]) ?? "",
      /no order/,
    );
    assert.match(findContradiction([set(0, 1, "a"), see(2, 3, undefined)]) ?? "", /no order/);
    // Who ended first saw the new, and who began after that the old.
    const back = [set(0, 1, "a"), set(2, 20, "b"), see(3, 4, "b"), see(5, 6, "a")];
    assert.match(findContradiction(back) ?? "", /no order/);
  });

  it("leaves open whether a killed client did it, but not when", () => {
    for (const value of ["a", "b"]) {
      const history = [set(0, 1, "a"), set(2, 3, "b", true), see(4, 5, value), see(6, 7, value)];
      assert.equal(findContradiction(history), undefined);
    }
    const late = [set(0, 1, "a"), set(2, 3, "b", true), see(4, 5, "a"), see(6, 7, "b")];
    assert.match(findContradiction(late) ?? "", /no order/);
  });

  it("takes a value that nobody told for one value", () => {
    const killed = event(0, 1, { sets: { value: anyValue }, isMaybe: true });
    assert.equal(findContradiction([killed, see(2, 3, "x"), see(4, 5, "x")]), undefined);
    assert.match(findContradiction([killed, see(2, 3, "x"), see(4, 5, "y")]) ?? "", /no order/);
  });

  it("knows that only what is there can be removed", () => {
    const remove = (start: number) =>
      event(start, start + 1, { needs: "present", sets: { value: undefined } });
    assert.equal(findContradiction([set(0, 1, "a"), remove(2)]), undefined);
    assert.match(findContradiction([set(0, 1, "a"), remove(2), remove(4)]) ?? "", /no order/);
  });

  it("finds an order for whatever a true register did", () => {
    const step = fc.record({
      value: fc.constantFrom("a", "b", undefined),
      isSet: fc.boolean(),
      before: fc.integer({ min: 0, max: 3 }),
      after: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let held: string | undefined;
        const history = steps.map(({ value, isSet, before, after }, moment) => {
          if (isSet) held = value;
          const [start, end] = [moment - before, moment + after];
          return isSet ? set(start, end, value) : see(start, end, held);
        });
        assert.equal(findContradiction(history), undefined);
      }),
    );
  });
});
