// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";

/**
 * The words that start lade again: what the monitor of a container runs when the container ends.
 *
 * Never taken from this process's own arguments: those may be a test's, or another program's that
 * uses lade as a library.
 */
export function selfCommand(): readonly string[] {
  const isSource = import.meta.filename.endsWith(".ts");
  const entry = isSource
    ? join(import.meta.dirname, "..", "..", "bin", "main.ts")
    : join(import.meta.dirname, "start.cjs");
  return [process.execPath, "--disable-warning=ExperimentalWarning", entry];
}
