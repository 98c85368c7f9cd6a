// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { envName, isSameSetting, sectionOf, slotsOf } from "./config-slots.ts";
import { quoteExcerpt } from "./go-quote.ts";
import { applyHistoryStep, type ChangeStep } from "./history-change.ts";
import { type HistoryStep, parseHistoryStep } from "./history-step.ts";
import type { HistoryEntry, ImageConfigSection } from "./image-config.ts";

export interface ConfigAtStep {
  readonly config: ImageConfigSection;
  /** What the history leaves open, one sentence each. */
  readonly warnings: readonly string[];
}

interface Question {
  readonly config: ImageConfigSection;
  readonly history: readonly HistoryEntry[];
  /** How many steps of the history stay. */
  readonly steps: number;
}

/**
 * The config that an image had after some steps of its history.
 *
 * A setting that no later step touches is the image's own. Another is what the last step before set
 * it to; whether the history was understood is seen by what it gives for the image as it is.
 *
 * @throws LadeError HISTORY_UNCLEAR where a setting can't be told
 */
export function configAtStep(question: Question): ConfigAtStep {
  const steps = question.history.map(parseHistoryStep);
  checkSquash(steps, question.steps);
  let problem: LadeError | undefined;
  // Lines of a Dockerfile first: what is known to be plain values is never read as such.
  for (const asDockerfile of [true, false]) {
    const told = [true, false].map((resetsCmd) =>
      tell(question, steps, { resetsCmd, asDockerfile }),
    );
    const [answer, other] = told.filter((one): one is ConfigAtStep => !(one instanceof LadeError));
    problem ??= told.find((one): one is LadeError => one instanceof LadeError);
    if (answer === undefined) continue;
    if (other === undefined || isSameSetting(answer.config, other.config)) return answer;
    throw ambiguous(answer.config, other.config);
  }
  throw problem ?? new Error("no reading and no problem");
}

function checkSquash(steps: readonly HistoryStep[], kept: number): void {
  const index = steps.findIndex((step, at) => step.type === "squash" && at >= kept);
  if (index < 0) return;
  throw unclear(`step ${index + 1} squashed the steps before it into one layer`);
}

interface Reading {
  /** ENTRYPOINT takes a command away that was set before it, as it does in another build stage. */
  readonly resetsCmd: boolean;
  readonly asDockerfile: boolean;
}

/** What one step set a setting to; undefined where it took it away. */
interface Setting {
  readonly step: number;
  readonly value: unknown;
}

/** A step that may have set things without the history telling. */
interface Unknown {
  readonly step: number;
  /** The instruction of a step whose text makes no sense; undefined for one that may do anything. */
  readonly instruction: string | undefined;
}

interface Replay {
  /** In order. */
  readonly settings: ReadonlyMap<string, readonly Setting[]>;
  readonly unknown: readonly Unknown[];
}

function tell(
  question: Question,
  steps: readonly HistoryStep[],
  reading: Reading,
): ConfigAtStep | LadeError {
  const replay = replaySteps(question, steps, reading);
  const final = slotsOf(question.config);
  const slots = new Map<string, unknown>();
  const warnings: string[] = [];
  for (const slot of new Set([...final.keys(), ...replay.settings.keys()])) {
    const told = tellSlot(slot, { final: final.get(slot), replay, question });
    if (told instanceof LadeError) return told;
    if (told.value !== undefined) slots.set(slot, told.value);
    if (told.doubt !== undefined) warnings.push(doubtText(slot, told.doubt, question));
    if (told.isUnexplained === true)
      warnings.push(`${slot}: no step of the history sets it; it stays`);
  }
  return { config: sectionOf(slots, question.config), warnings };
}

interface SlotAnswer {
  readonly value: unknown;
  /** The step that may have set it without the history telling. */
  readonly doubt?: number;
  /** No step at all sets it: BuildKit of 2021 left ONBUILD out. */
  readonly isUnexplained?: boolean;
}

/** Docker's builders set it where nothing else does. */
const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

function tellSlot(
  slot: string,
  at: { readonly final: unknown; readonly replay: Replay; readonly question: Question },
): SlotAnswer | LadeError {
  const { final, replay, question } = at;
  const { steps: kept, history } = question;
  const settings = replay.settings.get(slot) ?? [];
  const later = settings.some(({ step }) => step >= kept);
  const unknown = replay.unknown.filter((one) => mayTouch(one, slot));
  if (settings.length === 0 && unknown.length === 0 && kept < history.length) {
    return { value: final, ...(final !== defaultPath && { isUnexplained: true }) };
  }
  const unknownLater = unknown.some(({ step }) => step >= kept);
  if (!later && !unknownLater) return { value: final };
  const last = settings.at(-1);
  const lastUnknown = unknown.at(-1)?.step ?? -1;
  if (last !== undefined && last.step > lastUnknown && !isSameSetting(last.value, final)) {
    const { created_by: text = "" } = history[last.step] ?? {};
    return unclear(
      `${slot}: step ${last.step + 1} (${quoteExcerpt(text)}) does not give what the image has`,
    );
  }
  const before = settings.findLast(({ step }) => step < kept);
  const doubted = unknown.findLast(({ step }) => step < kept && step > (before?.step ?? -1));
  if (doubted === undefined) return { value: before?.value };
  const { step: doubt } = doubted;
  if (doubted.instruction !== undefined) return notUnderstood(question, doubt);
  // Without a later step of its own, it most likely is what it was.
  if (!later) return { value: final, ...(final !== undefined && { doubt }) };
  return { value: before?.value, doubt };
}

