// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import type { Filter } from "./types.ts";

/** The values of each `--filter`, by its name; a value that comes twice is there once. */
export type FilterValues = ReadonlyMap<string, readonly string[]>;

/**
 * Collects filters by name.
 *
 * @param known the names that the command has
 * @throws LadeError FILTER_INVALID for another name
 */
export function collectFilters(filters: readonly Filter[], known: readonly string[]): FilterValues {
  const values = new Map<string, string[]>();
  for (const { key, value } of filters) {
    if (!known.includes(key)) {
      throw new LadeError("FILTER_INVALID", `invalid filter '${key}'`, {
        hint: `Use one of ${known.join(", ")}.`,
      });
    }
    const group = values.get(key) ?? [];
    if (!group.includes(value)) group.push(value);
    values.set(key, group);
  }
  return values;
}

/**
 * The value of a filter that is true or false.
 *
 * @returns undefined where the filter was not given
 * @throws LadeError FILTER_INVALID for other values, and for both at once
 */
export function booleanFilter(filters: FilterValues, key: string): boolean | undefined {
  const values = filters.get(key);
  if (values === undefined) return undefined;
  const isTrue = values.includes("true") || values.includes("1");
  const isFalse = values.includes("false") || values.includes("0");
  if (isTrue === isFalse) {
    throw new LadeError("FILTER_INVALID", `invalid filter '${key}=[${values.join(" ")}]'`, {
      hint: `Use ${key}=true or ${key}=false.`,
    });
  }
  return isTrue;
}

/**
 * True where an object has all the wanted labels.
 *
 * @param wanted `key` or `key=value`
 */
export function matchesLabels(
  labels: Readonly<Record<string, string>>,
  wanted: readonly string[],
): boolean {
  return wanted.every((text) => {
    const equals = text.indexOf("=");
    const key = equals < 0 ? text : text.slice(0, equals);
    if (!Object.hasOwn(labels, key)) return false;
    return equals < 0 || labels[key] === text.slice(equals + 1);
  });
}
