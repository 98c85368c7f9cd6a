// SPDX-License-Identifier: Apache-2.0

import { posix } from "node:path";
import { changeError } from "./change-error.ts";
import { type Instruction, parseDockerfile } from "./dockerfile.ts";
import { parseExposedPorts } from "./exposed-ports.ts";
import { compareGoStrings } from "./go-json.ts";
import { goQuote } from "./go-quote.ts";
import { trimSpace } from "./go-space.ts";
import { parseHealthcheck } from "./healthcheck-change.ts";
import type { ImageConfigSection, TextSet } from "./image-config.ts";
import { expandWord, expandWords, type WordOptions } from "./shell-word.ts";
import { isSignal } from "./signal.ts";

const DEFAULT_SHELL = ["/bin/sh", "-c"];

const HINT =
  "Use CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR";

interface State {
  readonly config: ImageConfigSection;
  /** True once CMD came with something in the same changes: ENTRYPOINT then leaves it. */
  readonly cmdSet: boolean;
}

interface Request {
  readonly instruction: Instruction;
  readonly state: State;
  readonly words: WordOptions;
}

type Apply = (request: Request) => ImageConfigSection;

interface Pair {
  readonly key: string;
  readonly value: string;
}

function requireOne({ instruction: { args } }: Request, name: string): string {
  const [argument] = args;
  if (argument === undefined || args.length > 1) {
    throw changeError(`${name} requires exactly one argument`);
  }
  return argument;
}

function requireSome({ instruction: { args } }: Request, name: string): readonly string[] {
  if (args.length === 0) throw changeError(`${name} requires at least one argument`);
  return args;
}

function refuseFlags({ instruction: { flags } }: Request): void {
  const [flag] = flags;
  if (flag !== undefined) throw changeError(`unknown flag: ${flag.split("=", 1)[0]}`);
}

/** ENV and LABEL: the arguments come in threes, key, value and delimiter. */
function expandPairs(request: Request, name: string): Pair[] {
  refuseFlags(request);
  const args = requireSome(request, name);
  const pairs: Pair[] = [];
  for (let index = 0; index < args.length; index += 3) {
    const [key = "", value = ""] = args.slice(index, index + 2);
    if (key === "") throw changeError(`${name} names can not be blank`);
    pairs.push({ key: expandWord(key, request.words), value: expandWord(value, request.words) });
  }
  return pairs;
}

function applyEnv(request: Request): ImageConfigSection {
  const { config } = request.state;
  const env = [...(config.Env ?? [])];
  for (const { key, value } of expandPairs(request, "ENV")) {
    const entry = `${key}=${value}`;
    const index = env.findIndex((each) => each.split("=", 1)[0] === key);
    if (index < 0) env.push(entry);
    else env[index] = entry;
  }
  return { ...config, Env: env };
}

function applyLabel(request: Request): ImageConfigSection {
  const { config } = request.state;
  const labels = new Map(Object.entries(config.Labels ?? {}));
  for (const { key, value } of expandPairs(request, "LABEL")) labels.set(key, value);
  return { ...config, Labels: Object.fromEntries(labels) };
}

function addToSet(set: TextSet | undefined, keys: readonly string[]): TextSet {
  const added = keys.map((key): [string, Record<string, never>] => [key, {}]);
  return Object.fromEntries([...Object.entries(set ?? {}), ...added]);
}

function applyExpose(request: Request): ImageConfigSection {
  const specs = [...requireSome(request, "EXPOSE")].sort(compareGoStrings);
  refuseFlags(request);
  const { config } = request.state;
  const ports = parseExposedPorts(specs.flatMap((spec) => expandWords(spec, request.words)));
  return { ...config, ExposedPorts: addToSet(config.ExposedPorts, ports) };
}

function applyVolume(request: Request): ImageConfigSection {
  const args = requireSome(request, "VOLUME");
  refuseFlags(request);
  const volumes = args.map((argument) => {
    const path = trimSpace(argument);
    const expanded = path === "" ? "" : expandWord(path, request.words);
    if (expanded === "") throw changeError("VOLUME specified can not be an empty string");
    return expanded;
  });
  const { config } = request.state;
  return { ...config, Volumes: addToSet(config.Volumes, volumes) };
}

/** The words of CMD and ENTRYPOINT; the shell form gets the image's shell in front. */
function commandLine({ instruction, state }: Request): readonly string[] {
  if (instruction.json) return instruction.args;
  const { Shell: shell = [] } = state.config;
  return [...(shell.length === 0 ? DEFAULT_SHELL : shell), ...instruction.args];
}

function applyCmd(request: Request): ImageConfigSection {
  refuseFlags(request);
  const { ArgsEscaped: _, ...config } = request.state.config;
  return { ...config, Cmd: commandLine(request) };
}

