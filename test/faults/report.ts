// SPDX-License-Identifier: Apache-2.0

/** Keeps results in `docs/reliability.json`, and shows them in `docs/reliability.md`. */

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { markdownTable } from "../../bench/report.ts";
import type { GoalResult } from "./result.ts";

const projectRoot: string = join(import.meta.dirname, "..", "..");
const resultsPath: string = join(projectRoot, "docs", "reliability.json");
const pagePath: string = join(projectRoot, "docs", "reliability.md");

export interface KeptResult extends GoalResult {
  readonly kernel: string;
  readonly node: string;
  readonly commit: string;
}

const begin = "<!-- figures: made by `npm run test:faults`, not by hand -->";
const end = "<!-- end of figures -->";

/** The last result of each goal, in the order of their names. */
export function readResults(): KeptResult[] {
  if (!existsSync(resultsPath)) return [];
  return (JSON.parse(readFileSync(resultsPath, "utf8")) as { results: KeptResult[] }).results;
}

/** Puts a result in the place of the goal's last one, and writes the page anew. */
export function keepResult(result: GoalResult): void {
  const kept = { ...result, kernel: release(), node: process.version, commit: readCommit() };
  const others = readResults().filter(({ goal }) => goal !== result.goal);
  const byName = new Intl.Collator("en", { numeric: true });
  const results = [...others, kept].sort((a, b) => byName.compare(a.goal, b.goal));
  writeFileSync(resultsPath, `${JSON.stringify({ results }, null, 2)}\n`);
  writeFileSync(pagePath, withFigures(readFileSync(pagePath, "utf8"), results));
}

function readCommit(): string {
  try {
    const options = { cwd: projectRoot, encoding: "utf8", stdio: "pipe" } as const;
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], options).trim();
  } catch {
    return "unknown";
  }
}

/**
 * The page with these figures in it.
 *
 * @throws Error where it has no place for them
 */
export function withFigures(page: string, results: readonly KeptResult[]): string {
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined)
    throw new Error(`${pagePath}: no place for figures`);
  const figures = results.map((result) => `${renderResult(result)}\n\n`).join("");
  return `${before}${begin}\n\n${figures}${end}${after}`;
}

function renderResult(result: KeptResult): string {
  const { goal, title, head, rows, failures } = result;
  const cells = rows.map((row) => row.map((cell) => String(cell).replaceAll("|", "\\|")));
  const words = cells[0]?.findIndex((cell) => /^\d+$/.test(cell)) ?? -1;
  const verdict = failures.length === 0 ? "no failure" : `**failures: ${failures.length}**`;
  const facts = [
    result.date.slice(0, 10),
    `seed ${result.seed}`,
    `${result.seconds} s`,
    `Linux ${result.kernel}`,
    `Node ${result.node.slice(1)}`,
    `commit ${result.commit}`,
  ];
  return [
    `### ${goal}: ${title}`,
    markdownTable(head, cells, words < 0 ? head.length : words),
    `${facts.join(", ")}: ${verdict}.`,
  ].join("\n\n");
}
