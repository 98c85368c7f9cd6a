// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { parseTimestamp, timeNs } from "../../src/engine/timestamp.ts";

const second = 1_000_000_000n;

describe("timeNs", () => {
  test("keeps all nine digits and the offset", () => {
    assert.equal(timeNs("1970-01-01T00:00:00Z"), 0n);
    assert.equal(timeNs("1970-01-01T00:00:00.000000001Z"), 1n);
    assert.equal(timeNs("1970-01-01T01:00:00.5+01:00"), second / 2n);
    assert.equal(timeNs("1970-01-01T00:00:01.1234567899Z"), second + 123_456_789n);
    assert.equal(timeNs("0001-01-01T00:00:00Z"), -62_135_596_800n * second);
    assert.equal(timeNs(""), undefined);
  });

  test("agrees with JavaScript's dates", () => {
    const dates = fc.date({
      min: new Date("0001-01-01T00:00:00Z"),
      max: new Date("9999-12-31T23:59:59Z"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(dates, (date) => {
        assert.equal(timeNs(date.toISOString()), BigInt(date.getTime()) * 1_000_000n);
      }),
    );
  });
});

describe("parseTimestamp", () => {
  const zone = process.env.TZ;
  before(() => {
    process.env.TZ = "Asia/Kolkata";
  });
  after(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });
  const nowMs = Date.parse("2024-06-01T12:00:00.750Z");
  const seconds = (text: string) => BigInt(Date.parse(text)) * 1_000_000n;

  test("a length of time counts back from now, in whole seconds", () => {
    assert.equal(parseTimestamp("1h30m", nowMs), seconds("2024-06-01T10:30:00Z"));
    assert.equal(parseTimestamp("1.5s", nowMs), seconds("2024-06-01T11:59:59Z"));
    assert.equal(parseTimestamp("-1h", nowMs), seconds("2024-06-01T13:00:00Z"));
    assert.equal(parseTimestamp("10ms", 1000), 0n);
    assert.equal(parseTimestamp("2s", 1000), -second);
  });

  test("dates with a zone may lack their end", () => {
    for (const [text, same] of [
      ["2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"],
      ["2024-01-02T03:04Z", "2024-01-02T03:04:00Z"],
      ["2024-01-02T03Z", "2024-01-02T03:00:00Z"],
      ["2024-01-02Z", "2024-01-02T00:00:00Z"],
      ["2024-01-02+02:00", "2024-01-01T22:00:00Z"],
      ["2024-01-02T03:04:05-07:00", "2024-01-02T10:04:05Z"],
    ] as const) {
      assert.equal(parseTimestamp(text, nowMs), seconds(same), text);
    }
    assert.equal(
      parseTimestamp("2024-01-02T03:04:05.000000001Z", nowMs),
      seconds("2024-01-02T03:04:05Z") + 1n,
    );
  });

  test("dates without a zone are local", () => {
    assert.equal(parseTimestamp("2024-01-02", nowMs), seconds("2024-01-01T18:30:00Z"));
    assert.equal(
      parseTimestamp("2024-01-02T05:30:01.5", nowMs),
      seconds("2024-01-02T00:00:01.500Z"),
    );
    assert.equal(parseTimestamp("2024-01-02T5", nowMs), seconds("2024-01-01T23:30:00Z"));
  });

  test("numbers are seconds since 1970", () => {
    assert.equal(parseTimestamp("0", nowMs), 0n);
    assert.equal(parseTimestamp("1136073600", nowMs), 1_136_073_600n * second);
    assert.equal(parseTimestamp("1136073600.000000001", nowMs), 1_136_073_600n * second + 1n);
  });

  test("anything else is refused", () => {
    for (const text of [
      "",
      "soon",
      "2024-13-01",
      "2024-02-30",
      "2024-01-01T24:00:00Z",
      "2024-01-01T00:60:00Z",
      "2024-1-1",
      "2024-01-01z",
      "1h 30m",
      "12:00",
    ]) {
      assert.throws(() => parseTimestamp(text, nowMs), {
        code: "FILTER_INVALID",
        message: `failed to parse value as time or duration: ${JSON.stringify(text)}`,
      });
    }
  });
});
