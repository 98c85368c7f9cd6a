// SPDX-License-Identifier: Apache-2.0

/** The state of one execution. */

import { LadeError } from "../../base/errors.ts";
import { bounds } from "./bounds.ts";
import type { TemplateFunctions } from "./function-types.ts";
import { type ListNode, nodeText, type TemplateNode } from "./nodes.ts";
import { quoteText } from "./quote.ts";
import { byteLength } from "./text.ts";
import { mapSize, type Value } from "./values.ts";

export interface Variable {
  readonly name: string;
  value: Value;
}

export interface Run {
  readonly text: string;
  readonly templates: ReadonlyMap<string, ListNode>;
  readonly functions: TemplateFunctions;
  readonly missingKey: "default" | "error";
  readonly output: string[];
  outputLength: number;
  /** The template that runs; empty for the main one. */
  name: string;
  /** Where the execution stands, for errors. */
  node: TemplateNode;
  variables: Variable[];
  depth: number;
  steps: number;
}

/** Ends the execution at the node where it stands. */
export function fail(run: Run, message: string): never {
  const before = run.text.slice(0, run.node.position);
  const lineStart = before.lastIndexOf("\n") + 1;
  const line = before.split("\n").length;
  const place = `${line}:${byteLength(before.slice(lineStart))}`;
  const context = `executing ${quoteText(run.name)} at <${nodeText(run.node)}>`;
  throw new LadeError("TEMPLATE_EXECUTION", `template: :${place}: ${context}: ${message}`);
}

/** Counts work done. */
export function step(run: Run, count = 1): void {
  run.steps += count;
  if (run.steps > bounds.steps) fail(run, `execution of more than ${bounds.steps} steps`);
}

/** Counts the work that the size of a value makes: its text, or the keys of a map. */
export function charge(run: Run, value: Value): void {
  if (value.kind === "string") step(run, value.value.length / bounds.textPerStep);
  else if (value.kind === "map") step(run, mapSize(value));
}

/** Sets the variable of this name that was declared last. */
export function setVariable(run: Run, name: string, value: Value): void {
  findVariable(run, name).value = value;
}

/** The variable of this name that was declared last. */
export function findVariable(run: Run, name: string): Variable {
  const variable = run.variables.findLast((candidate) => candidate.name === name);
  return variable ?? fail(run, `undefined variable: ${name}`);
}
