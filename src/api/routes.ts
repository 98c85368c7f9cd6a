// SPDX-License-Identifier: Apache-2.0

import type { Route } from "./route.ts";
import { absentRoutes } from "./routes/absent.ts";
import { containerRoutes } from "./routes/containers.ts";
import { eventRoutes } from "./routes/events.ts";
import { imageRoutes } from "./routes/images.ts";
import { networkRoutes } from "./routes/networks.ts";
import { processRoutes } from "./routes/processes.ts";
import { systemRoutes } from "./routes/system.ts";
import { volumeRoutes } from "./routes/volumes.ts";

/** Every endpoint. The first that fits a request answers it, so that fixed paths come before names. */
export const routes: readonly Route[] = [
  ...systemRoutes,
  ...eventRoutes,
  ...imageRoutes,
  ...processRoutes,
  ...containerRoutes,
  ...volumeRoutes,
  ...networkRoutes,
  ...absentRoutes,
];
