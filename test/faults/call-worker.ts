// SPDX-License-Identifier: Apache-2.0

/**
 * A process of its own for one share of the points: who traces can do nothing else meanwhile.
 *
 * Gets a job as its argument; writes one line of JSON for each command.
 */

import { disturbAll, type PointChoice, type PointKind } from "./call-points.ts";
import { commandCases } from "./command-cases.ts";
import { stayOnCore } from "./ptrace.ts";

export interface CallJob {
  readonly program: string;
  readonly commands: readonly string[];
  readonly kind: PointKind;
  readonly choice: PointChoice;
  readonly core: number;
  readonly stopsEarly: boolean;
}

const job = JSON.parse(process.argv[2] ?? "") as CallJob;
stayOnCore(job.core);
for (const name of job.commands) {
  const command = commandCases.find((one) => one.name === name);
  if (command === undefined) throw new Error(`no command ${name}`);
  const log = (line: string) => process.stderr.write(`${line}\n`);
  const result = await disturbAll({ ...job, command, log });
  log(`${name}: ${result.points} runs, ${result.calls} calls, ${result.failures.length} failures`);
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
