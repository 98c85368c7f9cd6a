// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from "node:util";
import { type ContenderName, contenderNames } from "./contenders.ts";

export interface BenchOptions {
  readonly rounds: number;
  /** Beginnings of case ids; all cases where it is empty. */
  readonly only: readonly string[];
  readonly contenders: ReadonlySet<ContenderName>;
  readonly quick: boolean;
  readonly cold: boolean;
  readonly growth: boolean;
  /** Only writes table and chart again, from the figures of the last run. */
  readonly render: boolean;
  /** Keep the figures of cases that are not measured this time. */
  readonly add: boolean;
  /** Where the results go; `docs` for a whole run, else a folder beside the bench image. */
  readonly out: string | undefined;
}

export const usage = `usage: npm run bench -- [options]
  --rounds N        rounds after the warm-up (5; 1 with --quick)
  --only LIST       only cases whose id begins so: load,save,import,tag,images,rmi,
                    run,create,start,exec,detached,commit,export,growth,list,api
  --without LIST    leave out some of lade,docker,podman,skopeo
  --quick           a tiny image and one round: a smoke test
  --cold            also load and save with an empty page cache
  --no-growth       no archives of many sizes, no stores of many images
  --out FOLDER      where benchmarks.md, .svg and .json go
  --add             keep the figures of cases that are not measured this time
  --render          only write table and chart again, from benchmarks.json`;

/** @throws Error with the usage for options that can't be */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string" },
      only: { type: "string" },
      without: { type: "string" },
      quick: { type: "boolean", default: false },
      cold: { type: "boolean", default: false },
      growth: { type: "boolean", default: true },
      render: { type: "boolean", default: false },
      add: { type: "boolean", default: false },
      out: { type: "string" },
    },
    allowNegative: true,
  });
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
  if (!Number.isSafeInteger(rounds) || rounds < 1) {
    throw new Error(`--rounds: got ${values.rounds}, want a whole number from 1\n${usage}`);
  }
  const without = list(values.without);
  const unknown = without.filter((name) => !contenderNames.some((known) => known === name));
  if (unknown.length > 0) {
    throw new Error(
      `--without: got ${unknown.join(",")}, want some of ${contenderNames.join(",")}`,
    );
  }
  const { quick, cold, growth, render, add, out } = values;
  const contenders = new Set(contenderNames.filter((name) => !without.includes(name)));
  return { rounds, only: list(values.only), contenders, quick, cold, growth, render, add, out };
}

function list(text: string | undefined): string[] {
  return text?.split(",").filter((word) => word !== "") ?? [];
}

/** Whether `--only` asks for a case. */
export function isWanted(options: Pick<BenchOptions, "only">, id: string): boolean {
  return options.only.length === 0 || options.only.some((start) => id.startsWith(start));
}
