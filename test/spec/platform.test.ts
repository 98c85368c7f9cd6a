// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { LadeError } from "../../src/base/errors.ts";
import {
  comparePlatforms,
  comparePlatformsStrictly,
  formatPlatform,
  hostPlatform,
  matchPlatform,
  normalizePlatform,
  type Platform,
  parsePlatform,
} from "../../src/spec/platform.ts";
import { refused, resultOrRefusal } from "./refused.ts";

const amd64: Platform = { os: "linux", architecture: "amd64" };

function parse(text: string): Platform {
  return parsePlatform(text, amd64);
}

describe("parsePlatform", () => {
  it("reads and normalises every form", () => {
    const cases: readonly (readonly [text: string, formatted: string])[] = [
      ["linux", "linux/amd64"],
      ["arm64", "linux/arm64"],
      ["arm", "linux/arm"],
      ["armhf", "linux/arm"],
      ["armel", "linux/arm/v6"],
      ["linux/amd64", "linux/amd64"],
      ["LINUX/X86_64", "linux/amd64"],
      ["linux/x86-64", "linux/amd64"],
      ["linux/i386", "linux/386"],
      ["linux/aarch64", "linux/arm64"],
      ["linux/arm64/v8", "linux/arm64/v8"],
      ["linux/arm64/8", "linux/arm64/v8"],
      ["linux/arm64/v9.0", "linux/arm64/v9"],
      ["linux/arm/v7", "linux/arm/v7"],
      ["linux/arm/7", "linux/arm/v7"],
      ["linux/arm/6", "linux/arm/v6"],
      ["linux/amd64/v1", "linux/amd64"],
      ["linux/amd64/v3", "linux/amd64/v3"],
      ["macos/arm64", "darwin/arm64"],
      ["linux/made-up", "linux/made-up"],
    ];
    for (const [text, formatted] of cases) {
      assert.equal(formatPlatform(parse(text)), formatted, text);
    }
  });

  it("takes what is left out from the host", () => {
    const arm: Platform = { os: "linux", architecture: "arm", variant: "v6" };
    assert.deepEqual(parsePlatform("linux", arm), arm);
    assert.deepEqual(parsePlatform("linux", { ...arm, variant: "v7" }), {
      os: "linux",
      architecture: "arm",
    });
    assert.deepEqual(parsePlatform("s390x", { os: "freebsd", architecture: "amd64" }), {
      os: "freebsd",
      architecture: "s390x",
    });
  });

  it("reads version and features of the OS", () => {
    assert.deepEqual(parse("windows(10.0.17763+win32k)/amd64"), {
      os: "windows",
      architecture: "amd64",
      osVersion: "10.0.17763",
      osFeatures: ["win32k"],
    });
    assert.deepEqual(parse("linux(+a%2Bb)/amd64").osFeatures, ["a+b"]);
    refused("PLATFORM_INVALID", () => parse("linux(%zz)/amd64"));
  });

  it("refuses in containerd's words", () => {
    const component = '"^[A-Za-z0-9_.-]+$"';
    const cases: readonly (readonly [text: string, message: string])[] = [
      ["*", '"*": wildcards not yet supported'],
      ["foo", '"foo": unknown operating system or architecture'],
      ["linux/arm64/v8/x", '"linux/arm64/v8/x": cannot parse platform specifier'],
      [
        "linux/",
        `"" is an invalid component of "linux/": platform specifier component must match ${component}`,
      ],
      [
        "a/b/c/d e",
        `"d e" is an invalid component of "a/b/c/d e": platform specifier component must match ${component}`,
      ],
      [
        "a/b/c/d/e",
        `"d/e" is an invalid component of "a/b/c/d/e": platform specifier component must match ${component}`,
      ],
    ];
    for (const [text, message] of cases) {
      const error = refused("PLATFORM_INVALID", () => parse(text));
      assert.equal(error.message, `${message}: invalid argument`);
    }
    for (const text of ["", "/amd64", "li nux/amd64"]) {
      const error = refused("PLATFORM_INVALID", () => parse(text));
      assert.match(error.message, /is an invalid OS component of .*: invalid argument$/);
    }
  });

  it("takes any text or refuses it; what it takes comes back", () => {
    const word = fc.constantFrom(
      "linux",
      "windows",
      "arm",
      "arm64",
      "amd64",
      "386",
      "v6",
      "v7",
      "v8",
    );
    const specifier = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.array(word, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/")),
    );
    fc.assert(
      fc.property(specifier, (text) => {
        const platform = resultOrRefusal(() => parse(text));
        if (platform instanceof LadeError) return assert.equal(platform.code, "PLATFORM_INVALID");
        assert.ok(matchPlatform(platform, platform));
        const normal = normalizePlatform(platform);
        assert.deepEqual(normalizePlatform(normal), normal);
        const back = normalizePlatform(parse(formatPlatform(platform)));
        assert.equal(formatPlatform(back), formatPlatform(normal));
      }),
      { numRuns: 1000 },
    );
  });
});

