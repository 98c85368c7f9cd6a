// SPDX-License-Identifier: Apache-2.0

import type { Filter } from "../engine/types.ts";

/** `-f NAME=VALUE`, which the reading of options has checked for its `=`. */
export function parseFilters(values: readonly string[]): Filter[] {
  return values.map((text) => {
    const equals = text.indexOf("=");
    return {
      key: text.slice(0, equals).trim().toLowerCase(),
      value: text.slice(equals + 1).trim(),
    };
  });
}
