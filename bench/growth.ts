// SPDX-License-Identifier: Apache-2.0
import { rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { shellQuote } from "../test/helpers/tools.ts";
import { type Program, readable, stepFor } from "./contenders.ts";
import { type CasePlan, type MeasureOptions, measureInTurns } from "./measure.ts";
import type { CaseResult } from "./results.ts";
import { formatSize } from "./stats.ts";
import { type SyntheticArchive, writeManyImages, writeSyntheticArchive } from "./synthetic.ts";

export interface GrowthInput {
  readonly folder: string;
  readonly rounds: number;
  readonly options: MeasureOptions;
  /** Takes figures as they come. */
  readonly keep: (results: readonly CaseResult[]) => Promise<void>;
}

/** Rounds of a size at which a round takes long. */
const SLOW_ROUNDS = 2;

/** Archive, store, saved archive and plain copy of it, never more than three at once. */
const COPIES = 3.2;

/**
 * Load and save of lade at each size, against a plain copy. The archives are made for it and go
 * after use.
 *
 * @returns warnings: sizes for which the disk has no room are left out
 */
export async function measureGrowth(
  lade: Program,
  sizes: readonly number[],
  input: GrowthInput,
): Promise<string[]> {
  const warnings: string[] = [];
  for (const size of sizes) {
    const { bavail, bsize } = await statfs(input.folder);
    if (bavail * bsize < size * COPIES) {
      warnings.push(
        `No growth figures at ${formatSize(size)}: ${formatSize(bavail * bsize)} of disk are free, ` +
          `want ${formatSize(size * COPIES)}.`,
      );
      continue;
    }
    const path = join(input.folder, "growth.tar");
    input.options.report(`growth: making an archive of ${formatSize(size)}`);
    try {
      const name = `lade-growth:${size}`;
      const archive = await writeSyntheticArchive({ path, size, name, seed: size });
      for (const plan of growthCases(lade, { path, size, archive }, input)) {
        await input.keep(await measureInTurns(plan, input.options));
      }
    } finally {
      await input.options.setUps?.leaveAll();
      await rm(path, { force: true });
    }
  }
  return warnings;
}

interface GrowthArchive {
  readonly path: string;
  /** The size that was asked for, which the results go under. */
  readonly size: number;
  readonly archive: SyntheticArchive;
}

function growthCases(
  lade: Program,
  { path, size, archive }: GrowthArchive,
  { folder, rounds }: GrowthInput,
): CasePlan[] {
  const source = shellQuote(path);
  const out = shellQuote(join(folder, "growth-out.tar"));
  const copy = `cp ${source} ${out} && sync -d ${out}`;
  const after = `rm -f ${out}`;
  const floor = { contender: "floor", label: readable(copy), timed: copy, after };
  const about = { size, rounds, slowRounds: SLOW_ROUNDS, warm: [path] };
  return [
    {
      id: "growth-load",
      title: "`load -i`",
      ...about,
      steps: [
        stepFor(lade, {
          timed: `% load -i ${source}`,
          check: `% images -q --no-trunc | grep -x ${archive.id} > /dev/null`,
          after: `% rmi ${archive.name}`,
        }),
        floor,
      ],
    },
    {
      id: "growth-save",
      title: "`save -o`",
      ...about,
      steps: [
        stepFor(lade, {
          setUp: `% load -q -i ${source}`,
          timed: `% save -o ${out} ${archive.name}`,
          check: `tar -xOf ${out} manifest.json | grep -F ${archive.name} > /dev/null`,
          after,
          tearDown: `% rmi ${archive.name}`,
        }),
        floor,
      ],
    },
  ];
}

/**
 * `images` of each program, in a store of `count` images; the store is filled by one `load`.
 *
 * @param programs each with an empty store of its own
 */
export async function measureList(
  programs: readonly Program[],
  count: number,
  input: GrowthInput,
): Promise<void> {
  const path = join(input.folder, "many.tar");
  input.options.report(`images: making a store of ${count} images`);
  try {
    await writeManyImages(path, count);
    const steps = programs.map((program) =>
      stepFor(program, {
        setUp: `% load -q -i ${shellQuote(path)}`,
        timed: "% images",
        check: `test "$(% images -q --no-trunc | sort -u | wc -l)" = ${count}`,
      }),
    );
    const rounds = input.rounds * 4;
    const plan = { id: "list", title: "`images`", count, rounds, warm: [], steps };
    await input.keep(await measureInTurns(plan, input.options));
  } finally {
    await rm(path, { force: true });
  }
}
