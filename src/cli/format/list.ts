// SPDX-License-Identifier: Apache-2.0

import type { TextOutput } from "../context.ts";
import { rowJson } from "./json.ts";
import { type ListView, rowFields } from "./list-view.ts";
import { printable, printableText } from "./printable.ts";
import { listLayout, tabulateColumns } from "./tabulate.ts";
import { isPlain } from "./width.ts";

export interface ListOptions {
  /** `--format`: empty, `table`, `table TEMPLATE`, `json` or a template. */
  readonly format: string;
  /** Only IDs, where no format is asked for. */
  readonly isQuiet?: boolean;
}

export interface WriteListOptions<Item> extends ListOptions {
  readonly view: ListView<Item>;
}

/** Writes a list as `docker` does; what drives a terminal never reaches one. */
export async function writeList<Item>(
  output: TextOutput,
  items: readonly Item[],
  { view, format, isQuiet = false }: WriteListOptions<Item>,
): Promise<void> {
  if (isTemplate(format)) {
    const { renderList } = await import("./list-template.ts");
    output.write(renderList(items, { view, format, clean: listCleaner(format, output) }));
  } else if (format === "json") {
    output.write(textOfLines(items.map((item) => rowJson(rowFields(view, item)))));
  } else if (isQuiet) {
    output.write(textOfLines(columnCells(view, view.quietField ?? "ID", items)));
  } else {
    const columns = view.columns.map((name) => columnOf(view, name, items));
    output.write(tabulateColumns(columns, listLayout));
  }
}

/** Fails for a template that can't be parsed; called before the work that makes the list. */
export async function checkListFormat(format: string): Promise<void> {
  if (isTemplate(format)) (await import("./list-template.ts")).parseListTemplate(format);
}

function isTemplate(format: string): boolean {
  return format !== "" && format !== "table" && format !== "json";
}

function textOfLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

/** A heading and the cells below it. */
function columnOf<Item>(view: ListView<Item>, name: string, items: readonly Item[]): string[] {
  const placeholder = view.placeholders?.[name] ?? "";
  const cells = columnCells(view, name, items).map((text) => text || placeholder);
  cells.unshift(view.headers[name] ?? name);
  return cells;
}

/** A field of all items, safe to show. One look at all of it tells whether anything has to change. */
function columnCells<Item>(
  { fields }: ListView<Item>,
  name: string,
  items: readonly Item[],
): string[] {
  const cells = items.map((item) => fields[name]?.(item) ?? "");
  return isPlain(cells.join("")) ? cells : cells.map(printable);
}

/** Tables are for people; other templates keep lines, and all bytes where a program reads them. */
function listCleaner(format: string, output: TextOutput): (text: string) => string {
  if (format.startsWith("table")) return printable;
  return output.isTerminal ? printableText : String;
}
