// SPDX-License-Identifier: Apache-2.0

import type { OutputStream } from "../context.ts";
import { rowJson } from "./json.ts";
import { type ListView, rowFields } from "./list-view.ts";
import { printable, printableText } from "./printable.ts";
import { listLayout, tabulate } from "./tabulate.ts";

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
  output: OutputStream,
  items: Iterable<Item>,
  { view, format, isQuiet = false }: WriteListOptions<Item>,
): Promise<void> {
  if (isTemplate(format)) {
    const { renderList } = await import("./list-template.ts");
    output.write(renderList(items, { view, format, clean: listCleaner(format, output) }));
  } else if (format === "json") {
    output.write(textOfLines(Array.from(items, (item) => rowJson(rowFields(view, item)))));
  } else if (isQuiet) {
    output.write(textOfLines(Array.from(items, (item) => cell(view, "ID", item))));
  } else {
    const row = (cellOf: (column: string) => string) => view.columns.map(cellOf).join("\t");
    const headings = row((column) => view.headers[column] ?? column);
    const rows = Array.from(items, (item) => row((column) => cell(view, column, item)));
    output.write(tabulate(textOfLines([headings, ...rows]), listLayout));
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

function cell<Item>(view: ListView<Item>, column: string, item: Item): string {
  const text = printable(view.fields[column]?.(item) ?? "");
  return text === "" ? (view.placeholders?.[column] ?? "") : text;
}

/** Tables are for people; other templates keep lines, and all bytes where a program reads them. */
function listCleaner(format: string, output: OutputStream): (text: string) => string {
  if (format.startsWith("table")) return printable;
  return output.isTerminal ? printableText : String;
}
