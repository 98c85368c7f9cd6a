// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  binarySize,
  goTime,
  humanDuration,
  humanSize,
  parseTime,
  rfc3339,
  shortId,
} from "../../../src/cli/format/human.ts";
import { utc } from "../../../src/sys/local-time.ts";

const cet = { offset: "+0100", name: "CET" };

test("sizes have Docker's digits and units", () => {
  const cases: [number, number, string][] = [
    [0, 4, "0B"],
    [1, 4, "1B"],
    [999, 4, "999B"],
    [1000, 4, "1kB"],
    [1982256, 4, "1.982MB"],
    [1982256, 3, "1.98MB"],
    [75_272_345, 3, "75.3MB"],
    [555_600_000, 4, "555.6MB"],
    [1_200_000_000_000, 4, "1.2TB"],
    // Go's %g rounds first and then chooses the exponent.
    [999_900, 3, "1e+03kB"],
    [999_900, 4, "999.9kB"],
    [999_990, 4, "1000kB"],
  ];
  for (const [size, precision, text] of cases) assert.equal(humanSize(size, precision), text);
  assert.equal(binarySize(25_200_000_000), "23.47GiB");
  assert.equal(binarySize(1024), "1KiB");
});

test("lengths of time have Docker's words", () => {
  const second = 1000;
  const minute = 60 * second;
  const hour = 60 * minute;
  const day = 24 * hour;
  const cases: [number, string][] = [
    [-5000, "Less than a second"],
    [999, "Less than a second"],
    [1000, "1 second"],
    [59 * second, "59 seconds"],
    [60 * second, "About a minute"],
    [119 * second, "About a minute"],
    [2 * minute, "2 minutes"],
    [59 * minute, "59 minutes"],
    [60 * minute, "About an hour"],
    [89 * minute, "About an hour"],
    [90 * minute, "2 hours"],
    [47 * hour, "47 hours"],
    [48 * hour, "2 days"],
    [13 * day, "13 days"],
    [14 * day, "2 weeks"],
    [59 * day, "8 weeks"],
    [60 * day, "2 months"],
    [729 * day, "24 months"],
    [730 * day, "2 years"],
    [3650 * day, "10 years"],
  ];
  for (const [durationMs, text] of cases) assert.equal(humanDuration(durationMs), text);
});

test("times are told as Go tells them, in UTC", () => {
  const timeMs = parseTime("2024-01-02T16:04:05.987654321+01:00");
  assert.equal(
    rfc3339(timeMs, () => utc),
    "2024-01-02T15:04:05Z",
  );
  assert.equal(
    goTime(timeMs, () => utc),
    "2024-01-02 15:04:05 +0000 UTC",
  );
  for (const none of ["", "soon", "0001-01-01T00:00:00Z"]) assert.equal(parseTime(none), undefined);
  assert.equal(
    goTime(undefined, () => cet),
    "0001-01-01 00:00:00 +0000 UTC",
  );
});

test("times are told in the zone of the machine", () => {
  const timeMs = Date.parse("2024-01-02T23:34:05Z");
  const newfoundland = { offset: "-0330", name: "NST" };
  assert.equal(
    goTime(timeMs, () => cet),
    "2024-01-03 00:34:05 +0100 CET",
  );
  assert.equal(
    goTime(timeMs, () => newfoundland),
    "2024-01-02 20:04:05 -0330 NST",
  );
  assert.equal(
    rfc3339(timeMs, () => newfoundland),
    "2024-01-02T20:04:05-03:30",
  );
  assert.equal(
    rfc3339(timeMs, () => ({ offset: "+0000", name: "GMT" })),
    "2024-01-02T23:34:05Z",
  );
});

test("short IDs", () => {
  assert.equal(shortId(`sha256:${"ab".repeat(32)}`), "abababababab");
  assert.equal(shortId("0123456789abcdef"), "0123456789ab");
  assert.equal(shortId("<missing>"), "<missing>");
});
