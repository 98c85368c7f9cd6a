// SPDX-License-Identifier: Apache-2.0
import { type FileHandle, open } from "node:fs/promises";

const BLOCK = 512;
const CHUNK = 4 * 1024 * 1024;
const MAX_OCTAL_SIZE = 8 ** 11 - 1;

export interface TarMember {
  readonly path: string;
  readonly kind: "file" | "folder";
  /** Bytes of content. */
  readonly size: number;
}

/**
 * One ustar header (POSIX.1-2001 pax, section ustar) with fixed owner, mode and time.
 *
 * @throws Error for a path over 100 bytes or a size over 8 GiB, which need extensions
 */
export function tarHeader({ path, kind, size }: TarMember): Buffer {
  if (Buffer.byteLength(path) > 100 || size > MAX_OCTAL_SIZE) {
    throw new Error(`${path}: ${size} bytes do not fit a plain ustar header`);
  }
  const header = Buffer.alloc(BLOCK);
  header.write(path, 0);
  header.write(kind === "file" ? "0000644\0" : "0000755\0", 100);
  header.write("0000000\0".repeat(2), 108);
  header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  header.write("14000000000\0", 136);
  header.write(" ".repeat(8), 148);
  header.write(kind === "file" ? "0" : "5", 156);
  header.write("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

/** How many zero bytes follow content of this size. */
export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

/** Bytes that a member takes: header, content and padding. */
export function memberSize(size: number): number {
  return BLOCK + size + paddingOf(size);
}

/** The two empty blocks that end a tar. */
export const tarEnd: Buffer = Buffer.alloc(2 * BLOCK);

/** Collects bytes into large writes. */
export interface TarSink {
  write(bytes: Uint8Array): Promise<void>;
  /** Writes out what is left and closes the file. */
  close(): Promise<number>;
}

/** A sink into a new file; `close` gives the file's size. */
export async function openTarSink(path: string): Promise<TarSink> {
  const file: FileHandle = await open(path, "wx");
  const chunk = Buffer.allocUnsafe(CHUNK);
  let filled = 0;
  let total = 0;
  const flush = async (): Promise<void> => {
    let done = 0;
    while (done < filled) done += (await file.write(chunk, done, filled - done)).bytesWritten;
    total += filled;
    filled = 0;
  };
  return {
    async write(bytes) {
      for (let offset = 0; offset < bytes.length; ) {
        const part = bytes.subarray(offset, offset + CHUNK - filled);
        chunk.set(part, filled);
        filled += part.length;
        offset += part.length;
        if (filled === CHUNK) await flush();
      }
    },
    async close() {
      await flush();
      await file.close();
      return total;
    },
  };
}
