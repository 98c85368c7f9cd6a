// SPDX-License-Identifier: Apache-2.0

import { Readable, type Transform } from "node:stream";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import type { ByteSource } from "../base/bytes.ts";
import { isLadeError, LadeError, messageOf } from "../base/errors.ts";
import { limits } from "../base/limits.ts";

export type Compression = "none" | "gzip" | "bzip2" | "xz" | "zstd";

/** How many first bytes tell the compression. */
export const compressionMagicSize = 6;

/** Tells by the first bytes how a file is compressed. */
export function sniffCompression(head: Uint8Array): Compression {
  const starts = (...magic: number[]) => magic.every((byte, index) => head[index] === byte);
  if (starts(0x1f, 0x8b)) return "gzip";
  if (starts(0x42, 0x5a, 0x68)) return "bzip2";
  if (starts(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return "xz";
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return "zstd";
  // A skippable frame: pzstd and stargz begin with one.
  const isSkippable = (head[0] ?? 0) >= 0x50 && (head[0] ?? 0) <= 0x5f;
  if (isSkippable && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18) return "zstd";
  return "none";
}

const chunkSize = 1024 * 1024;
const bzip2ChunkSize = 64 * 1024;

/**
 * The bytes that a compressed source stands for.
 *
 * Always in this process, with Node's zlib or a library's WebAssembly: a program named `xz` or
 * `unpigz` could come from the image itself (CVE-2014-9357).
 *
 * @param place what errors name
 * @throws LadeError COMPRESSION_CORRUPT while reading, for damaged or cut-off data
 */
export function decompress(
  source: ByteSource,
  compression: Compression,
  place: string,
): ByteSource {
  switch (compression) {
    case "none":
      return source;
    case "gzip":
      return transformed(source, place, () => createGunzip({ chunkSize }));
    case "zstd":
      return transformed(source, place, () =>
        createZstdDecompress({
          chunkSize,
          params: { [constants.ZSTD_d_windowLogMax]: limits.zstdWindowLog },
        }),
      );
    case "bzip2":
      return lazySource(place, () => openBzip2(source));
    case "xz":
      return lazySource(place, () => openXz(source));
  }
}

/**
 * The decoder is a stream of Node's oldest kind, which has no backpressure but answers each write
 * before it returns: so it is driven by hand, one small write a time.
 */
async function openBzip2(source: ByteSource): Promise<AsyncIterable<Buffer>> {
  const { default: unbzip2 } = await import("unbzip2-stream");
  return decodeBzip2(source, unbzip2() as unknown as Transform);
}

async function* decodeBzip2(source: ByteSource, decoder: Transform): AsyncGenerator<Buffer> {
  const decoded: Buffer[] = [];
  let failure: Error | undefined;
  decoder.on("data", (chunk: Buffer) => decoded.push(chunk));
  decoder.on("error", (error) => {
    failure = error;
  });
  for (let isOpen = true; isOpen; ) {
    const chunk = Buffer.allocUnsafe(bzip2ChunkSize);
    const count = await source.read(chunk);
    isOpen = count > 0;
    if (isOpen) decoder.write(chunk.subarray(0, count));
    else decoder.end();
    yield* decoded.splice(0);
    if (failure !== undefined) throw failure;
  }
}

async function openXz(source: ByteSource): Promise<AsyncIterable<Buffer>> {
  // CommonJS: Node puts its exports under `default`.
  const { default: xz } = (await import("xz-decompress")) as unknown as {
    default: typeof import("xz-decompress");
  };
  const web = Readable.toWeb(toReadable(source)) as unknown as ConstructorParameters<
    typeof xz.XzReadableStream
  >[0];
  return Readable.fromWeb(new xz.XzReadableStream(web) as never);
}

function transformed(source: ByteSource, place: string, make: () => Transform): ByteSource {
  return lazySource(place, () => {
    const input = toReadable(source);
    const transform = make();
    input.on("error", (error) => transform.destroy(error));
    return Promise.resolve(input.pipe(transform));
  });
}

/** A Node stream that pulls from the source, with as much read-ahead as one chunk. */
function toReadable(source: ByteSource): Readable {
  return new Readable({
    highWaterMark: chunkSize,
    read() {
      const buffer = Buffer.allocUnsafe(chunkSize);
      source.read(buffer).then(
        (count) => this.push(count === 0 ? null : buffer.subarray(0, count)),
        (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
      );
    },
  });
}

/** A source over a stream that is opened at the first read. */
function lazySource(place: string, open: () => Promise<AsyncIterable<Buffer>>): ByteSource {
  let chunks: AsyncIterator<Buffer> | undefined;
  let held: Buffer = Buffer.alloc(0);
  return {
    async read(target: Uint8Array): Promise<number> {
      try {
        chunks ??= (await open())[Symbol.asyncIterator]();
        while (held.length === 0) {
          const next = await chunks.next();
          if (next.done === true) return 0;
          held = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.length);
        }
      } catch (error) {
        throw corrupt(error, place);
      }
      const count = held.copy(target);
      held = held.subarray(count);
      return count;
    },
  };
}

function corrupt(error: unknown, place: string): unknown {
  if (isLadeError(error)) return error;
  const systemCode = error instanceof Error && "code" in error ? String(error.code) : "";
  // A failed read of the input is no fault of the compressed data.
  if (/^E[A-Z]+$/.test(systemCode)) return error;
  const isCut = systemCode === "Z_BUF_ERROR" || systemCode === "ZSTD_error_srcSize_wrong";
  return new LadeError(
    "COMPRESSION_CORRUPT",
    `${place}: ${isCut ? "unexpected EOF" : "corrupt compressed data"}: ${messageOf(error)}`,
    {
      cause: error,
      hint: "The file was damaged or cut off while it was made or copied: make or copy it again.",
    },
  );
}
