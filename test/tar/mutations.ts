// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import { BLOCK, checksumOf } from "../fixtures/tar-builder.ts";

/** Changes to some bytes, most of them where headers have their fields. */
export const mutation = fc.record({
  block: fc.nat({ max: 60 }),
  offset: fc.oneof(
    fc.nat({ max: BLOCK - 1 }),
    fc.constantFrom(0, 100, 108, 124, 125, 134, 136, 148, 156, 157, 257, 263, 345, 386, 482, 483),
  ),
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 12 }),
    fc.constantFrom(
      Buffer.alloc(12),
      Buffer.alloc(12, 0xff),
      Buffer.from("77777777777\0"),
      Buffer.from("00000000777\0"),
      Buffer.from([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0]),
      ...[..."xgLKSV0123456789\0D"].map((letter) => Buffer.from(letter)),
    ),
  ),
  /** Most readers look no further than the checksum. */
  mendsChecksum: fc.boolean(),
});

export type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

export function mutated(archive: Buffer, mutations: readonly Mutation[]): Buffer {
  const bytes = Buffer.from(archive);
  for (const { block, offset, bytes: change, mendsChecksum } of mutations) {
    const start = (block * BLOCK) % Math.max(bytes.length, BLOCK);
    const header = bytes.subarray(start, start + BLOCK);
    header.set(change.subarray(0, Math.max(0, header.length - offset)), offset);
    if (!mendsChecksum || header.length < BLOCK) continue;
    header.write(`${checksumOf(header).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  }
  return bytes;
}
