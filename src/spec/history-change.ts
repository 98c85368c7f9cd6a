// SPDX-License-Identifier: Apache-2.0

import { posix } from "node:path";
import { isLadeError } from "../base/errors.ts";
import { applyChanges } from "./change.ts";
import { parseExposedPorts } from "./exposed-ports.ts";
import { parseGoDuration } from "./go-duration.ts";
import { parsePlainList, parseQuotedList, unquoteGo } from "./go-list.ts";
import type { HistoryStep } from "./history-step.ts";
import type { Healthcheck, ImageConfigSection, TextSet } from "./image-config.ts";

export type ChangeStep = Extract<HistoryStep, { readonly type: "change" }>;

export interface ChangeContext {
  /** The config before the step. */
  readonly before: ImageConfigSection;
  /** Names of all variables and labels that the image ends up with. */
  readonly names: { readonly env: readonly string[]; readonly labels: readonly string[] };
  /** Read the text as a line of a Dockerfile. */
  readonly asDockerfile: boolean;
}

/**
 * The config after a step of the history.
 *
 * @returns undefined where the text can't be understood
 */
export function applyHistoryStep(
  step: ChangeStep,
  context: ChangeContext,
): ImageConfigSection | undefined {
  if (!context.asDockerfile) {
    const changed = applyPlain(step, context);
    if (changed !== undefined) return { ...context.before, ...changed };
  }
  return applyLine(step, context.before);
}

function applyLine(step: ChangeStep, before: ImageConfigSection): ImageConfigSection | undefined {
  const { instruction, text } = step;
  if (instruction === "SHELL") {
    const list = parseQuotedList(text);
    return list && { ...before, Shell: list };
  }
  try {
    return applyChanges(before, [`${instruction} ${text}`]);
  } catch (error) {
    if (isLadeError(error, "CHANGE_INVALID")) return undefined;
    throw error;
  }
}

function applyPlain(
  { instruction, text, builder }: ChangeStep,
  { before, names }: ChangeContext,
): ImageConfigSection | undefined {
  switch (instruction) {
    case "ENV":
      return addEnv(before, splitPairs(text, names.env));
    case "LABEL":
      return addLabels(before, splitPairs(text, names.labels));
    case "CMD":
      return withList("Cmd", parseQuotedList(text));
    case "ENTRYPOINT":
      return withList("Entrypoint", parseQuotedList(text));
    case "SHELL":
      return withList("Shell", parseQuotedList(text) ?? parsePlainList(text));
    case "EXPOSE":
      return addPorts(before, text);
    case "VOLUME":
      return addVolumes(before, parseQuotedList(text) ?? parsePlainList(text));
    case "HEALTHCHECK":
      return withHealthcheck(text, builder === "classic" ? before.Healthcheck : undefined);
    case "ONBUILD":
      return { OnBuild: [...(before.OnBuild ?? []), text] };
    case "USER":
      return { User: text };
    case "WORKDIR":
      return { WorkingDir: posix.resolve("/", before.WorkingDir ?? "", text) };
    case "STOPSIGNAL":
      return { StopSignal: text };
    default:
      return undefined;
  }
}

function withList(
  member: "Cmd" | "Entrypoint" | "Shell",
  list: readonly string[] | undefined,
): ImageConfigSection | undefined {
  return list && { [member]: list };
}

type Pair = readonly [key: string, value: string];

/**
 * Takes `A=1 B=two words` apart. Values are not quoted, so a new pair begins only where one of the
 * names stands that the image has.
 */
function splitPairs(text: string, names: readonly string[]): Pair[] | undefined {
  const first = /^[^=\s]+=/.exec(text)?.[0];
  if (first === undefined) return undefined;
  const pairs: Pair[] = [];
  let key = first.slice(0, -1);
  let start = first.length;
  for (let at = text.indexOf(" ", start); at >= 0; at = text.indexOf(" ", at + 1)) {
    const name = names.find((one) => text.startsWith(`${one}=`, at + 1));
    if (name === undefined) continue;
    pairs.push([key, text.slice(start, at)]);
    key = name;
    start = at + 1 + name.length + 1;
  }
  pairs.push([key, text.slice(start)]);
  return pairs;
}

function addEnv(
  before: ImageConfigSection,
  pairs: readonly Pair[] | undefined,
): ImageConfigSection | undefined {
  if (pairs === undefined) return undefined;
  const env = new Map(
    (before.Env ?? []).map((entry): Pair => [entry.split("=", 1)[0] ?? "", entry]),
  );
  for (const [key, value] of pairs) env.set(key, `${key}=${value}`);
  return { Env: [...env.values()] };
}

function addLabels(
  before: ImageConfigSection,
  pairs: readonly Pair[] | undefined,
): ImageConfigSection | undefined {
  if (pairs === undefined) return undefined;
  return { Labels: Object.fromEntries([...Object.entries(before.Labels ?? {}), ...pairs]) };
}

function addToSet(set: TextSet | undefined, keys: readonly string[]): TextSet {
  return Object.fromEntries([...Object.keys(set ?? {}), ...keys].map((key) => [key, {}]));
}

/** `80 443/tcp`, BuildKit's `map[80/tcp:{}]` and its newer `[80/tcp]`. */
function addPorts(before: ImageConfigSection, text: string): ImageConfigSection | undefined {
  const bare = text.replace(/^(?:map)?\[|\]$/g, "").replace(/:\{\}(?= |$)/g, "");
  try {
    const ports = parseExposedPorts(bare.split(" ").filter(Boolean));
    return { ExposedPorts: addToSet(before.ExposedPorts, ports) };
  } catch (error) {
    if (isLadeError(error, "CHANGE_INVALID")) return undefined;
    throw error;
  }
}

function addVolumes(
  before: ImageConfigSection,
  paths: readonly string[] | undefined,
): ImageConfigSection | undefined {
  return paths && { Volumes: addToSet(before.Volumes, paths) };
}

/**
 * As Go's `%q` prints the struct: `&{["CMD" "true"] "30s" "3s" "0s" '\x03'}`.
 *
 * @param before the classic builder keeps what a new healthcheck does not say
 */
function withHealthcheck(
  text: string,
  before: Healthcheck | undefined,
): ImageConfigSection | undefined {
  const match = /^&\{(\[.*\]) ((?:"[^"]*" )+)'(.+)'\}$/s.exec(text);
  const test = parseQuotedList(match?.[1] ?? "");
  if (match === null || test === undefined) return undefined;
  const times = (match[2] ?? "")
    .trimEnd()
    .split(" ")
    .map((word) => parseGoDuration(word.slice(1, -1)));
  const [interval, timeout, startPeriod, startInterval = 0] = times.map((time) =>
    "durationNs" in time ? time.durationNs : Number.NaN,
  );
  const retries = unquoteGo(match[3] ?? "").codePointAt(0);
  const healthcheck: Healthcheck = {
    ...before,
    Test: test,
    ...(interval && { Interval: interval }),
    ...(timeout && { Timeout: timeout }),
    ...(startPeriod && { StartPeriod: startPeriod }),
    ...(startInterval && { StartInterval: startInterval }),
    ...(retries && { Retries: retries }),
  };
  const isWhole = times.every((time) => "durationNs" in time);
  return isWhole ? { Healthcheck: healthcheck } : undefined;
}
