// SPDX-License-Identifier: Apache-2.0

/** What a harness of faults found, in the one form that the runner keeps and the page shows. */
export interface GoalResult {
  /** `G1`, or `G1-peers` for the same harness on other tools. */
  readonly goal: string;
  readonly title: string;
  /** ISO 8601. */
  readonly date: string;
  readonly seed: number;
  readonly seconds: number;
  /** The table for the page. */
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  /** What broke a promise, one line each, with what brings it back. */
  readonly failures: readonly string[];
}

export interface GoalOptions {
  readonly seed: number;
  /** More rounds, for a night. */
  readonly isLong: boolean;
  /** How many rounds instead of the goal's own number. */
  readonly count?: number | undefined;
  /** Told of what goes on. */
  readonly log: (line: string) => void;
}

/** One file of `test/faults/goals/` exports one of these. */
export interface Goal {
  readonly name: string;
  readonly title: string;
  /** False for what runs only when it is named: peers, and figures of speed. */
  readonly isDefault: boolean;
  run(options: GoalOptions): Promise<GoalResult>;
}
