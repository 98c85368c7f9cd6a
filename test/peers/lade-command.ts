// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import type { TestStore } from "../helpers/store.ts";
import { shellQuote } from "../helpers/tools.ts";

/** The command line's entry, from its sources, so that no build has to be there. */
const entry = join(import.meta.dirname, "../../bin/main.ts");

/** The words before a command of lade on a test's store. */
export function ladeCommand(store: TestStore): readonly [string, ...string[]] {
  return [process.execPath, "--disable-warning=ExperimentalWarning", entry, "--root", store.root];
}

/** The same for a line of a shell. */
export function ladeInShell(store: TestStore): string {
  return ladeCommand(store).map(shellQuote).join(" ");
}
