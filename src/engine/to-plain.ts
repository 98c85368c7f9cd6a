// SPDX-License-Identifier: Apache-2.0

/** Objects in place of maps, which JSON.stringify does not know, and without undefined members. */
export function toPlain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(toPlain);
  const entries: Iterable<[string, unknown]> = value instanceof Map ? value : Object.entries(value);
  const present = [...entries].filter(([, member]) => member !== undefined);
  return Object.fromEntries(present.map(([key, member]) => [key, toPlain(member)]));
}
