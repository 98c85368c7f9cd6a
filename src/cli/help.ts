// SPDX-License-Identifier: Apache-2.0

import type { Command, CommandTable } from "./command.ts";
import { optionsText } from "./options-text.ts";
import { shownOptions, usageLine } from "./usage.ts";

const defaultColumns = 80;

/**
 * The path of the command or group that the words name, in its first spelling below that parent;
 * empty for `lade` itself.
 */
export function findTopic(table: CommandTable, words: readonly string[]): string | undefined {
  const path = words.join(" ");
  if (path === "" || Object.hasOwn(table.groups, path)) return path;
  const entry = table.commands.find(({ names }) => names.includes(path));
  return entry?.names.find((name) => name.split(" ").slice(0, -1).join(" ") === parentOf(path));
}

function parentOf(path: string): string {
  return path.split(" ").slice(0, -1).join(" ");
}

/**
 * The help of a command, a group, or of `lade` itself, laid out as `docker` does.
 *
 * @param path as `findTopic` gives it
 * @param columns width of the terminal
 */
export async function renderHelp(
  table: CommandTable,
  path: string,
  columns = defaultColumns,
): Promise<string> {
  const entry = table.commands.find(({ names }) => names.includes(path));
  if (entry !== undefined) {
    return commandHelp(path, {
      names: entry.names,
      command: (await entry.load()).command,
      columns,
    });
  }
  return path === "" ? await rootHelp(table, columns) : await groupHelp(table, path);
}

interface CommandHelp {
  readonly names: readonly string[];
  readonly command: Command;
  readonly columns: number;
}

function commandHelp(path: string, { names, command, columns }: CommandHelp): string {
  const parts = [
    `Usage:  ${usageLine(`lade ${path}`, command.usage)}`,
    command.description ?? command.summary,
  ];
  if (names.length > 1) parts.push(`Aliases:\n  ${aliases(names)}`);
  if (shownOptions(command.options).length > 0) {
    parts.push(`Options:\n${optionsText(command.options, columns)}`);
  }
  return `${parts.join("\n\n")}\n`;
}

/** Docker lists the long spellings first. */
function aliases(names: readonly string[]): string {
  const long = names.filter((name) => name.includes(" "));
  const short = names.filter((name) => !name.includes(" "));
  return [...long, ...short].map((name) => `lade ${name}`).join(", ");
}

async function groupHelp(table: CommandTable, group: string): Promise<string> {
  const { summary, description } = table.groups[group] ?? { summary: "" };
  const path = `lade ${group}`;
  const parts = [
    `Usage:  ${path} COMMAND`,
    description ?? summary,
    `Commands:\n${listing(await summaries(table, group))}`,
    `Run '${path} COMMAND --help' for more information on a command.`,
  ];
  return `${parts.join("\n\n")}\n`;
}

async function rootHelp(table: CommandTable, columns: number): Promise<string> {
  const groups = Object.entries(table.groups).map(
    ([name, { summary }]) => [name, summary] as const,
  );
  const parts = [
    "Usage:  lade [OPTIONS] COMMAND",
    "Container images, moved and run without a registry and without a daemon",
    `Management Commands:\n${listing(groups)}`,
    `Commands:\n${listing(await summaries(table, ""))}`,
    `Global Options:\n${optionsText(table.globals, columns)}`,
    "Run 'lade COMMAND --help' for more information on a command.",
  ];
  return `${parts.join("\n\n")}\n`;
}

/** The last word and the summary of each command right below a parent, sorted. */
async function summaries(
  table: CommandTable,
  parent: string,
): Promise<(readonly [string, string])[]> {
  const rows: (readonly [string, string])[] = [];
  for (const { names, load, isHidden } of table.commands) {
    if (isHidden === true) continue;
    const name = names.find((candidate) => parentOf(candidate) === parent);
    if (name === undefined || name === "help") continue;
    rows.push([name.split(" ").at(-1) as string, (await load()).command.summary]);
  }
  return rows.sort(([left], [right]) => (left < right ? -1 : 1));
}

/** Cobra's least width of a command's name in a list. */
const minNameWidth = 11;

function listing(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(minNameWidth, ...rows.map(([name]) => name.length));
  return rows.map(([name, summary]) => `  ${name.padEnd(width)} ${summary}`).join("\n");
}
