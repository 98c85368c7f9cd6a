// SPDX-License-Identifier: Apache-2.0

/** Gives each core a share of the points, and puts the answers together. */

import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { PointKind, PointsResult } from "./call-points.ts";
import type { CallJob } from "./call-worker.ts";
import { commandCases } from "./command-cases.ts";

export interface SharesOptions {
  readonly program: string;
  readonly kind: PointKind;
  readonly seed: number;
  /** About so many of each command; all where it is left out. */
  readonly count?: number | undefined;
  /** All that there are, where it is left out. */
  readonly commands?: readonly string[];
  readonly stopsEarly?: boolean;
  readonly log?: (line: string) => void;
}

/**
 * Disturbs the commands at their system calls.
 *
 * @throws Error where the harness itself fails
 */
export async function disturbInShares(options: SharesOptions): Promise<PointsResult[]> {
  const cores = availableParallelism();
  const commands = options.commands ?? commandCases.map(({ name }) => name);
  const answers = await Promise.all(
    Array.from({ length: cores }, (_, core) =>
      runShare(options, {
        program: options.program,
        commands,
        kind: options.kind,
        choice: {
          seed: options.seed,
          count: options.count,
          share: { index: core, of: cores },
        },
        core,
        stopsEarly: options.stopsEarly === true,
      }),
    ),
  );
  return commands.map((command) =>
    together(answers.flat().filter((result) => result.command === command)),
  );
}

async function runShare(options: SharesOptions, job: CallJob): Promise<PointsResult[]> {
  const results: PointsResult[] = [];
  for (const name of job.commands) {
    const ended = await runWorker(options, { ...job, commands: [name] });
    results.push(...(ended ?? (await runAgain(options, { ...job, commands: [name] }))));
  }
  return results;
}

/** The calls into libc by which the tracer works are an experiment of Node's. */
async function runAgain(options: SharesOptions, job: CallJob): Promise<PointsResult[]> {
  options.log?.(`${job.commands}: the harness itself was killed by a signal: once more`);
  const results = await runWorker(options, job);
  if (results === undefined) throw new Error(`${job.commands}: the harness is killed each time`);
  return results;
}

/** @returns undefined where a signal ended it */
async function runWorker(
  { log }: SharesOptions,
  job: CallJob,
): Promise<PointsResult[] | undefined> {
  const worker = join(import.meta.dirname, "call-worker.ts");
  const args = ["--disable-warning=ExperimentalWarning", worker, JSON.stringify(job)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  child.stderr.on("data", (data) => log?.(String(data).trimEnd()));
  const [out, code] = await Promise.all([text(child.stdout), ended]);
  if (code === null) return undefined;
  if (code !== 0) throw new Error(`${worker}: exit ${code}: ${out}`);
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as PointsResult);
}

function together(results: readonly PointsResult[]): PointsResult {
  return {
    command: results[0]?.command ?? "",
    calls: Math.max(...results.map(({ calls }) => calls)),
    points: results.reduce((sum, { points }) => sum + points, 0),
    wentOn: results.flatMap(({ wentOn }) => wentOn),
    failures: results.flatMap(({ failures }) => failures),
  };
}
