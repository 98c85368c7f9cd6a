// SPDX-License-Identifier: Apache-2.0

import type { Context } from "./context.ts";

/** Asks before something is removed. */
export function confirm(context: Context, warning: string): boolean {
  context.stdout.write(`${warning}\nAre you sure you want to continue? [y/N] `);
  return context.stdin.readLine()?.trim().toLowerCase() === "y";
}
