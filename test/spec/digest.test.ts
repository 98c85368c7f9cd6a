// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  chainIds,
  digestHex,
  digestOf,
  isDigest,
  parseDigest,
  shortId,
} from "../../src/spec/digest.ts";
import { refused } from "./refused.ts";

const hex = "0123456789abcdef".repeat(4);

describe("digest", () => {
  it("knows the digest of nothing", () => {
    const empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert.equal(digestOf(new Uint8Array()), empty);
    assert.equal(digestOf(""), empty);
    assert.equal(shortId(digestOf("")), "e3b0c44298fc");
    assert.equal(digestHex(digestOf("")), empty.slice(7));
  });

  it("refuses all but sha256 and 64 lower-case digits, and names the place", () => {
    for (const text of [
      "",
      hex,
      "sha256:",
      `sha256:${hex.slice(1)}`,
      `sha256:${hex}0`,
      `sha256:${hex.toUpperCase()}`,
      `SHA256:${hex}`,
      `md5:${hex}`,
      `sha512:${hex}${hex}`,
      `sha256:../../${hex.slice(6)}`,
      `sha256:${hex}\n`,
      ` sha256:${hex}`,
    ]) {
      assert.equal(isDigest(text), false, text);
      const error = refused("DIGEST_INVALID", () => parseDigest(text, "manifest.json"));
      assert.match(error.message, /^manifest\.json: expected "sha256:" and 64 lower-case/);
    }
  });

  it("shows a hostile digest without its control characters, and not in full", () => {
    const error = refused("DIGEST_INVALID", () => parseDigest(`\x1b[2J${"x".repeat(9000)}`, "x"));
    assert.ok(!error.message.includes("\x1b"));
    assert.ok(error.message.length < 300);
  });

  it("takes every digest that it makes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const digest = digestOf(bytes);
        assert.equal(digest, `sha256:${createHash("sha256").update(bytes).digest("hex")}`);
        assert.equal(parseDigest(digest, "x"), digest);
      }),
    );
  });
});

describe("chainIds", () => {
  it("is the diffID for one layer, and hashes pairs above it", () => {
    const [a, b, c] = [digestOf("a"), digestOf("b"), digestOf("c")];
    const second = digestOf(`${a} ${b}`);
    assert.deepEqual(chainIds([]), []);
    assert.deepEqual(chainIds([a]), [a]);
    assert.deepEqual(chainIds([a, b, c]), [a, second, digestOf(`${second} ${c}`)]);
  });
});
