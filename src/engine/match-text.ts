// SPDX-License-Identifier: Apache-2.0

/**
 * Whether a name has the wanted text in it, or matches it as a regular expression, as Docker's
 * filters by name do (`Args.Match` of moby). What is no expression matches as text only.
 */
export function matchesText(wanted: string, name: string): boolean {
  if (name.includes(wanted)) return true;
  const pattern = compile(wanted);
  return pattern?.test(name) === true;
}

const longestPattern = 256;

function compile(text: string): RegExp | undefined {
  if (text.length > longestPattern) return undefined;
  try {
    return new RegExp(text);
  } catch {
    return undefined;
  }
}
