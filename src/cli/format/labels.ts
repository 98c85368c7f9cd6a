// SPDX-License-Identifier: Apache-2.0

import type { ListMethod } from "./list-view.ts";

type Labels = Readonly<Record<string, string>> | null | undefined;

/** `a=1,b=2`, sorted. */
export function labelsText(labels: Labels): string {
  return Object.entries(labels ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(",");
}

/** `{{.Label "com.example.some-key"}}`, whose column is called `some key`. */
export function labelMethod<Item>(labelsOf: (item: Item) => Labels): ListMethod<Item> {
  return {
    value(item, name) {
      const labels = labelsOf(item) ?? {};
      return Object.hasOwn(labels, name) ? (labels[name] ?? "") : "";
    },
    header: (name) => (name.split(".").at(-1) ?? "").replace(/[-_]/g, " "),
  };
}
