// SPDX-License-Identifier: Apache-2.0

import { bitRot } from "./goals/bit-rot.ts";
import { crashStates } from "./goals/crash-states.ts";
import { crowd } from "./goals/crowd.ts";
import { durabilityCost } from "./goals/durability-cost.ts";
import { fuzzing } from "./goals/fuzzing.ts";
import { hostileInput } from "./goals/hostile-input.ts";
import { killPoints } from "./goals/kill-points.ts";
import { leavingClients } from "./goals/leaving.ts";
import { listings } from "./goals/listings.ts";
import { memoryLimits } from "./goals/memory-limits.ts";
import { peerBitRot } from "./goals/peer-bit-rot.ts";
import { peerCorpus } from "./goals/peer-corpus.ts";
import { peerKill } from "./goals/peer-kill.ts";
import { peerPowerCut } from "./goals/peer-power-cut.ts";
import { powerCut } from "./goals/power-cut.ts";
import { swapRace } from "./goals/swap-race.ts";
import { systemErrors } from "./goals/system-errors.ts";
import type { Goal } from "./result.ts";

/** What `scripts/faults.ts` runs, in this order. */
export const goals: readonly Goal[] = [
  powerCut,
  peerPowerCut,
  crashStates,
  killPoints,
  peerKill,
  systemErrors,
  durabilityCost,
  hostileInput,
  peerCorpus,
  listings,
  fuzzing,
  crowd,
  swapRace,
  leavingClients,
  bitRot,
  peerBitRot,
  memoryLimits,
];
