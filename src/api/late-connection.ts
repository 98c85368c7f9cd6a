// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import type { AttachStreams } from "../engine/container-types.ts";
import type { RawConnection } from "./answer.ts";
import { frame, type OutputName } from "./frames.ts";

export interface WantedStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/**
 * A process's streams for a connection that is still HTTP: what cannot be attached to is answered
 * as any error, and who is answered 101 is attached already. Output waits until then.
 */
export class LateConnection {
  readonly streams: AttachStreams;
  /** Whether output goes out in frames; told before the connection is. */
  isFramed = true;
  readonly #wire: PromiseWithResolvers<RawConnection> = Promise.withResolvers<RawConnection>();
  #connection: RawConnection | undefined;

  constructor({ stdin, stdout, stderr }: WantedStreams) {
    this.streams = {
      ...(stdin && { stdin: this.#input() }),
      ...(stdout && { stdout: (bytes: Uint8Array) => this.#write("stdout", bytes) }),
      ...(stderr && { stderr: (bytes: Uint8Array) => this.#write("stderr", bytes) }),
    };
  }

  open(connection: RawConnection): void {
    this.#connection = connection;
    this.#wire.resolve(connection);
    if (this.streams.stdin !== undefined) return;
    // Unread, it would hide the end of the connection.
    drain(connection.input).catch(() => {});
  }

  /**
   * For who left before the connection was there: whatever waits for it ends. Left to itself, a log
   * that is open meanwhile would be closed by the garbage collector, which ends the process.
   */
  abandon(): void {
    this.#wire.promise.catch(() => {});
    this.#wire.reject(new LadeError("PIPE_CLOSED", "the client has left"));
  }

  /** Says something where the process's output would be. */
  async tell(words: string): Promise<void> {
    await this.#write("stdout", Buffer.from(words));
  }

  async #write(output: OutputName, bytes: Uint8Array): Promise<void> {
    const connection = this.#connection ?? (await this.#wire.promise);
    await connection.write(this.isFramed ? frame(output, bytes) : bytes);
  }

  async *#input(): AsyncGenerator<Uint8Array> {
    yield* (await this.#wire.promise).input;
  }
}

async function drain(input: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of input);
}
