// SPDX-License-Identifier: Apache-2.0

import type { Route } from "../route.ts";

export const networkRoutes: readonly Route[] = [];
