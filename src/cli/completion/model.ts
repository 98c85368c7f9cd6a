// SPDX-License-Identifier: Apache-2.0

import type { Command, CommandTable, Completion, ListedKind, OptionTable } from "../command.ts";
import { shownOptions, takesValue } from "../usage.ts";

export interface CompletedWord {
  readonly word: string;
  readonly summary: string;
}

export interface CompletedOption {
  readonly long: string;
  readonly short: string | undefined;
  /** First line of the summary. */
  readonly summary: string;
  readonly takesValue: boolean;
  readonly isRepeatable: boolean;
  readonly completion: Completion | undefined;
}

/** What can be typed behind one path: `""`, `image`, `image ls`. */
export interface CompletedPath {
  readonly path: string;
  /** Commands that can follow. */
  readonly words: readonly CompletedWord[];
  readonly options: readonly CompletedOption[];
  /** What the operands are. */
  readonly operands: Completion | undefined;
}

/** Everything that the scripts know, from the table of commands; sorted by path. */
export async function completionModel(table: CommandTable): Promise<CompletedPath[]> {
  const leaves: CompletedPath[] = [];
  const words = new Map<string, CompletedWord[]>([["", []]]);
  for (const [group, { summary }] of Object.entries(table.groups)) {
    words.set(group, []);
    words.get("")?.push({ word: group, summary });
  }
  for (const { names, load, isHidden } of table.commands) {
    if (isHidden === true) continue;
    const { command } = await load();
    for (const path of names) {
      leaves.push(leaf(table, path, command));
      const parts = path.split(" ");
      const word = parts.pop() as string;
      words.get(parts.join(" "))?.push({ word, summary: command.summary });
    }
  }
  const groups = [...words].map(([path, children]) => ({
    path,
    words: children.sort((left, right) => (left.word < right.word ? -1 : 1)),
    options: completedOptions(path === "" ? table.globals : {}),
    operands: undefined,
  }));
  return [...groups, ...leaves].sort((left, right) => (left.path < right.path ? -1 : 1));
}

function leaf(table: CommandTable, path: string, command: Command): CompletedPath {
  return {
    path,
    words: [],
    options: completedOptions(command.options),
    operands: path === "help" ? helpTopics(table) : command.operands.completion,
  };
}

function helpTopics(table: CommandTable): string[] {
  const tops = table.commands
    .filter(({ isHidden }) => isHidden !== true)
    .flatMap(({ names }) => names.map((name) => name.split(" ")[0] ?? ""));
  return [...new Set(tops)].sort();
}

function completedOptions(options: OptionTable): CompletedOption[] {
  const completed = shownOptions(options).map(([long, spec]) => ({
    long,
    short: spec.short,
    summary: (spec.summary.split("\n")[0] as string).replace(/:$/, ""),
    takesValue: takesValue(spec),
    isRepeatable:
      spec.type === "parsed"
        ? spec.isRepeatable === true
        : spec.type !== "bool" && spec.type !== "string",
    completion: spec.completion,
  }));
  const help = {
    long: "help",
    short: undefined,
    summary: "Show help",
    takesValue: false,
    isRepeatable: false,
    completion: undefined,
  };
  return [...completed, help];
}

/** Global options that take a value, which the scripts step over on the way to the command. */
export function globalOptionsWithValue({ globals }: CommandTable): string[] {
  return Object.entries(globals)
    .filter(([, spec]) => takesValue(spec))
    .map(([name]) => `--${name}`);
}

/** How a script lists names of one kind. */
export interface Listing {
  readonly kind: ListedKind;
  /** The function in the scripts, without its prefix. */
  readonly name: string;
  /** Each writes names, one a line. */
  readonly commands: readonly string[];
}

/**
 * The lines of a script that list names. Errors are dropped: a completion that can't be made must
 * not disturb the line that is being typed. Only what is a name passes, since shells expand the
 * words that they complete.
 */
export function listingLines({ commands }: Listing): string[] {
  return commands.map(
    (command) => `lade ${command} 2>/dev/null | grep -E '^[A-Za-z0-9][A-Za-z0-9._:/-]*$'`,
  );
}

const images = "image ls --format '{{.Repository}}:{{.Tag}}'";
const containers = "ps -a --format '{{.Names}}'";
const networks = "network ls --format '{{.Name}}'";
const volumes = "volume ls -q";

/** Every kind of name that scripts complete. */
export const listings: readonly Listing[] = [
  { kind: "image", name: "images", commands: [images] },
  { kind: "container", name: "containers", commands: [containers] },
  { kind: "running", name: "running", commands: ["ps --format '{{.Names}}'"] },
  {
    kind: "stopped",
    name: "stopped",
    commands: ["ps -a -f status=created -f status=exited --format '{{.Names}}'"],
  },
  { kind: "volume", name: "volumes", commands: [volumes] },
  { kind: "network", name: "networks", commands: [networks] },
  { kind: "endpoint", name: "endpoints", commands: [networks, containers] },
  { kind: "object", name: "objects", commands: [containers, images, networks, volumes] },
];

/** The listing of a kind, undefined for files and words. */
export function listingOf(completion: Completion | undefined): Listing | undefined {
  return listings.find(({ kind }) => kind === completion);
}

/** A word for a shell, quoted so that it means itself. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
