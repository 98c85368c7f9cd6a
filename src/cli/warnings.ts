// SPDX-License-Identifier: Apache-2.0

import type { OutputStream } from "./context.ts";
import { printable } from "./format/printable.ts";

export function writeWarnings(output: OutputStream, warnings: readonly string[]): void {
  for (const warning of warnings) output.write(`WARNING: ${printable(warning)}\n`);
}
