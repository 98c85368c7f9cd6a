// SPDX-License-Identifier: Apache-2.0

/** G14: what it costs that a load survives a power cut. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatRatio, formatSeconds, formatSize, summarize } from "../../../bench/stats.ts";
import { writeSyntheticArchive } from "../../../bench/synthetic.ts";
import { runOrThrow } from "../../helpers/tools.ts";
import type { Goal, GoalOptions, GoalResult } from "../result.ts";
import { copyLade, type Replacement } from "../source-copy.ts";

const rounds = 5;
/** Times the time without syncing, at most. */
const target = 1.15;
const usualSizes = [0.1, 0.4, 0.8, 1];
const longSizes = [...usualSizes, 3];
const gigabyte = 1_000_000_000;

const fileCalls = "src/content/file-calls.ts";

/** lade without any sync. */
const noSyncs: readonly Replacement[] = [
  {
    file: fileCalls,
    find: "return settle((done) => fs.fdatasync(fd, (error) => done(error, undefined)));",
    replace: "return Promise.resolve(void fd);",
  },
  {
    file: fileCalls,
    find: "await settle<void>((done) => fs.fsync(fd, (error) => done(error, undefined)));",
    replace: "",
  },
  { file: "src/content/commit.ts", find: "      fs.fsyncSync(fd);\n", replace: "" },
  { file: "src/content/sweep.ts", find: "        fs.fsyncSync(fd);\n", replace: "" },
  { file: "src/content/store.ts", find: "      fs.fsyncSync(fd);\n", replace: "" },
  {
    file: "src/content/database.ts",
    find: '"PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"',
    replace: '"PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON"',
  },
];

async function run(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  using synced = await copyLade();
  using unsynced = await copyLade(noSyncs);
  const folder = mkdtempSync(join(tmpdir(), "lade-cost-"));
  const rows: string[][] = [];
  const failures: string[] = [];
  try {
    for (const size of options.isLong ? longSizes : usualSizes) {
      const path = join(folder, "image.tar");
      const name = "cost:1";
      await writeSyntheticArchive({ path, size: size * gigabyte, name, seed: options.seed });
      const programs = [synced.program, unsynced.program] as const;
      const [withSync, without] = await measure(folder, path, programs);
      rmSync(path);
      const ratio = withSync / without;
      const label = formatSize(size * gigabyte);
      rows.push([label, formatSeconds(withSync), formatSeconds(without), formatRatio(ratio)]);
      options.log(rows.at(-1)?.join("  ") ?? "");
      if (ratio > target) failures.push(`${label}: ${formatRatio(ratio)}, want ${target} at most`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    goal: durabilityCost.name,
    title: durabilityCost.title,
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: ["image", "lade", "lade without syncs", "ratio"],
    rows,
    failures,
  };
}

/** @returns medians in seconds, of both programs */
async function measure(
  folder: string,
  archive: string,
  programs: readonly [string, string],
): Promise<readonly [number, number]> {
  const times: [number[], number[]] = [[], []];
  // One round more, which warms up, is not counted.
  for (let round = 0; round <= rounds; round++) {
    for (const [index, program] of programs.entries()) {
      const turn = (index + round) % 2 === 0 ? index : 1 - index;
      const seconds = await loadOnce(folder, archive, programs[turn] ?? program);
      if (round > 0) times[turn]?.push(seconds);
    }
  }
  const [a, b] = times.map((list) => summarize(list)?.median ?? Number.NaN);
  return [a ?? Number.NaN, b ?? Number.NaN];
}

async function loadOnce(folder: string, archive: string, program: string): Promise<number> {
  const root = join(folder, "store");
  rmSync(root, { recursive: true, force: true });
  // What others left to be written would be written on somebody's time.
  await runOrThrow("sync");
  const started = performance.now();
  await runOrThrow(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", program, "load", "-q", "-i", archive],
    { env: { LADE_ROOT: root, LADE_RUN_ROOT: join(folder, "run") } },
  );
  return (performance.now() - started) / 1000;
}

export const durabilityCost: Goal = {
  name: "G14",
  title: "What durability costs: `load -i` against lade without syncs, medians of 5 in turns",
  isDefault: false,
  run,
};
