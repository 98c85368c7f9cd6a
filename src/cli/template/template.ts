// SPDX-License-Identifier: Apache-2.0

/** Go templates, as `--format` takes them: text/template with the functions of Docker's CLI. */

import { TemplateFault } from "./bounds.ts";
import { builtinFunctions } from "./builtin-functions.ts";
import { dockerFunctions, headerFunctions } from "./docker-functions.ts";
import { runList } from "./evaluate.ts";
import type { ListNode } from "./nodes.ts";
import { parseTemplates } from "./parser.ts";
import { fail, type Run } from "./run.ts";
import { type GoValue, toValue, unboxed } from "./values.ts";

export interface Template {
  readonly text: string;
  /** The main template under the empty name, and what it defines. */
  readonly templates: ReadonlyMap<string, ListNode>;
}

export interface ExecuteOptions {
  /** What a key does that a map has not: `<no value>`, or an error (`missingkey=error`). */
  readonly missingKey?: "default" | "error";
  /** `header`: the functions leave the names of columns as they are, for the header of a table. */
  readonly functions?: "data" | "header";
}

const functions = {
  data: { ...builtinFunctions, ...dockerFunctions },
  header: { ...builtinFunctions, ...headerFunctions },
};

/**
 * Parses a template.
 *
 * @throws LadeError TEMPLATE_INVALID with Go's message behind `template parsing error: `
 */
export function parseTemplate(text: string): Template {
  const wellFormed = text.toWellFormed();
  const isFunction = (name: string): boolean => Object.hasOwn(functions.data, name);
  return { text: wellFormed, templates: parseTemplates(wellFormed, isFunction) };
}

/**
 * Runs a template.
 *
 * @returns all that it prints; bytes that are no UTF-8 (cut by `slice`, or `"\xff"`) come as U+FFFD
 * @throws LadeError TEMPLATE_EXECUTION with Go's message
 */
export function executeTemplate(
  template: Template,
  data: GoValue,
  { missingKey = "default", functions: kind = "data" }: ExecuteOptions = {},
): string {
  const list = template.templates.get("");
  if (list === undefined) throw new Error("a template has no main part");
  const dot = unboxed(toValue(data));
  const run: Run = {
    text: template.text,
    templates: template.templates,
    functions: functions[kind],
    missingKey,
    output: [],
    outputLength: 0,
    name: "",
    node: list,
    variables: [{ name: "$", value: dot }],
    depth: 0,
    steps: 0,
  };
  try {
    runList(run, dot, list);
  } catch (error) {
    if (error instanceof TemplateFault) fail(run, error.message);
    throw error;
  }
  return run.output.join("");
}
