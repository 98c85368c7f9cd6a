// SPDX-License-Identifier: Apache-2.0

import type { Route } from "../route.ts";
import { attachRoutes } from "./attach.ts";
import { execRoutes } from "./exec.ts";
import { logRoutes } from "./logs.ts";
import { statsRoutes } from "./stats.ts";
import { waitRoutes } from "./wait.ts";

/** What is said to and heard from processes. */
export const processRoutes: readonly Route[] = [
  ...attachRoutes,
  ...execRoutes,
  ...logRoutes,
  ...waitRoutes,
  ...statsRoutes,
];
