// SPDX-License-Identifier: Apache-2.0

import type { UseCases } from "./use-cases.ts";

export interface OutputStream {
  readonly isTerminal: boolean;
  /** Width of the terminal; undefined where it is not one or doesn't tell. */
  readonly columns: number | undefined;
  write(text: string): void;
}

export interface InputStream {
  readonly isTerminal: boolean;
  /** The next line without its end; undefined at the end of the input. */
  readLine(): string | undefined;
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
  readonly useCases: UseCases;
  /** Milliseconds since 1970. */
  now(): number;
}