describe("hostPlatform", () => {
  it("speaks Go's words", () => {
    const cases: readonly (readonly [arch: string, platform: string, want: string])[] = [
      ["x64", "linux", "linux/amd64"],
      ["ia32", "linux", "linux/386"],
      ["arm64", "linux", "linux/arm64/v8"],
      ["arm", "linux", "linux/arm/v7"],
      ["ppc64", "linux", "linux/ppc64le"],
      ["s390x", "linux", "linux/s390x"],
      ["riscv64", "linux", "linux/riscv64"],
      ["arm64", "darwin", "darwin/arm64/v8"],
      ["x64", "win32", "windows/amd64"],
    ];
    for (const [arch, platform, want] of cases) {
      assert.equal(formatPlatform(hostPlatform({ arch, platform })), want);
    }
    const old = hostPlatform({ arch: "arm", platform: "linux", armVersion: "6" });
    assert.equal(formatPlatform(old), "linux/arm/v6");
  });

  it("is one that the parser knows", () => {
    const host = hostPlatform();
    assert.ok(matchPlatform(host, parsePlatform(formatPlatform(host))));
  });
});

describe("formatPlatform", () => {
  it("calls a platform without an OS unknown", () => {
    assert.equal(formatPlatform({ os: "", architecture: "" }), "unknown");
    assert.equal(formatPlatform({ os: "unknown", architecture: "unknown" }), "unknown/unknown");
  });
});

describe("matchPlatform", () => {
  it("compares what is meant, not what is written", () => {
    assert.ok(matchPlatform(parse("linux/arm64"), parse("linux/arm64/v8")));
    assert.ok(matchPlatform(parse("linux/arm"), parse("linux/arm/v7")));
    assert.ok(!matchPlatform(parse("linux/arm/v7"), parse("linux/arm/v6")));
    assert.ok(!matchPlatform(parse("linux/amd64"), parse("linux/386")));
    assert.ok(!matchPlatform(parse("linux/amd64"), parse("freebsd/amd64")));
  });

  it("refuses an OS feature that is not wanted", () => {
    const plain = parse("linux/amd64");
    const special = parse("linux(+erofs)/amd64");
    assert.ok(!matchPlatform(plain, special));
    assert.ok(matchPlatform(special, plain));
    assert.ok(matchPlatform(special, special));
  });
});

/** What the host takes of the offered platforms, best first. */
function ranking(host: string, offered: string): string[] {
  const comparer = comparePlatforms(parse(host));
  return offered
    .split(" ")
    .map(parse)
    .filter((platform) => comparer.matches(platform))
    .sort(comparer.compare)
    .map(formatPlatform);
}

describe("comparePlatforms", () => {
  it("lets a processor run what its elders ran, best first", () => {
    const arm =
      "linux/386 linux/arm/v5 linux/arm/v6 linux/arm/v7 linux/arm/v8 linux/arm64 linux/amd64";
    const cases: readonly (readonly [host: string, offered: string, want: string])[] = [
      ["linux/arm/v7", arm, "linux/arm/v7 linux/arm/v6 linux/arm/v5"],
      ["linux/arm/v6", arm, "linux/arm/v6 linux/arm/v5"],
      ["linux/arm/v5", arm, "linux/arm/v5"],
      ["linux/arm64", arm, "linux/arm64 linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5"],
      ["linux/amd64", arm, "linux/amd64 linux/386"],
      [
        "linux/amd64/v3",
        "linux/386 linux/amd64 linux/amd64/v4 linux/amd64/v2 linux/amd64/v3",
        "linux/amd64/v3 linux/amd64/v2 linux/amd64 linux/386",
      ],
      [
        "linux/arm64/v8.2",
        "linux/arm64 linux/arm64/v8.1 linux/arm64/v8.3 linux/arm64/v8.2",
        "linux/arm64/v8.2 linux/arm64/v8.1 linux/arm64",
      ],
      [
        "linux/arm64/v9.1",
        "linux/arm64/v8.6 linux/arm64/v8.7 linux/arm64/v9 linux/arm64 linux/arm64/v9.2",
        "linux/arm64/v9 linux/arm64/v8.6 linux/arm64",
      ],
      ["linux/s390x", "linux/amd64 linux/s390x", "linux/s390x"],
      ["linux/riscv64", arm, ""],
    ];
    for (const [host, offered, want] of cases) {
      assert.equal(ranking(host, offered).join(" "), want, host);
    }
  });

  it("takes nothing of another kind when strict", () => {
    const strict = comparePlatformsStrictly(parse("linux/arm/v7"));
    assert.ok(strict.matches(parse("linux/arm")));
    assert.ok(!strict.matches(parse("linux/arm/v6")));
    assert.ok(strict.compare(parse("linux/arm"), parse("linux/arm/v6")) < 0);
  });

  it("is an order: no cycles, and equal only both ways", () => {
    const offered = fc.constantFrom(
      ..."linux/386 linux/amd64 linux/amd64/v2 linux/arm linux/arm64 windows/amd64".split(" "),
    );
    fc.assert(
      fc.property(offered, offered, offered, (a, b, c) => {
        const { compare } = comparePlatforms(parse("linux/amd64/v2"));
        const [x, y, z] = [parse(a), parse(b), parse(c)];
        assert.equal(Math.sign(compare(x, y)) + Math.sign(compare(y, x)), 0);
        if (compare(x, y) <= 0 && compare(y, z) <= 0) assert.ok(compare(x, z) <= 0);
      }),
    );
  });
});
