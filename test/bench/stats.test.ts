// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatRatio, formatSeconds, formatSize, summarize } from "../../bench/stats.ts";

test("the median is the middle value, or the mean of the two middle ones", () => {
  assert.deepEqual(summarize([3, 1, 2]), { median: 2, min: 1, max: 3, count: 3 });
  assert.deepEqual(summarize([10, 1, 2, 4]), { median: 3, min: 1, max: 10, count: 4 });
  assert.equal(summarize([]), undefined);
});

test("half of the values are on each side of the median, in any order", () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
      const summary = summarize(values);
      assert(summary !== undefined);
      const { median, min, max } = summary;
      const half = values.length / 2;
      assert(values.filter((value) => value < median).length <= half);
      assert(values.filter((value) => value > median).length <= half);
      assert.equal(min, Math.min(...values));
      assert.equal(max, Math.max(...values));
      assert.deepEqual(summarize(values.toReversed()), summary);
    }),
  );
});

test("times and sizes keep three digits and change unit before they round up to a thousand", () => {
  assert.equal(formatSeconds(0.00512), "5.12 ms");
  assert.equal(formatSeconds(0.0512), "51.2 ms");
  assert.equal(formatSeconds(0.5321), "532 ms");
  assert.equal(formatSeconds(0.9996), "1.00 s");
  assert.equal(formatSeconds(6.02), "6.02 s");
  assert.equal(formatSeconds(61.24), "61.2 s");
  assert.equal(formatSize(512), "512 B");
  assert.equal(formatSize(843_404_288), "843 MB");
  assert.equal(formatSize(999_600), "1.0 MB");
  assert.equal(formatSize(10e9), "10.0 GB");
});

test("ratios near one keep two digits", () => {
  assert.equal(formatRatio(1.299), "1.30 ×");
  assert.equal(formatRatio(11.26), "11.3 ×");
});