/** An entry point undoes a command that it was not made for, as Docker does. */
function applyEntrypoint(request: Request): ImageConfigSection {
  refuseFlags(request);
  const { ArgsEscaped: _, Entrypoint: __, Cmd: command, ...config } = request.state.config;
  return {
    ...config,
    ...(request.state.cmdSet && command !== undefined && { Cmd: command }),
    ...(request.instruction.args.length > 0 && { Entrypoint: commandLine(request) }),
  };
}

function applyOnbuild(request: Request): ImageConfigSection {
  const { instruction, state } = request;
  const [first = ""] = requireSome(request, "ONBUILD");
  refuseFlags(request);
  const trigger = trimSpace(first).toUpperCase();
  if (trigger === "ONBUILD") {
    throw changeError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  }
  if (trigger === "MAINTAINER" || trigger === "FROM") {
    throw changeError(`${trigger} isn't allowed as an ONBUILD trigger`);
  }
  const line = instruction.original.replace(/^\s*ONBUILD\s*/i, "");
  const documents = instruction.heredocs.map(({ name, content }) => `\n${content}${name}`);
  return {
    ...state.config,
    OnBuild: [...(state.config.OnBuild ?? []), line + documents.join("")],
  };
}

function applyWorkdir(request: Request): ImageConfigSection {
  const argument = requireOne(request, "WORKDIR");
  refuseFlags(request);
  const path = expandWord(argument, request.words);
  if (path === "") throw changeError("cannot normalize nothing");
  const { config } = request.state;
  const joined = path.startsWith("/") ? path : posix.join("/", config.WorkingDir ?? "", path);
  const clean = posix.normalize(joined).replace(/(.)\/$/, "$1");
  return { ...config, WorkingDir: clean };
}

function applyUser(request: Request): ImageConfigSection {
  const argument = requireOne(request, "USER");
  refuseFlags(request);
  return { ...request.state.config, User: expandWord(argument, request.words) };
}

function applyStopSignal(request: Request): ImageConfigSection {
  const signal = expandWord(requireOne(request, "STOPSIGNAL"), request.words);
  if (!isSignal(signal)) throw changeError(`invalid signal: ${signal}`);
  return { ...request.state.config, StopSignal: signal };
}

function applyHealthcheck({ instruction, state }: Request): ImageConfigSection {
  return { ...state.config, Healthcheck: parseHealthcheck(instruction) };
}

// `validCommitCommands` of moby (daemon/builder/dockerfile).
const CHANGES: ReadonlyMap<string, Apply> = new Map([
  ["cmd", applyCmd],
  ["entrypoint", applyEntrypoint],
  ["env", applyEnv],
  ["expose", applyExpose],
  ["healthcheck", applyHealthcheck],
  ["label", applyLabel],
  ["onbuild", applyOnbuild],
  ["stopsignal", applyStopSignal],
  ["user", applyUser],
  ["volume", applyVolume],
  ["workdir", applyWorkdir],
]);

function findChange(instruction: Instruction): Apply {
  const apply = CHANGES.get(instruction.name.toLowerCase());
  if (apply !== undefined) return apply;
  const { name } = instruction;
  const shown = /^[\x21-\x7e]*$/.test(name) ? name : goQuote(name);
  throw changeError(`${shown} is not a valid change command`, HINT);
}

function environmentOf(config: ImageConfigSection): Map<string, string> {
  return new Map(
    (config.Env ?? []).map((entry) => {
      const equals = entry.indexOf("=");
      return equals < 0 ? [entry, ""] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}

/**
 * Applies Dockerfile instructions to an image's config, as `import --change` and
 * `commit --change` do.
 *
 * One text may hold several instructions on lines of their own. Variables stand for what `Env` has
 * at that point.
 *
 * Source: `BuildFromConfig` of moby (daemon/builder/dockerfile); the messages are Docker's.
 *
 * @returns a new section; the given one stays as it is
 * @throws LadeError CHANGE_INVALID
 */
export function applyChanges(
  config: ImageConfigSection,
  changes: readonly string[],
): ImageConfigSection {
  if (changes.length === 0) return config;
  const { instructions, escape: escapeToken } = parseDockerfile(changes.join("\n"));
  const steps = instructions.map((instruction) => ({
    instruction,
    apply: findChange(instruction),
  }));
  let state: State = { config, cmdSet: false };
  for (const { instruction, apply } of steps) {
    const words = { environment: environmentOf(state.config), escape: escapeToken };
    const next = apply({ instruction, state, words });
    const setsCmd = instruction.name.toLowerCase() === "cmd" && instruction.args.length > 0;
    state = { config: next, cmdSet: state.cmdSet || setsCmd };
  }
  return state.config;
}
