// SPDX-License-Identifier: Apache-2.0

import type { TerminalSize } from "../engine/container-types.ts";
import type { Zone } from "../sys/local-time.ts";
import type { UseCases } from "./use-cases.ts";

export interface TextOutput {
  readonly isTerminal: boolean;
  /** Width of the terminal; undefined where it is not one or doesn't tell. */
  readonly columns: number | undefined;
  write(text: string): void;
}

export interface OutputStream extends TextOutput {
  /** Undefined where it is no terminal. */
  readonly size: TerminalSize | undefined;
  /** Writes bytes as they are; resolves when they are written, however slow the reader is. */
  writeBytes(bytes: Uint8Array): Promise<void>;
}

/** Bytes of the input as they come; disposing of it ends it. */
export interface InputReader extends AsyncIterable<Uint8Array>, Disposable {}

export interface InputStream {
  readonly isTerminal: boolean;
  /** The next line without its end; undefined at the end of the input. */
  readLine(): string | undefined;
  /** To be called once in a command. */
  open(): InputReader;
  /** Hands on each key of the terminal as it is typed. @returns what puts the terminal back */
  makeRaw(): () => void;
}

/** Everything of the outside that a command may touch, so that a test can be the outside. */
export interface Context {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by SIGINT and SIGTERM. Signals act as ever until a command first asks for it. */
  readonly signal: AbortSignal;
  /** Number of the signal that aborted the command. */
  readonly interruptedBy: number | undefined;
  /** Calls the listener for each signal that can be caught, in place of what it does by itself. */
  onSignal(listener: (name: NodeJS.Signals) => void): Disposable;
  /** Calls the listener when the size of the terminal has changed. */
  onResize(listener: () => void): Disposable;
  readonly useCases: UseCases;
  /** Milliseconds since 1970. */
  now(): number;
  /** This machine's time zone, as it is at that time. */
  zoneAt(timeMs: number): Zone;
}
