// SPDX-License-Identifier: Apache-2.0

import { isPlain, textWidth } from "./width.ts";

export interface TabulateOptions {
  /** Columns that a cell takes at least, its padding included. */
  readonly minWidth: number;
  /** Spaces behind the widest cell of a column. */
  readonly padding: number;
}

/** How Docker sets its lists. */
export const listLayout: TabulateOptions = { minWidth: 10, padding: 3 };

/**
 * Aligns cells that end in tabs, by the rules of Go's text/tabwriter: a column is a run of lines
 * that have a cell there, as wide as its widest cell; the text behind a line's last tab belongs to
 * no column.
 */
export function tabulate(text: string, options: TabulateOptions): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths = lines.map(() => [] as number[]);
  setWidths({ lines, widths, options }, { column: 0, first: 0, end: lines.length });
  return lines
    .map((cells, index) => cells.map((cell, column) => pad(cell, widths[index]?.[column])).join(""))
    .join("\n");
}

/**
 * The same for whole columns of cells, all as long, without tabs or line ends in them; the last one
 * gets no padding.
 *
 * Made for 10,000 rows in a program that runs for the first time: as one text to be taken apart
 * again they took five times as long, with iterators twice.
 */
export function tabulateColumns(
  columns: readonly (readonly string[])[],
  { minWidth, padding }: TabulateOptions,
): string {
  const last = columns.length - 1;
  const grid = columns.map((cells) => {
    const widthOf = isPlain(cells.join("")) ? plainWidth : textWidth;
    const widest = cells.reduce((width, cell) => Math.max(width, widthOf(cell)), 0);
    return { cells, widthOf, width: Math.max(minWidth, widest + padding) };
  });
  let text = "";
  for (let line = 0; line < (columns[last]?.length ?? 0); line++) {
    for (let column = 0; column < last; column++) {
      const { cells, widthOf, width } = grid[column] as (typeof grid)[number];
      const cell = cells[line] as string;
      text += cell + spaces(width - widthOf(cell));
    }
    text += `${columns[last]?.[line]}\n`;
  }
  return text;
}

function plainWidth(text: string): number {
  return text.length;
}

const knownSpaces: string[] = [];

/** The few lengths that a table needs come again and again. */
function spaces(count: number): string {
  knownSpaces[count] ??= " ".repeat(count);
  return knownSpaces[count];
}

interface Grid {
  readonly lines: readonly (readonly string[])[];
  readonly widths: readonly number[][];
  readonly options: TabulateOptions;
}

interface Block {
  readonly column: number;
  readonly first: number;
  readonly end: number;
}

/** Sets the widths of a column's runs, and within each run those of the columns to its right. */
function setWidths(grid: Grid, { column, first, end }: Block): void {
  const { lines, widths, options } = grid;
  const hasCell = (line: number) => column < (lines[line]?.length ?? 0) - 1;
  for (let start = first; start < end; start++) {
    if (!hasCell(start)) continue;
    let width = options.minWidth;
    let line = start;
    for (; line < end && hasCell(line); line++) {
      width = Math.max(width, textWidth(lines[line]?.[column] ?? "") + options.padding);
    }
    for (let index = start; index < line; index++) (widths[index] as number[])[column] = width;
    setWidths(grid, { column: column + 1, first: start, end: line });
    start = line;
  }
}

function pad(cell: string, width: number | undefined): string {
  return width === undefined ? cell : cell + " ".repeat(Math.max(0, width - textWidth(cell)));
}
