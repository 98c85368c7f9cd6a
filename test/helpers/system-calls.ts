// SPDX-License-Identifier: Apache-2.0

import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

type Call = (...args: never[]) => unknown;

/** An error as Node makes it of a failed system call. */
export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: as asked for by a test`), { code });
}

/**
 * Puts another function in the place of one of `node:fs`, for all modules of this process.
 *
 * @param make is given the true function
 * @returns puts the true one back when it is disposed of
 */
export function replaceCall<K extends keyof typeof fs>(
  name: K,
  make: (real: (typeof fs)[K]) => Call,
): Disposable {
  const real = fs[name];
  Object.assign(fs, { [name]: make(real) });
  syncBuiltinESMExports();
  return {
    [Symbol.dispose]() {
      Object.assign(fs, { [name]: real });
      syncBuiltinESMExports();
    },
  };
}
