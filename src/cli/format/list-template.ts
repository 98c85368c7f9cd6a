// SPDX-License-Identifier: Apache-2.0

import { type GoStruct, type GoValue, goStruct } from "../template/values.ts";
import { cleaned, type ListView, rowFields } from "./list-view.ts";
import { listLayout, tabulate } from "./tabulate.ts";
import { executeFormat, parseFormat } from "./template.ts";

export interface ListTemplateOptions<Item> {
  readonly view: ListView<Item>;
  /** A template, perhaps behind the word `table`. */
  readonly format: string;
  /** Makes a field's text safe to show. */
  readonly clean: (text: string) => string;
}

/** Parses the template, so that a bad one fails before there is anything to list. */
export function parseListTemplate(format: string): ReturnType<typeof parseFormat> {
  return parseFormat(templateText(format));
}

/** A list through a Go template: one execution for each row, and in a table one for the headings. */
export function renderList<Item>(
  items: Iterable<Item>,
  { view, format, clean }: ListTemplateOptions<Item>,
): string {
  const template = parseListTemplate(format);
  const lines: string[] = [];
  const isTable = format.startsWith(tableWord);
  if (isTable) lines.push(`${executeFormat(template, headerRow(view), { functions: "header" })}\n`);
  for (const item of items) {
    lines.push(`${executeFormat(template, itemRow(view, item, clean))}\n`);
  }
  const text = lines.join("");
  return isTable ? tabulate(text, listLayout) : text;
}

function itemRow<Item>(
  view: ListView<Item>,
  item: Item,
  clean: (text: string) => string,
): GoStruct {
  // Fields are worked out when the template names them.
  const fields = Object.entries(view.fields).map(
    ([name, field]) => [name, () => cleaned(field(item), clean)] as const,
  );
  const methods = Object.entries(view.methods ?? {}).map(
    ([name, { value }]) => [name, (argument: string) => clean(value(item, argument))] as const,
  );
  return goStruct(view.goType, Object.fromEntries(fields), {
    json: () => rowFields(view, item, clean),
    escapesHtml: true,
    methods: Object.fromEntries(methods),
  });
}

function headerRow<Item>({ headers, methods }: ListView<Item>): GoValue {
  if (methods === undefined) return headers;
  const entries = Object.entries(methods).map(([name, { header }]) => [name, header] as const);
  return goStruct("formatter.SubHeaderContext", headers, { methods: Object.fromEntries(entries) });
}

const tableWord = "table";

/** Shells pass `\t` as two characters; Docker takes them for a tab. */
function templateText(format: string): string {
  const text = format.startsWith(tableWord) ? format.slice(tableWord.length) : format;
  return text
    .replace(/^ +| +$/g, "")
    .replaceAll("\\t", "\t")
    .replaceAll("\\n", "\n");
}
