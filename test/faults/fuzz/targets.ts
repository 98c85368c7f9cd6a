// SPDX-License-Identifier: Apache-2.0

import { compressionTarget, paxTarget, tarTarget } from "./bytes.ts";
import { archivesTarget, documentsTarget } from "./documents.ts";
import { erofsTarget } from "./layers.ts";
import { routesTarget } from "./routes.ts";
import type { FuzzTarget } from "./target.ts";
import { referencesTarget, templatesTarget } from "./texts.ts";

export const fuzzTargets: readonly FuzzTarget[] = [
  tarTarget,
  paxTarget,
  compressionTarget,
  documentsTarget,
  archivesTarget,
  erofsTarget,
  templatesTarget,
  referencesTarget,
  routesTarget,
];
