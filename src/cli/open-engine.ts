// SPDX-License-Identifier: Apache-2.0

import type { GlobalOptions } from "./command.ts";
import type { Context } from "./context.ts";

/** The engine on the store that the command line or the environment names. */
export function openEngine(
  context: Context,
  globals: GlobalOptions,
  options: { readonly staysAwake?: boolean } = {},
): ReturnType<Context["useCases"]["openEngine"]> {
  const fromEnvironment = context.env.LADE_ROOT;
  const root = globals.root ?? (fromEnvironment === "" ? undefined : fromEnvironment);
  return context.useCases.openEngine({ root, endsWithProcess: true, ...options });
}
