// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { shellQuote } from "../test/helpers/tools.ts";
import type { CasesInput } from "./cases.ts";
import { type Program, readable, type StepTemplate, stepFor } from "./contenders.ts";
import type { CasePlan, Step } from "./measure.ts";

/** Rounds of commands that take a fraction of a second cost little, and make their medians steadier. */
const QUICK_FACTOR = 4;

/** The daemon of the bench has no bridge, so no container of either has a network. */
const RUN = "run --rm --network none";

interface Context {
  readonly rounds: number;
  readonly many: number;
  /** Quoted for the shell. */
  readonly archive: string;
  readonly rootfs: string;
  readonly out: string;
  readonly name: string;
  readonly archiveSize: number;
  readonly rootfsSize: number;
  readonly programs: readonly Program[];
  readonly files: { readonly archive: string; readonly rootfs: string };
}

/** Every case in which a container runs, in the order in which it is measured: docker and lade. */
export function containerCases(input: CasesInput): CasePlan[] {
  const { image, rounds } = input;
  const context: Context = {
    rounds,
    many: rounds * QUICK_FACTOR,
    archive: shellQuote(image.archive),
    rootfs: shellQuote(image.rootfs),
    out: shellQuote(join(input.folder, "out.tar")),
    name: shellQuote(image.name),
    archiveSize: image.archiveSize,
    rootfsSize: image.rootfsSize,
    programs: input.contenders.programs.filter(({ name }) => name === "lade" || name === "docker"),
    files: { archive: image.archive, rootfs: image.rootfs },
  };
  return [
    ...firstRuns(context),
    ...lifeCases(context),
    ...commitCases(context),
    ...exportCases(context),
  ];
}

function plan(
  context: Context,
  about: Omit<CasePlan, "steps" | "warm" | "rounds"> & Partial<Pick<CasePlan, "warm" | "rounds">>,
  template: StepTemplate,
): CasePlan {
  const steps = context.programs.map((program) => stepFor(program, template));
  return { rounds: context.rounds, warm: [], ...about, steps };
}

function loaded({ archive, name }: Context): Pick<StepTemplate, "setUp" | "tearDown"> {
  return { setUp: `% load -q -i ${archive}`, tearDown: `% rmi -f ${name}` };
}

/** From an archive to a program that ran. */
function firstRuns(context: Context): CasePlan[] {
  const { archive, name, archiveSize: size, files } = context;
  const warm = [files.archive];
  const inPlace = plan(
    context,
    { id: "run-archive", title: "run from an archive", size, warm },
    {
      timed: `% load -q -i ${archive} > /dev/null && % ${RUN} ${name} true`,
      after: `% rmi -f ${name}`,
    },
  );
  return [
    plan(
      context,
      { id: "run-first", title: "first `run` after `load`", size },
      {
        before: `% load -q -i ${archive}`,
        timed: `% ${RUN} ${name} true`,
        after: `% rmi -f ${name}`,
      },
    ),
    plan(
      context,
      { id: "run-load", title: "`load` and first `run`", size, warm },
      {
        timed: `% load -q -i ${archive} > /dev/null && % ${RUN} ${name} true`,
        after: `% rmi -f ${name}`,
      },
    ),
    { ...inPlace, steps: inPlace.steps.map((step) => withoutLoad(context, step)) },
  ];
}

/** lade needs no `load` to run what lies in an archive. */
function withoutLoad(context: Context, step: Step): Step {
  const program = context.programs.find(({ name }) => name === step.contender);
  if (program?.name !== "lade") return step;
  // Each round verifies the archive, as the first run from it does.
  return stepFor(program, {
    before: `rm -rf "$(% info -f '{{.DockerRootDir}}')/archives"`,
    timed: `% ${RUN} ${context.archive} true`,
  });
}

function lifeCases(context: Context): CasePlan[] {
  const { name, many } = context;
  const rounds = many;
  const container = "--name bench --network none";
  const pss = `awk '/^Pss:/ { sum += $2 } END { print sum }' /proc/$(pgrep -n -x conmon)/smaps_rollup`;
  const detached: CasePlan = plan(
    { ...context, programs: context.programs.filter((program) => program.name === "lade") },
    { id: "detached", title: "memory of a detached container", rounds: context.rounds },
    {
      ...loaded(context),
      // What stays beside the container's own processes is the monitor; its share of memory is told
      // in place of the command's.
      timed: `% run -d ${container} ${name} sleep 600 > /dev/null && ${pss} > "$PEAK"`,
      after: "% rm -f bench",
    },
  );
  return [
    plan(
      context,
      { id: "run", title: "`run --rm … true`", rounds },
      { ...loaded(context), timed: `% ${RUN} ${name} true` },
    ),
    plan(
      context,
      { id: "create", title: "`create`", rounds },
      { ...loaded(context), timed: `% create ${container} ${name} true`, after: "% rm bench" },
    ),
    plan(
      context,
      { id: "start", title: "`start`", rounds },
      {
        ...loaded(context),
        before: `% create ${container} ${name} sleep 600`,
        timed: "% start bench",
        after: "% rm -f bench",
      },
    ),
    plan(
      context,
      { id: "exec", title: "`exec`", rounds },
      {
        setUp: `${loaded(context).setUp} && % run -d ${container} ${name} sleep 36000`,
        timed: "% exec bench true",
        tearDown: `% rm -f bench && % rmi -f ${name}`,
      },
    ),
    detached,
  ];
}

function commitCases(context: Context): CasePlan[] {
  const { archive, name, rounds, many } = context;
  const commit = (id: string, title: string, about: { rounds: number; change: string }) =>
    plan(
      context,
      { id, title, rounds: about.rounds },
      {
        setUp:
          `% load -q -i ${archive} && ` +
          `% run --name bench --network none ${name} sh -c ${shellQuote(about.change)}`,
        timed: "% commit bench lade-bench-commit:1",
        check: "% images | grep lade-bench-commit > /dev/null",
        after: "% rmi lade-bench-commit:1",
        tearDown: `% rm bench && % rmi -f ${name}`,
      },
    );
  const small = "echo one > /one; echo two > /two";
  const large = "head -c 200000000 /dev/urandom > /large";
  return [
    commit("commit-small", "`commit` of two small files", { rounds: many, change: small }),
    commit("commit-large", "`commit` of 200 MB", { rounds, change: large }),
  ];
}

function exportCases(context: Context): CasePlan[] {
  const { archive, rootfs, out, name, rootfsSize: size, files } = context;
  const stopped = {
    setUp: `% load -q -i ${archive} && % run --name bench --network none ${name} true`,
    tearDown: `% rm bench && % rmi -f ${name}`,
  };
  const toFile = plan(
    context,
    { id: "export-file", title: "`export -o`", size, warm: [files.rootfs] },
    { ...stopped, timed: `% export -o ${out} bench`, after: `rm -f ${out}` },
  );
  const floor = `cp ${rootfs} ${out} && sync -d ${out}`;
  return [
    {
      ...toFile,
      steps: [
        ...toFile.steps,
        { contender: "floor", label: readable(floor), timed: floor, after: `rm -f ${out}` },
      ],
    },
    plan(
      context,
      { id: "export-import", title: "`export \\| import`", size },
      {
        ...stopped,
        timed: "% export bench | % import - lade-bench-import:1",
        after: "% rmi lade-bench-import:1",
      },
    ),
  ];
}
