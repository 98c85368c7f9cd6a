// SPDX-License-Identifier: Apache-2.0

export type OutputName = "stdout" | "stderr";

export const rawType = "application/vnd.docker.raw-stream";
const multiplexedType = "application/vnd.docker.multiplexed-stream";

/** From 1.42 on the type tells whether there are frames. */
export function streamType(version: number, hasTerminal: boolean): string {
  return version >= 42 && !hasTerminal ? multiplexedType : rawType;
}

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

const batchSize = 64 * 1024;

/**
 * Gathers small pieces that come at once into larger writes. At most a batch waits while another is
 * being written, so that a slow reader holds up whoever writes here.
 */
export class Batcher {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  #parts: Uint8Array[] = [];
  #size = 0;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Immediate | undefined;

  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  /** Takes a piece, whose memory stays the batch's. Rejects where an earlier write failed. */
  async add(bytes: Uint8Array): Promise<void> {
    this.#parts.push(bytes);
    this.#size += bytes.length;
    if (this.#size >= batchSize) return await this.flush();
    this.#timer ??= setImmediate(() => {
      this.#timer = undefined;
      // What goes wrong here is told to who adds or flushes next.
      this.flush().catch(() => {});
    });
  }

  /** Writes all that was added. */
  async flush(): Promise<void> {
    this.#running = (this.#running ?? Promise.resolve()).then(() => this.#writeBatch());
    this.#running.catch(() => {});
    await this.#running;
  }

  async #writeBatch(): Promise<void> {
    if (this.#size === 0) return;
    const batch =
      this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts, this.#size);
    this.#parts = [];
    this.#size = 0;
    if (batch !== undefined) await this.#write(batch);
  }
}
