// SPDX-License-Identifier: Apache-2.0

import type { Method, Route } from "../route.ts";

function absent(reason: string, ...endpoints: readonly (readonly [Method, string])[]): Route[] {
  return endpoints.map(([method, path]) => ({
    method,
    path,
    summary: "",
    support: { is: "absent", reason },
    handle: () => Promise.reject(new Error("absent endpoints have no handler")),
  }));
}

/** What Docker's API has and lade does not: each says so, rather than that there is no such page. */
export const absentRoutes: readonly Route[] = [
  ...absent(
    "lade does not build images",
    ["POST", "/build"],
    ["POST", "/build/prune"],
    ["POST", "/build/cancel"],
    ["POST", "/session"],
    ["POST", "/grpc"],
  ),
];
