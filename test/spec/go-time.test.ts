// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isGoTime, normalizeGoTime, ZERO_TIME } from "../../src/spec/go-time.ts";

describe("go-time", () => {
  it("writes a time as Go writes it back", () => {
    const cases: readonly (readonly [text: string, want: string])[] = [
      ["2015-11-10T21:07:28Z", "2015-11-10T21:07:28Z"],
      ["2015-11-10T21:07:28.0Z", "2015-11-10T21:07:28Z"],
      ["2015-11-10T21:07:28.120000000Z", "2015-11-10T21:07:28.12Z"],
      ["2015-11-10T21:07:28.1234567899Z", "2015-11-10T21:07:28.123456789Z"],
      ["2013-06-13T14:03:50.821769-07:00", "2013-06-13T14:03:50.821769-07:00"],
      ["2012-01-01T00:00:00+00:00", "2012-01-01T00:00:00Z"],
      ["2012-01-01T00:00:00-00:00", "2012-01-01T00:00:00Z"],
      ["2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"],
      [ZERO_TIME, ZERO_TIME],
    ];
    for (const [text, want] of cases) assert.equal(normalizeGoTime(text), want);
  });

  it("knows what is no time", () => {
    for (const text of [
      "",
      "yesterday",
      "2015-11-10",
      "2015-11-10 21:07:28Z",
      "2015-11-10T21:07:28",
      "2015-11-10T21:07Z",
      "2015-13-10T21:07:28Z",
      "2015-00-10T21:07:28Z",
      "2015-02-29T21:07:28Z",
      "1900-02-29T00:00:00Z",
      "2015-11-31T21:07:28Z",
      "2015-11-10T24:07:28Z",
      "2015-11-10T21:60:28Z",
      "2015-11-10T21:07:60Z",
      "2015-11-10T21:07:28.Z",
      "2015-11-10T21:07:28+0200",
      "12015-11-10T21:07:28Z",
      "2015-11-10T21:07:28Z\n",
    ]) {
      assert.equal(isGoTime(text), false, text);
    }
    assert.throws(() => normalizeGoTime("x"), /not a time/);
  });

  it("takes every time of JavaScript, and does not change it twice", () => {
    const years = { min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true };
    fc.assert(
      fc.property(fc.date(years), (date) => {
        const once = normalizeGoTime(date.toISOString());
        assert.equal(new Date(once).getTime(), date.getTime());
        assert.equal(normalizeGoTime(once), once);
      }),
    );
  });
});
