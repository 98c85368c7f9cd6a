// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { posix } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isLadeError } from "../../src/base/errors.ts";
import { layerPath, type WhiteoutKind, whiteoutKind } from "../../src/tar/layer-path.ts";
import { assertRefused } from "./scan.ts";

const place = () => "layer 1: at byte 512";
const pathOf = (path: string) => layerPath(path, place);

describe("layerPath", () => {
  it("leaves what is below the root", () => {
    const cases: readonly (readonly [path: string, want: string])[] = [
      ["a", "a"],
      ["a/b", "a/b"],
      ["./a", "a"],
      ["/a", "a"],
      ["////etc/x", "etc/x"],
      ["a/", "a"],
      ["a//", "a"],
      ["./opt//./y", "opt/y"],
      ["./././a", "a"],
      ["a/../b", "b"],
      ["a/b/../../c", "c"],
      ["/a/..", ""],
      ["", ""],
      [".", ""],
      ["./", ""],
      ["/", ""],
      ["./.", ""],
      ["..a", "..a"],
      ["a..", "a.."],
      ["...", "..."],
      [".a/.b", ".a/.b"],
      ["a\\..\\x", "a\\..\\x"],
      ["C:..\\x", "C:..\\x"],
      ["\xff\xfe", "\xff\xfe"],
      ["a\nb", "a\nb"],
    ];
    for (const [path, want] of cases) assert.equal(pathOf(path), want, path);
  });

  it("refuses names that climb out, with what they are", () => {
    for (const path of ["..", "../v", "/../v", "a/../../v", "a/../..", "./..", ".//../x"]) {
      assertRefused(() => pathOf(path), "NAME_ESCAPES", /at byte 512: ".*" climbs out/);
    }
  });

  it("refuses a NUL and too many folders", () => {
    assertRefused(() => pathOf("a\0b"), "TAR_FIELD", /NUL/);
    assertRefused(() => pathOf("./a/../\0"), "TAR_FIELD", /NUL/);
    assert.equal(pathOf(`${"d/".repeat(1023)}d`).split("/").length, 1024);
    assertRefused(() => pathOf("d/".repeat(1025)), "LIMIT_EXCEEDED", /1025 folders deep/);
    assert.equal(pathOf("d/../".repeat(2000)), "");
  });

  it("is what node:path makes of it, or a refusal", () => {
    const part = fc.constantFrom("a", "b", "..", ".", "", "..a", "\x80");
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const path = parts.join("/");
        const relative = posix.normalize(path.replace(/^\/+/, "") || ".").replace(/\/$/, "");
        const want = relative === "." ? "" : relative;
        try {
          assert.equal(pathOf(path), want);
        } catch (error) {
          if (!isLadeError(error, "NAME_ESCAPES")) throw error;
          assert.match(want, /^\.\.(?:\/|$)/);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("whiteoutKind", () => {
  it("tells whiteouts by the last part of a name", () => {
    const cases: readonly (readonly [path: string, want: WhiteoutKind])[] = [
      ["a", "none"],
      ["a.wh.b", "none"],
      [".wh", "none"],
      [".wh.a/b", "none"],
      [".wh.a", "whiteout"],
      ["etc/.wh.issue", "whiteout"],
      [".wh..a", "whiteout"],
      [".wh.....", "whiteout"],
      [".wh..wh..opq", "opaque"],
      ["var/cache/.wh..wh..opq", "opaque"],
      [".wh..wh..opqx", "metadata"],
      [".wh..wh.aufs", "metadata"],
      [".wh..wh.plnk", "metadata"],
      [".wh..wh.plnk/12.34", "none"],
    ];
    for (const [path, want] of cases) assert.equal(whiteoutKind(path, place), want, path);
  });

  it("refuses whiteouts of nothing, of the folder and of its parent", () => {
    for (const name of [".wh.", ".wh..", ".wh..."]) {
      for (const path of [name, `a/${name}`]) {
        assertRefused(() => whiteoutKind(path, place), "NAME_ESCAPES", /names no file/);
      }
    }
  });
});
