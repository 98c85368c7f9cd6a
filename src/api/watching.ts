// SPDX-License-Identifier: Apache-2.0

import type { Route } from "./route.ts";

const watchingPaths: ReadonlySet<string> = new Set([
  "/events",
  "/containers/{name}/attach",
  "/containers/{name}/attach/ws",
  "/containers/{name}/logs",
  "/containers/{name}/stats",
  "/containers/{name}/wait",
  "/exec/{name}/start",
]);

/**
 * Whether a request lasts as long as what it watches: it ends at once when the server stops, while
 * others may come to their end.
 */
export function isWatching({ path }: Pick<Route, "path">): boolean {
  // Whatever the table calls the parameter.
  return watchingPaths.has(path.replace(/\{\w+\}/, "{name}"));
}
