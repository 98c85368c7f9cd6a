// SPDX-License-Identifier: Apache-2.0
import { type Summary, summarize } from "./stats.ts";

/** One timed step. */
export interface Sample {
  readonly seconds: number;
  /** Largest resident set of the command, bytes; absent where it can't be told. */
  readonly peakMemory?: number;
}

export interface Measurement {
  readonly contender: string;
  /** As a user would type it. */
  readonly command: string;
  /** Without the warm-up. */
  readonly samples: readonly Sample[];
  /** Why it dropped out; the samples are those from before. */
  readonly failure?: string;
}

export interface CaseResult {
  readonly id: string;
  readonly title: string;
  /** Bytes of the archive, for cases that move one. */
  readonly size?: number;
  /** Images in the store, for cases that list them. */
  readonly count?: number;
  readonly measurements: readonly Measurement[];
}

/** What an engine answered to many clients at once. */
export interface ClientsResult {
  readonly id: string;
  /** Such as `GET /images/json`. */
  readonly title: string;
  readonly clients: number;
  readonly measurements: readonly ClientsMeasurement[];
}

export interface ClientsMeasurement {
  readonly contender: string;
  readonly requests: number;
  /** For which requests were sent. */
  readonly seconds: number;
  /** Answers that were none, or told of an error. */
  readonly failures: number;
  /** Seconds that half of the requests took at most, and 99 of 100. */
  readonly p50: number;
  readonly p99: number;
}

export interface BenchResults {
  /** ISO 8601, UTC. */
  readonly date: string;
  /** lade's commit. */
  readonly commit: string;
  readonly rounds: number;
  /** A smoke test on a tiny image: its figures say nothing. */
  readonly quick: boolean;
  readonly machine: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly image: { readonly layerCount: number; readonly size: number; readonly gzipSize: number };
  /** What starting a command costs here, and is in every time. */
  readonly overheadSeconds: number;
  readonly warnings: readonly string[];
  readonly cases: readonly CaseResult[];
  readonly growth: readonly CaseResult[];
  readonly lists: readonly CaseResult[];
  readonly clients: readonly ClientsResult[];
  /** Resident memory of a `lade serve` that has done nothing yet, bytes. */
  readonly idleMemory?: number | undefined;
}

/** Newer figures with those older ones that they do not replace. */
export function mergeResults(older: BenchResults, newer: BenchResults): BenchResults {
  return {
    ...newer,
    warnings: [...new Set([...older.warnings, ...newer.warnings])],
    // The bench image is made anew on each machine, and a case is the same whatever its size then.
    cases: mergeCases(older.cases, newer.cases, ({ id }) => id),
    growth: mergeCases(older.growth, newer.growth, ({ id, size }) => `${id} ${size}`),
    lists: mergeCases(older.lists, newer.lists, ({ id, count }) => `${id} ${count}`),
    clients: mergeCases(older.clients, newer.clients, ({ id }) => id),
    idleMemory: newer.idleMemory ?? older.idleMemory,
  };
}

function mergeCases<Result>(
  older: readonly Result[],
  newer: readonly Result[],
  key: (result: Result) => string,
): Result[] {
  const merged = new Map(older.map((result) => [key(result), result]));
  for (const result of newer) merged.set(key(result), result);
  return [...merged.values()];
}

export function findMeasurement(
  result: CaseResult | undefined,
  contender: string,
): Measurement | undefined {
  return result?.measurements.find((measurement) => measurement.contender === contender);
}

export function timeOf(measurement: Measurement | undefined): Summary | undefined {
  return summarize(measurement?.samples.map((sample) => sample.seconds) ?? []);
}

/** The largest peak of all rounds, bytes. */
export function peakMemoryOf(measurement: Measurement | undefined): number | undefined {
  const peaks = measurement?.samples.flatMap((sample) => sample.peakMemory ?? []) ?? [];
  return summarize(peaks)?.max;
}

/** How many times as long the first contender takes as the second, by medians. */
export function ratioOf(
  result: CaseResult | undefined,
  slow: string,
  fast: string,
): number | undefined {
  const above = timeOf(findMeasurement(result, slow))?.median;
  const below = timeOf(findMeasurement(result, fast))?.median;
  return above === undefined || below === undefined ? undefined : above / below;
}

/** Requests a second. */
export function rateOf(measurement: ClientsMeasurement): number {
  return measurement.requests / measurement.seconds;
}
