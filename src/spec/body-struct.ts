// SPDX-License-Identifier: Apache-2.0

import * as v from "valibot";
import { goStruct, isObject } from "./schema.ts";

/**
 * As `goStruct`, for what people and their programs send: names of members may be in any case, as Go
 * takes them; the exact spelling goes before others.
 */
export function bodyStruct<E extends v.ObjectEntries>(entries: E): ReturnType<typeof goStruct<E>> {
  const names = new Map(Object.keys(entries).map((name) => [name.toLowerCase(), name]));
  return v.pipe(
    v.custom<Record<string, unknown>>(isObject, "expected object"),
    v.transform((given): unknown => {
      const named: Record<string, unknown> = {};
      for (const [key, value] of Object.entries(given)) {
        const name = names.get(key.toLowerCase());
        if (name === undefined || (name !== key && Object.hasOwn(given, name))) continue;
        named[name] = value;
      }
      return named;
    }),
    goStruct(entries),
  );
}
