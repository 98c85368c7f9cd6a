// SPDX-License-Identifier: Apache-2.0

import type fc from "fast-check";
import { isLadeError } from "../../../src/base/errors.ts";

/** One thing that takes bytes or text from outside. */
export interface FuzzTarget {
  readonly name: string;
  /** How much less often than the others it is run, where one execution takes long. */
  readonly divisor?: number;
  open(): Promise<FuzzRun>;
}

export interface FuzzRun {
  readonly property: fc.IRawProperty<unknown>;
  /** Releases what it took, and says what is wrong by then. */
  close?(): Promise<readonly string[]>;
}

/** What comes of work: its value, or the code and message of a refusal; a bug is thrown on. */
export function outcome<T>(work: () => T): T | string {
  try {
    return work();
  } catch (error) {
    return refusal(error);
  }
}

/** As {@link outcome}, for what takes time. */
export async function outcomeOf<T>(work: () => Promise<T>): Promise<T | string> {
  try {
    return await work();
  } catch (error) {
    return refusal(error);
  }
}

function refusal(error: unknown): string {
  if (isLadeError(error)) return `${error.code} ${error.message}`;
  throw error;
}
