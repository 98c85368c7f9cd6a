// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import type { ContainerRow } from "../content/containers.ts";
import { containerFolder } from "../content/paths.ts";
import type { Engine } from "./engine.ts";

/** Where a container's output is kept. */
export function logPathOf(engine: Engine, row: Pick<ContainerRow, "id">): string {
  return join(containerFolder(engine.store.paths, row.id), "container.log");
}
