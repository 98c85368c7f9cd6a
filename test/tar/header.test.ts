// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeHeader, isZeroBlock, type RawHeader } from "../../src/tar/header.ts";
import { BLOCK, base256, checksumOf, type TarEntry, tarHeader } from "../fixtures/tar-builder.ts";
import { assertRefused } from "./scan.ts";

const place = () => "layer 1: at byte 512";

function decode(entry: Partial<TarEntry>): RawHeader {
  return decodeHeader(tarHeader({ name: "n", ...entry }), place);
}

const text = (value: string) => Buffer.from(value, "latin1");

describe("numbers in a header", () => {
  it("are octal between spaces and NULs", () => {
    const cases: readonly (readonly [field: string, want: number])[] = [
      ["00000000000\0", 0],
      ["00000000017\0", 15],
      ["77777777777\0", 8 ** 11 - 1],
      ["777777777777", 8 ** 12 - 1],
      ["         17 ", 15],
      ["      17\0\0\0\0", 15],
      ["17          ", 15],
      ["\0      17\0\0\0", 15],
      ["            ", 0],
      ["\0".repeat(12), 0],
      ["17\0\xff\xff\xff\xff\xff\xff\xff\xff\xff", 15],
    ];
    for (const [field, want] of cases) {
      assert.equal(decode({ size: text(field) }).size, want, JSON.stringify(field));
    }
  });

  it("are refused where they are none", () => {
    for (const field of [
      "0000000008\0\0",
      "-0000000001\0",
      "0x0000000010",
      "1e3\0\0\0\0\0\0\0\0\0",
      "1,000\0\0\0\0\0\0\0",
      "+0000000001\0",
      "\x7f\0\0\0\0\0\0\0\0\0\0\0",
    ]) {
      assertRefused(
        () => decode({ size: text(field) }),
        "TAR_FIELD",
        /^layer 1: at byte 512: invalid tar header: size is .*expected a number/,
      );
    }
  });

  it("may be in base 256", () => {
    const cases: readonly (readonly [value: bigint, want: number])[] = [
      [0n, 0],
      [4n, 4],
      [8n ** 11n, 8 ** 11],
      [2n ** 53n - 1n, 2 ** 53 - 1],
    ];
    for (const [value, want] of cases) {
      assert.equal(decode({ size: base256(value, 12) }).size, want);
    }
    for (const value of [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n, 2n ** 94n]) {
      assertRefused(() => decode({ size: base256(value, 12) }), "TAR_FIELD");
    }
  });

  it("below 0 are right for times only", () => {
    for (const value of [-1, -5, -2_208_988_800, -(2 ** 53) + 1]) {
      const field = base256(BigInt(value), 12);
      assert.equal(decode({ mtime: field }).mtime, value);
      assertRefused(() => decode({ size: field }), "TAR_FIELD");
    }
    for (const value of [-(2n ** 53n), -(2n ** 63n), -(2n ** 90n)]) {
      assertRefused(() => decode({ mtime: base256(value, 12) }), "TAR_FIELD");
    }
    for (const name of ["uid", "gid", "mode"] as const) {
      assertRefused(() => decode({ [name]: base256(-1n, 8) }), "TAR_FIELD", new RegExp(name));
    }
  });

  it("come back from base 256 as they were", () => {
    const limit = BigInt(Number.MAX_SAFE_INTEGER);
    fc.assert(
      fc.property(fc.bigInt({ min: -limit, max: limit }), (value) => {
        assert.equal(decode({ mtime: base256(value, 12) }).mtime, Number(value));
      }),
    );
  });

  it("are read for each field by itself", () => {
    const header = decode({
      mode: 0o104755,
      uid: 4_294_967_294,
      gid: 2_097_152,
      size: 3,
      mtime: 1_714_558_830,
      devMajor: 8,
      devMinor: 1_048_575,
    });
    assert.deepEqual(
      { ...header },
      {
        format: "ustar",
        name: "n",
        linkName: "",
        typeFlag: "0",
        mode: 0o4755,
        uid: 4_294_967_294,
        gid: 2_097_152,
        size: 3,
        mtime: 1_714_558_830,
        deviceMajor: 8,
        deviceMinor: 1_048_575,
      },
    );
  });
});

