// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { shellQuote } from "../test/helpers/tools.ts";
import {
  type Contenders,
  type Program,
  readable,
  type Skopeo,
  type StepTemplate,
  stepFor,
} from "./contenders.ts";
import type { BenchImage } from "./image.ts";
import { type CasePlan, peakPrefix, type Step } from "./measure.ts";

/*
 * To add a case: add a `CasePlan` to a list that `main.ts` measures, with one step for each
 * contender. `stepsFor` makes the steps of all that have Docker's command line from one template, in
 * which `%` is the program on its own store:
 *
 *   {
 *     id: "tag", title: "`tag`", rounds, warm: [],
 *     steps: stepsFor(context, { ...loaded(context), timed: "% tag A B", after: "% rmi B" }),
 *   }
 *
 * - `timed` is measured, all of it; what else it takes goes into `before` and `after` (each round),
 *   `check` (fails in the warm-up if the work was not done) and `setUp` and `tearDown` (once).
 * - Cases that start with the same `setUp` share it, so they stand side by side: `loaded`.
 * - `next` is timed as well and belongs to the case `plan.next`, as `rmi` after each `load`.
 * - `warm` are the files that `timed` reads; `size` is for cases that move bytes.
 * - Ids begin with the word for `--only`. A target goes into `targets.ts`, a bar into `chart.ts`.
 */

/** Rounds of commands that take milliseconds cost nothing, and make their medians steadier. */
const QUICK_FACTOR = 4;

export interface CasesInput {
  readonly contenders: Contenders;
  readonly image: BenchImage;
  /** Where saved archives and plain copies go. */
  readonly folder: string;
  readonly rounds: number;
  /** Adds `load -i` and `save -o` with an empty page cache. */
  readonly cold: boolean;
}

interface Context extends CasesInput {
  /** Quoted for the shell. */
  readonly archive: string;
  readonly gzip: string;
  readonly rootfs: string;
  readonly out: string;
  readonly name: string;
}

/** Every case that moves the bench image, in the order in which it is measured. */
export function imageCases(input: CasesInput): CasePlan[] {
  const context: Context = {
    ...input,
    archive: shellQuote(input.image.archive),
    gzip: shellQuote(input.image.gzip),
    rootfs: shellQuote(input.image.rootfs),
    out: shellQuote(join(input.folder, "out.tar")),
    name: shellQuote(input.image.name),
  };
  const cases = [...loadCases(context), importCase(context), ...loadedCases(context)];
  return input.cold ? [...cases, ...coldCases(cases)] : cases;
}

function coldCases(cases: readonly CasePlan[]): CasePlan[] {
  return cases
    .filter((plan) => plan.id === "load-file" || plan.id === "save-file")
    .map(({ next: _, ...plan }) => ({
      ...plan,
      id: `${plan.id}-cold`,
      title: `${plan.title}, cold`,
      cold: true,
    }));
}

function stepsFor(context: Context, template: StepTemplate): Step[] {
  return context.contenders.programs.map((program: Program) => stepFor(program, template));
}

/** A plain copy to `out`, which goes after each round. */
function floorStep(context: Context, command: string): Step {
  return { contender: "floor", label: readable(command), timed: command, after: rm(context) };
}

function rm(context: Context): string {
  return `rm -f ${context.out}`;
}

/** Fails unless the program's store has the image under its ID. */
function hasImage(context: Context): string {
  return `% images -q --no-trunc | grep -x ${context.image.id} > /dev/null`;
}

function loadCases(context: Context): CasePlan[] {
  const { archive, gzip, out, name, rounds, image } = context;
  const rmi = `% rmi ${name}`;
  const plain = { size: image.archiveSize, warm: [image.archive], rounds };
  const zipped = { size: image.gzipSize, warm: [image.gzip], rounds };
  const steps = (timed: string, undo: Partial<StepTemplate> = { after: rmi }) =>
    stepsFor(context, { timed, check: hasImage(context), ...undo });
  const floor = (command: string) => floorStep(context, command);
  return [
    {
      ...{ id: "load-file", title: "`load -i`", ...plain },
      next: { id: "rmi", title: "`rmi`" },
      steps: [
        ...steps(`% load -i ${archive}`, { next: rmi }),
        ...skopeoLoad(context, archive),
        floor(`cp ${archive} ${out} && sync -d ${out}`),
      ],
    },
    {
      ...{ id: "load-redirect", title: "`load <`", ...plain },
      steps: [
        ...steps(`% load < ${archive}`),
        floor(`cat < ${archive} > ${out} && sync -d ${out}`),
      ],
    },
    {
      ...{ id: "load-pipe", title: "`cat | load`", ...plain },
      steps: [
        ...steps(`cat ${archive} | % load`),
        floor(`cat ${archive} | cat > ${out} && sync -d ${out}`),
      ],
    },
    {
      ...{ id: "load-gzip", title: "`load -i`, gzip", ...zipped },
      steps: [
        ...steps(`% load -i ${gzip}`),
        ...skopeoLoad(context, gzip),
        floor(`gzip -dc ${gzip} > ${out} && sync -d ${out}`),
      ],
    },
  ];
}

