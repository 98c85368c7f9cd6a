// SPDX-License-Identifier: Apache-2.0

import { text } from "../answer.ts";
import type { Route } from "../route.ts";

const pingHeaders = {
  "Cache-Control": "no-cache, no-store, must-revalidate",
  Pragma: "no-cache",
  "Builder-Version": "1",
  Swarm: "inactive",
};

/** What the engine is, and what it is doing. */
export const systemRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/_ping",
    summary: "Is it there",
    support: { is: "works" },
    handle: async () => ({ ...text("OK"), headers: pingHeaders }),
  },
  {
    method: "HEAD",
    path: "/_ping",
    summary: "Is it there",
    support: { is: "works" },
    handle: async () => ({ ...text(""), headers: pingHeaders }),
  },
];
