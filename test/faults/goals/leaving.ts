// SPDX-License-Identifier: Apache-2.0

/** G11: clients of the API that leave in the middle cost the server nothing. */

import { formatSize } from "../../../bench/stats.ts";
import { watchLeaving } from "../leaving.ts";
import { seededRandom } from "../random.ts";
import type { Goal, GoalOptions, GoalResult } from "../result.ts";
import { copyLade } from "../source-copy.ts";

const usualCalls = 4000;
const longCalls = 40_000;

async function run(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  const calls = options.count ?? (options.isLong ? longCalls : usualCalls);
  using lade = await copyLade();
  const result = await watchLeaving({
    program: lade.program,
    random: seededRandom(options.seed),
    calls,
    log: options.log,
  });
  const shown = result.sizes.map(({ name, early, late }) => {
    const isSize = name === "resident" || name === "held";
    const text = (value: number) => (isSize ? formatSize(value) : String(value));
    return `${name} ${text(early)} → ${text(late)}`;
  });
  return {
    goal: leavingClients.name,
    title: leavingClients.title,
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: [
      "the server, early and late rounds",
      "left while sending",
      "while reading",
      "calls of attach and exec",
      "broken promises",
    ],
    rows: [
      [shown.join(", "), result.senders, result.readers, result.calls, result.failures.length],
    ],
    failures: result.failures,
  };
}

export const leavingClients: Goal = {
  name: "G11",
  title: "Clients that leave at every 64 KiB, read slowly or never finish",
  isDefault: true,
  run,
};