/** Where skopeo keeps the image: it has no store of its own, and an OCI folder is the least work. */
function ociPlace({ contenders: { skopeo } }: Context): string {
  return `oci:${shellQuote(skopeo?.ociFolder ?? "")}:1`;
}

function skopeoLoad(context: Context, source: string): Step[] {
  const { skopeo } = context.contenders;
  if (skopeo === undefined) return [];
  const folder = shellQuote(skopeo.ociFolder);
  return [
    skopeoStep(skopeo, {
      timed: skopeoCopyIn(context, source),
      check: `test -s ${folder}/index.json`,
      after: `rm -rf ${folder}`,
    }),
  ];
}

function skopeoCopyIn(context: Context, source: string): string {
  const plainLayers = "--dest-oci-accept-uncompressed-layers";
  return `% copy ${plainLayers} docker-archive:${source} ${ociPlace(context)}`;
}

function skopeoStep(skopeo: Skopeo, template: StepTemplate): Step {
  return stepFor({ name: "skopeo", words: skopeo.words }, template);
}

function importCase(context: Context): CasePlan {
  const { rootfs, out, rounds, image } = context;
  return {
    ...{ id: "import", title: "`import`", size: image.rootfsSize, rounds, warm: [image.rootfs] },
    steps: [
      ...stepsFor(context, {
        timed: `% import ${rootfs} lade-bench-import:1`,
        check: "% images | grep lade-bench-import > /dev/null",
        after: "% rmi lade-bench-import:1",
      }),
      floorStep(context, `cp ${rootfs} ${out} && sync -d ${out}`),
    ],
  };
}

/** Has the image in the program's store for the rounds of a case, and of the cases after it. */
function loaded({ archive, name }: Context): Pick<StepTemplate, "setUp" | "tearDown"> {
  return { setUp: `% load -q -i ${archive}`, tearDown: `% rmi ${name}` };
}

/** Cases for which the image is in the store. */
function loadedCases(context: Context): CasePlan[] {
  const { archive, out, name, rounds, image } = context;
  const warm = [image.archive];
  const size = image.archiveSize;
  const check = `tar -xOf ${out} manifest.json | grep -F ${name} > /dev/null`;
  const toFile = { check, after: rm(context) };
  const steps = (template: StepTemplate) => stepsFor(context, { ...loaded(context), ...template });
  const floor = (command: string) => floorStep(context, command);
  const many = { rounds: rounds * QUICK_FACTOR, warm: [] };
  return [
    {
      ...{ id: "save-file", title: "`save -o`", size, rounds, warm },
      steps: [
        ...steps({ timed: `% save -o ${out} ${name}`, ...toFile }),
        ...skopeoSave(context, toFile),
        floor(`cp ${archive} ${out} && sync -d ${out}`),
      ],
    },
    {
      ...{ id: "save-redirect", title: "`save >`", size, rounds, warm },
      steps: [
        ...steps({ timed: `% save ${name} > ${out}`, ...toFile }),
        floor(`cat < ${archive} > ${out} && sync -d ${out}`),
      ],
    },
    {
      ...{ id: "save-pipe", title: "`save | cat`", size, rounds, warm },
      steps: [
        ...steps({ timed: `% save ${name} | cat > /dev/null` }),
        floor(`cat ${archive} | cat > /dev/null`),
      ],
    },
    {
      ...{ id: "tag", title: "`tag`", ...many },
      steps: steps({
        timed: `% tag ${name} lade-bench-tag:1`,
        check: "% images | grep lade-bench-tag > /dev/null",
        after: "% rmi lade-bench-tag:1",
      }),
    },
    {
      ...{ id: "images", title: "`images`", ...many },
      steps: steps({ timed: "% images", check: hasImage(context) }),
    },
  ];
}

function skopeoSave(context: Context, toFile: Partial<StepTemplate>): Step[] {
  const { skopeo } = context.contenders;
  if (skopeo === undefined) return [];
  const { archive, out, name } = context;
  return [
    skopeoStep(skopeo, {
      setUp: skopeoCopyIn(context, archive),
      timed: `% copy ${ociPlace(context)} docker-archive:${out}:${name}`,
      ...toFile,
      tearDown: `rm -rf ${shellQuote(skopeo.ociFolder)}`,
    }),
  ];
}

/** What it costs to start any command the way the bench does. */
export function overheadCase(rounds: number): CasePlan {
  const timed = `${peakPrefix} true`;
  const step = { contender: "none", label: "true", timed };
  return { id: "overhead", title: "", rounds: rounds * QUICK_FACTOR, warm: [], steps: [step] };
}
