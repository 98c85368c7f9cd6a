// SPDX-License-Identifier: Apache-2.0

export type OutputName = "stdout" | "stderr";

const headerSize = 8;

/**
 * One frame of Docker's multiplexed stream: the stream's number, three zeros, the size as 32 bits
 * with the highest byte first, the bytes.
 *
 * Source: `stdcopy` of moby (pkg/stdcopy).
 */
export function frame(output: OutputName, bytes: Uint8Array): Uint8Array {
  const framed = Buffer.allocUnsafe(headerSize + bytes.length);
  framed.writeUInt32BE(output === "stdout" ? 0x01_00_00_00 : 0x02_00_00_00, 0);
  framed.writeUInt32BE(bytes.length, 4);
  framed.set(bytes, headerSize);
  return framed;
}
