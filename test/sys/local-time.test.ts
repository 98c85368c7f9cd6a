// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { localZone } from "../../src/sys/local-time.ts";
import { runOrThrow } from "../helpers/tools.ts";

const own = process.env.TZ;
afterEach(() => {
  if (own === undefined) delete process.env.TZ;
  else process.env.TZ = own;
});

describe("localZone", () => {
  it("knows summer time and zones of half hours", () => {
    const winter = Date.parse("2024-01-15T12:00:00Z");
    const summer = Date.parse("2024-07-15T12:00:00Z");
    for (const [zone, timeMs, offset, name] of [
      ["UTC0", winter, "+0000", "UTC"],
      ["CET-1CEST,M3.5.0,M10.5.0/3", winter, "+0100", "CET"],
      ["CET-1CEST,M3.5.0,M10.5.0/3", summer, "+0200", "CEST"],
      ["NST3:30", winter, "-0330", "NST"],
    ] as const) {
      process.env.TZ = zone;
      assert.deepEqual(localZone(timeMs), { offset, name });
    }
  });

  it("agrees with date(1) for times long ago and far ahead", async () => {
    for (const text of ["1901-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2222-06-01T00:00:00Z"]) {
      const { offset, name } = localZone(Date.parse(text));
      const told = await runOrThrow("date", ["-d", text, "+%z %Z"]);
      assert.equal(`${offset} ${name}`, told.stdout.trim());
    }
  });
});
