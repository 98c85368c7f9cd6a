// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";

/**
 * Refuses what only root may do, before anything is begun.
 *
 * @param what such as `run containers`
 * @throws LadeError ROOT_NEEDED
 */
export function checkIsRoot(what: string): void {
  if (process.geteuid?.() === 0) return;
  throw new LadeError("ROOT_NEEDED", `only root may ${what}`, {
    hint: "Run the command with sudo.",
  });
}
