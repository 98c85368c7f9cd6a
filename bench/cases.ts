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
  const cases = [...loadCases(context), ...saveCases(context), ...otherCases(context)];
  return input.cold ? [...cases, ...coldCases(cases)] : cases;
}

function coldCases(cases: readonly CasePlan[]): CasePlan[] {
  return cases
    .filter((plan) => plan.id === "load-file" || plan.id === "save-file")
    .map((plan) => ({ ...plan, id: `${plan.id}-cold`, title: `${plan.title}, cold`, cold: true }));
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
  const plan = (id: string, about: Pick<CasePlan, "title" | "size" | "warm">, timed: string) => ({
    id,
    rounds,
    ...about,
    steps: stepsFor(context, { timed, check: hasImage(context), after: `% rmi ${name}` }),
  });
  const plain = { size: image.archiveSize, warm: [image.archive] };
  const zipped = { size: image.gzipSize, warm: [image.gzip] };
  const withOthers = (base: CasePlan, floor: string, others: readonly Step[] = []): CasePlan => ({
    ...base,
    steps: [...base.steps, ...others, floorStep(context, floor)],
  });
  return [
    withOthers(
      plan("load-file", { title: "`load -i`", ...plain }, `% load -i ${archive}`),
      `cp ${archive} ${out} && sync -d ${out}`,
      skopeoLoads(context, archive),
    ),
    withOthers(
      plan("load-redirect", { title: "`load <`", ...plain }, `% load < ${archive}`),
      `cat < ${archive} > ${out} && sync -d ${out}`,
    ),
    withOthers(
      plan("load-pipe", { title: "`cat | load`", ...plain }, `cat ${archive} | % load`),
      `cat ${archive} | cat > ${out} && sync -d ${out}`,
    ),
    withOthers(
      plan("load-gzip", { title: "`load -i`, gzip", ...zipped }, `% load -i ${gzip}`),
      `gzip -dc ${gzip} > ${out} && sync -d ${out}`,
      skopeoLoads(context, gzip),
    ),
  ];
}

function skopeoLoads(context: Context, source: string): Step[] {
  const { skopeo } = context.contenders;
  if (skopeo === undefined) return [];
  const oci = shellQuote(skopeo.ociFolder);
  const plainLayers = "--dest-oci-accept-uncompressed-layers";
  return [
    skopeoStep(skopeo, {
      timed: `% copy docker-archive:${source} ${stored(context, skopeo)}`,
      after: `% delete ${stored(context, skopeo)}`,
    }),
    {
      ...skopeoStep(skopeo, {
        timed: `% copy ${plainLayers} docker-archive:${source} oci:${oci}:1`,
        after: `rm -rf ${oci}`,
      }),
      contender: "skopeo oci",
    },
  ];
}

function skopeoStep(skopeo: Skopeo, template: StepTemplate): Step {
  return stepFor({ name: "skopeo", words: skopeo.words }, template);
}

function stored(context: Context, skopeo: Skopeo): string {
  return shellQuote(`${skopeo.storage}${context.image.name}`);
}

function saveCases(context: Context): CasePlan[] {
  const { archive, out, name, rounds, image } = context;
  const loaded = { setUp: `% load -q -i ${archive}`, tearDown: `% rmi ${name}` };
  const check = `tar -xOf ${out} manifest.json | grep -F ${name} > /dev/null`;
  const plan = (id: string, title: string, timed: string): CasePlan => ({
    id,
    title,
    size: image.archiveSize,
    rounds,
    warm: [],
    steps: stepsFor(context, {
      ...loaded,
      timed,
      ...(timed.includes(out) ? { check, after: rm(context) } : {}),
    }),
  });
  const file = plan("save-file", "`save -o`", `% save -o ${out} ${name}`);
  const redirect = plan("save-redirect", "`save >`", `% save ${name} > ${out}`);
  const pipe = plan("save-pipe", "`save | cat`", `% save ${name} | cat > /dev/null`);
  const warm = [image.archive];
  return [
    {
      ...file,
      warm,
      steps: [
        ...file.steps,
        ...skopeoSaves(context),
        floorStep(context, `cp ${archive} ${out} && sync -d ${out}`),
      ],
    },
    {
      ...redirect,
      warm,
      steps: [...redirect.steps, floorStep(context, `cat < ${archive} > ${out} && sync -d ${out}`)],
    },
    {
      ...pipe,
      warm,
      steps: [...pipe.steps, floorStep(context, `cat ${archive} | cat > /dev/null`)],
    },
  ];
}

function skopeoSaves(context: Context): Step[] {
  const { skopeo } = context.contenders;
  if (skopeo === undefined) return [];
  const { archive, out, name } = context;
  return [
    skopeoStep(skopeo, {
      setUp: `% copy docker-archive:${archive} ${stored(context, skopeo)}`,
      timed: `% copy ${stored(context, skopeo)} docker-archive:${out}:${name}`,
      check: `tar -xOf ${out} manifest.json | grep -F ${name} > /dev/null`,
      after: rm(context),
      tearDown: `% delete ${stored(context, skopeo)}`,
    }),
  ];
}

function otherCases(context: Context): CasePlan[] {
  const { archive, rootfs, out, name, rounds, image } = context;
  const loaded = { setUp: `% load -q -i ${archive}`, tearDown: `% rmi ${name}` };
  const many = rounds * QUICK_FACTOR;
  return [
    {
      id: "import",
      title: "`import`",
      size: image.rootfsSize,
      rounds,
      warm: [image.rootfs],
      steps: [
        ...stepsFor(context, {
          timed: `% import ${rootfs} lade-bench-import:1`,
          check: "% images | grep lade-bench-import > /dev/null",
          after: "% rmi lade-bench-import:1",
        }),
        floorStep(context, `cp ${rootfs} ${out} && sync -d ${out}`),
      ],
    },
    {
      id: "tag",
      title: "`tag`",
      rounds: many,
      warm: [],
      steps: stepsFor(context, {
        ...loaded,
        timed: `% tag ${name} lade-bench-tag:1`,
        check: "% images | grep lade-bench-tag > /dev/null",
        after: "% rmi lade-bench-tag:1",
      }),
    },
    {
      id: "images",
      title: "`images`",
      rounds: many,
      warm: [],
      steps: stepsFor(context, { ...loaded, timed: "% images", check: hasImage(context) }),
    },
    {
      id: "rmi",
      title: "`rmi`",
      rounds,
      warm: [],
      steps: stepsFor(context, { before: `% load -q -i ${archive}`, timed: `% rmi ${name}` }),
    },
  ];
}

/** What it costs to start any command the way the bench does. */
export function overheadCase(rounds: number): CasePlan {
  const timed = `${peakPrefix} true`;
  const step = { contender: "none", label: "true", timed };
  return { id: "overhead", title: "", rounds: rounds * QUICK_FACTOR, warm: [], steps: [step] };
}