function mayTouch({ instruction }: Unknown, slot: string): boolean {
  return instruction === undefined || slot.split(" ", 1)[0] === members[instruction];
}

function doubtText(slot: string, step: number, { history }: Question): string {
  const { created_by: text = "", comment = "" } = history[step] ?? {};
  const shown = quoteExcerpt(text || comment);
  return `${slot}: step ${step + 1} (${shown}) may have set it, which the history does not tell`;
}

/** Goes through the history from its start, and notes which step set what. */
function replaySteps(question: Question, steps: readonly HistoryStep[], reading: Reading): Replay {
  const settings = new Map<string, Setting[]>();
  const unknown: Unknown[] = [];
  const names = {
    env: (question.config.Env ?? []).map(envName),
    labels: Object.keys(question.config.Labels ?? {}),
  };
  let config: ImageConfigSection = {};
  for (const [index, step] of steps.entries()) {
    if (step.type === "unknown" || step.type === "squash") {
      unknown.push({ step: index, instruction: undefined });
    }
    if (step.type !== "change") continue;
    const asDockerfile = reading.asDockerfile && step.builder === "other";
    const applied = applyHistoryStep(step, { before: config, names, asDockerfile });
    if (applied === undefined) {
      unknown.push({ step: index, instruction: step.instruction });
      continue;
    }
    const after = withReset(step, { before: config, after: applied, reading });
    noteChanges(settings, { before: config, after, index, step });
    config = after;
  }
  return { settings, unknown };
}

function notUnderstood({ history }: Question, index: number): LadeError {
  const { created_by: text = "" } = history[index] ?? {};
  return unclear(`step ${index + 1} (${quoteExcerpt(text)}) can't be understood`);
}

function withReset(
  step: ChangeStep,
  change: {
    readonly before: ImageConfigSection;
    readonly after: ImageConfigSection;
    readonly reading: Reading;
  },
): ImageConfigSection {
  if (step.instruction !== "ENTRYPOINT") return change.after;
  const { Cmd: _, ...after } = change.after;
  const { Cmd: command } = change.before;
  return change.reading.resetsCmd || command === undefined ? after : { ...after, Cmd: command };
}

/** The member of the config that an instruction sets, or some of. */
const members: Readonly<Record<string, string>> = {
  CMD: "Cmd",
  ENTRYPOINT: "Entrypoint",
  WORKDIR: "WorkingDir",
  USER: "User",
  STOPSIGNAL: "StopSignal",
  HEALTHCHECK: "Healthcheck",
  SHELL: "Shell",
  ONBUILD: "OnBuild",
  ENV: "Env",
  LABEL: "Labels",
  EXPOSE: "ExposedPorts",
  VOLUME: "Volumes",
};

const lists = new Set(["ENV", "LABEL", "EXPOSE", "VOLUME"]);

function noteChanges(
  settings: Map<string, Setting[]>,
  change: {
    readonly before: ImageConfigSection;
    readonly after: ImageConfigSection;
    readonly index: number;
    readonly step: ChangeStep;
  },
): void {
  const before = slotsOf(change.before);
  const after = slotsOf(change.after);
  const { instruction } = change.step;
  const member = members[instruction];
  const own = lists.has(instruction) || member === undefined ? [] : [member];
  // It may take the command away, so the command is its matter, too.
  if (instruction === "ENTRYPOINT") own.push("Cmd");
  for (const slot of new Set([...before.keys(), ...after.keys(), ...own])) {
    const value = after.get(slot);
    if (!own.includes(slot) && isSameSetting(before.get(slot), value)) continue;
    const list = settings.get(slot) ?? [];
    list.push({ step: change.index, value });
    settings.set(slot, list);
  }
}

function ambiguous(a: ImageConfigSection, b: ImageConfigSection): LadeError {
  const [one, other] = [slotsOf(a), slotsOf(b)];
  const slot = [...one.keys(), ...other.keys()].find(
    (name) => !isSameSetting(one.get(name), other.get(name)),
  );
  return unclear(`${slot}: an ENTRYPOINT may have taken it away, or not`);
}

function unclear(reason: string): LadeError {
  return new LadeError(
    "HISTORY_UNCLEAR",
    `the history does not tell the configuration: ${reason}`,
    {
      hint: "Load the image of that point itself, or make one with `lade commit --change`.",
    },
  );
}