describe("formats of a header", () => {
  const noise = text("not a number");

  it("are told by the magic", () => {
    assert.equal(decode({}).format, "ustar");
    assert.equal(decode({ dialect: "gnu" }).format, "gnu");
    assert.equal(decode({ dialect: "v7" }).format, "v7");
    assert.equal(decode({ raw: { 508: "tar\0" } }).format, "star");
  });

  it("decide what lies before the name", () => {
    assert.equal(decode({ prefix: "some/folder" }).name, "some/folder/n");
    assert.equal(decode({ prefix: "p".repeat(155) }).name, `${"p".repeat(155)}/n`);
    assert.equal(decode({ dialect: "gnu", raw: { 345: "14614412056\0" } }).name, "n");
    assert.equal(decode({ dialect: "v7", raw: { 345: "junk" } }).name, "n");
    const star = { 508: "tar\0", 345: "p".repeat(131), 476: "00000000001 00000000001 " };
    assert.equal(decode({ raw: star }).name, `${"p".repeat(131)}/n`);
  });

  it("of the seventh edition have no devices", () => {
    assert.equal(decode({ dialect: "v7", raw: { 329: noise } }).deviceMajor, 0);
    assertRefused(() => decode({ raw: { 329: "notanum\0" } }), "TAR_FIELD", /devmajor/);
  });

  it("keep every byte of a name", () => {
    const name = Buffer.from(Array.from({ length: 99 }, (_, index) => 0x9d + index));
    assert.equal(decode({ name }).name, name.toString("latin1"));
    assert.equal(decode({ name: "n".repeat(100) }).name, "n".repeat(100));
    assert.equal(decode({ raw: { 0: "a\0b" } }).name, "a");
  });
});

describe("the checksum", () => {
  const header = tarHeader({ name: "h\u00e9", size: 5 });

  it("may be over unsigned or signed bytes, and end as it likes", () => {
    const unsigned = checksumOf(header);
    const signed = unsigned - 2 * 256;
    for (const sum of [unsigned, signed]) {
      const octal = sum.toString(8);
      for (const field of [
        `${octal.padStart(6, "0")}\0 `,
        `${octal.padStart(7, "0")}\0`,
        `${octal.padStart(6, " ")}\0 `,
        octal.padStart(8, "0"),
      ]) {
        const checksum = text(field);
        assert.equal(decode({ name: "h\u00e9", size: 5, checksum }).size, 5, JSON.stringify(field));
      }
    }
  });

  it("is wrong after any change of a byte", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: BLOCK - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (offset, change) => {
          const block = Buffer.from(header);
          block[offset] = ((block[offset] as number) + change) % 256;
          const isInField = offset >= 148 && offset < 156;
          // Other spaces and leading zeros in the field say the same number.
          if (isInField) return;
          assertRefused(() => decodeHeader(block, place), "TAR_CHECKSUM", /checksum/);
        },
      ),
    );
  });

  it("makes a block of text no header", () => {
    assertRefused(() => decodeHeader(Buffer.alloc(BLOCK, "text "), place), "TAR_CHECKSUM");
  });
});

describe("isZeroBlock", () => {
  it("looks at all of the block and at nothing behind it", () => {
    assert.ok(isZeroBlock(Buffer.alloc(BLOCK)));
    assert.ok(isZeroBlock(Buffer.concat([Buffer.alloc(BLOCK), Buffer.from("x")])));
    for (const offset of [0, 1, 255, BLOCK - 1]) {
      const block = Buffer.alloc(BLOCK);
      block[offset] = 1;
      assert.ok(!isZeroBlock(block));
    }
  });
});
