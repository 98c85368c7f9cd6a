// SPDX-License-Identifier: Apache-2.0

import type { OptionSpec, OptionTable } from "./command.ts";
import { defaultText, shownOptions, valueName } from "./usage.ts";

/** The names and summaries of options in two columns, wrapped as Go's pflag does. */
export function optionsText(options: OptionTable, columns: number): string {
  const rows = shownOptions(options).map(([name, spec]) => ({
    flags: flagsText(name, spec),
    summary: `${spec.summary}${defaultText(spec)}`,
  }));
  const width = Math.max(...rows.map(({ flags }) => flags.length)) + 3;
  return rows
    .map(({ flags, summary }) => flags.padEnd(width) + wrap(summary, width, columns - 1))
    .join("\n");
}

function flagsText(name: string, spec: OptionSpec): string {
  const short = spec.short === undefined ? "    " : `-${spec.short}, `;
  const value = valueName(spec);
  return `  ${short}--${name}${value === "" ? "" : ` ${value}`}`;
}

/** A last word that is this much too long stays on its line. */
const slop = 5;
const minTextWidth = 24;
const fallbackIndent = 16;

/**
 * Wraps a text that starts at column `indent` and may not reach beyond column `columns`. On narrow
 * terminals the text starts on a line of its own; on still narrower ones it is left as it is.
 */
function wrap(text: string, indent: number, columns: number): string {
  const isNarrow = columns - indent < minTextWidth;
  const start = isNarrow ? fallbackIndent : indent;
  const margin = `\n${" ".repeat(start)}`;
  const width = columns - start - slop;
  if (columns - start < minTextWidth) return text.replaceAll("\n", margin);
  const lines = text.split("\n").flatMap((line) => wrapLine(line, width));
  return (isNarrow ? margin : "") + lines.join(margin);
}

function wrapLine(line: string, width: number): string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length >= width + slop) {
    const space = rest.lastIndexOf(" ", width - 1);
    if (space <= 0) break;
    lines.push(rest.slice(0, space));
    rest = rest.slice(space + 1);
  }
  return [...lines, rest];
}
