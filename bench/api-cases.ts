// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { shellQuote } from "../test/helpers/tools.ts";
import { type Program, type StepTemplate, stepFor } from "./contenders.ts";
import type { BenchImage } from "./image.ts";
import type { CasePlan } from "./measure.ts";

export interface ApiCasesInput {
  /** The docker command on lade's API, and on dockerd's. */
  readonly programs: readonly Program[];
  readonly image: BenchImage;
  /** Where saved archives go. */
  readonly folder: string;
  readonly rounds: number;
}

/** Rounds of commands that take a fraction of a second cost little, and make their medians steadier. */
const QUICK_FACTOR = 4;

/** What the docker command does by way of the API, on both engines. */
export function apiCases({ programs, image, folder, rounds }: ApiCasesInput): CasePlan[] {
  const [archive, name] = [shellQuote(image.archive), shellQuote(image.name)];
  const out = shellQuote(join(folder, "api-out.tar"));
  const steps = (template: StepTemplate) => programs.map((program) => stepFor(program, template));
  const loaded = { setUp: `% load -q -i ${archive}`, tearDown: `% rmi -f ${name}` };
  const size = image.archiveSize;
  const many = rounds * QUICK_FACTOR;
  return [
    {
      ...{ id: "api-load", title: "API: `load -i`", size, rounds, warm: [image.archive] },
      steps: steps({ timed: `% load -q -i ${archive}`, after: `% rmi ${name}` }),
    },
    {
      ...{ id: "api-save", title: "API: `save -o`", size, rounds, warm: [] },
      steps: steps({ ...loaded, timed: `% save -o ${out} ${name}`, after: `rm -f ${out}` }),
    },
    {
      ...{ id: "api-images", title: "API: `images`", rounds: many, warm: [] },
      steps: steps({ ...loaded, timed: "% images" }),
    },
    {
      ...{ id: "api-run", title: "API: `run --rm … true`", rounds: many, warm: [] },
      steps: steps({ ...loaded, timed: `% run --rm --network none ${name} true` }),
    },
  ];
}
