// SPDX-License-Identifier: Apache-2.0

/** Objects in place of maps, which JSON.stringify does not know, and without undefined members. */
export function toPlain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(toPlain);
  const entries: Iterable<[string, unknown]> = value instanceof Map ? value : Object.entries(value);
  const plain: [string, unknown][] = [];
  for (const [key, member] of entries) {
    if (member !== undefined) plain.push([key, toPlain(member)]);
  }
  return Object.fromEntries(plain);
}
