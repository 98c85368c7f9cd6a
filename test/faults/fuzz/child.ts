// SPDX-License-Identifier: Apache-2.0

/** One target in a process of its own: `child.ts NAME SEED RUNS`; a line each second says how far it is. */

import fc from "fast-check";
import { fuzzTargets } from "./targets.ts";

const [name, seed, runs] = process.argv.slice(2);
const target = fuzzTargets.find((one) => one.name === name);
if (target === undefined) throw new Error(`no target ${name}`);

const fuzz = await target.open();
let done = 0;
let told = 0;
const { property } = fuzz;
const inner = property.run.bind(property);
property.run = (value) => {
  done++;
  if (performance.now() - told > 1000) {
    told = performance.now();
    process.stdout.write(`${JSON.stringify({ done })}\n`);
  }
  return inner(value);
};
const details = await fc.check(property as fc.IAsyncProperty<unknown>, {
  seed: Number(seed),
  numRuns: Number(runs),
  // A failure of a server may not come back: what was found first is worth more than its smallest form.
  ...(name === "HTTP routes" && { endOnFailure: true }),
});
const failures: string[] = [];
if (details.failed) {
  const { errorInstance: error } = details;
  const report = (await fc.asyncDefaultReportMessage(details)) ?? "";
  // Whole tars are no help to read: the seed brings them back.
  const short = report.replaceAll(/((?:\d+,){20})(?:\d+,)+/g, "$1…");
  failures.push(`${error instanceof Error ? error.stack : error}\n${short}`);
}
failures.push(...((await fuzz.close?.()) ?? []));
process.stdout.write(`${JSON.stringify({ done: details.numRuns, failures })}\n`, () =>
  process.exit(0),
);
