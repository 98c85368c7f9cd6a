// SPDX-License-Identifier: Apache-2.0

/** Where commands are looked for when the image does not say. */
export const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface EnvironmentOptions {
  readonly hostname: string;
  readonly hasTerminal: boolean;
  /** Of containers that this one is linked to. */
  readonly linked?: readonly string[] | undefined;
  /** `NAME=VALUE`; a name alone takes the variable away. */
  readonly own: readonly string[];
}

/** The variables of a container's or exec's process, `HOME` aside, which the runtime adds. */
export function makeEnvironment(options: EnvironmentOptions): readonly string[] {
  const base = [
    `PATH=${defaultPath}`,
    `HOSTNAME=${options.hostname}`,
    ...(options.hasTerminal ? ["TERM=xterm"] : []),
    ...(options.linked ?? []),
  ];
  return replaceVariables(base, options.own);
}

/** Later values take the places of earlier ones (`ReplaceOrAppendEnvValues` of moby). */
export function replaceVariables(
  base: readonly string[],
  overrides: readonly string[],
): readonly string[] {
  const entries = new Map(base.map((entry) => [nameOf(entry), entry]));
  for (const entry of overrides) {
    if (entry.includes("=")) entries.set(nameOf(entry), entry);
    else entries.delete(entry);
  }
  return [...entries.values()];
}

function nameOf(entry: string): string {
  return entry.split("=", 1)[0] ?? "";
}
