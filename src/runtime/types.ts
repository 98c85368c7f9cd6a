// SPDX-License-Identifier: Apache-2.0

/** Where an attached container's or exec's bytes go and come from. */
export interface AttachStreams {
  /** Undefined: nothing is sent. Its end closes the container's input where that was asked for. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  /** Undefined: dropped. With a terminal everything comes here. May block: the source then waits. */
  readonly stdout?: ((chunk: Uint8Array) => void | Promise<void>) | undefined;
  readonly stderr?: ((chunk: Uint8Array) => void | Promise<void>) | undefined;
}

export interface AttachOptions extends AttachStreams {
  /** Such as `ctrl-p,ctrl-q`; empty for Docker's default. Looked for with a terminal only. */
  readonly detachKeys?: string | undefined;
  /** Told when the keys came, and the attachment has ended by them. */
  readonly onDetachKeys?: (() => void) | undefined;
}

/** A live connection to a container's or exec's terminal or pipes. */
export interface Attachment extends AsyncDisposable {
  /** Ends when the process's output ended, or the user detached. */
  readonly ended: Promise<"closed" | "detached">;
  resize(size: TerminalSize): void;
  /** Leaves without ending the container. */
  detach(): void;
}

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export interface LogOptions {
  readonly follow?: boolean | undefined;
  readonly stdout?: boolean | undefined;
  readonly stderr?: boolean | undefined;
  /** Nanoseconds since 1970. */
  readonly sinceNs?: bigint | undefined;
  readonly untilNs?: bigint | undefined;
  /** Last so many lines; undefined: all. */
  readonly tail?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A line, or the part of one that was written so far. */
export interface LogRecord {
  readonly stream: "stdout" | "stderr";
  /** RFC 3339 with nanoseconds, in UTC. */
  readonly time: string;
  /** With its newline where the line is whole. */
  readonly bytes: Uint8Array;
  /** False: more of the same line follows in the next record of this stream. */
  readonly isWhole: boolean;
}

export interface TopResult {
  readonly Titles: readonly string[];
  readonly Processes: readonly (readonly string[])[];
}
