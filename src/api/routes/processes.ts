// SPDX-License-Identifier: Apache-2.0

import type { Route } from "../route.ts";

/** What is said to and heard from processes: attach, exec, logs, wait, statistics. */
export const processRoutes: readonly Route[] = [];
