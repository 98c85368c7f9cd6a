// SPDX-License-Identifier: Apache-2.0

import type { Value } from "./values.ts";

/** What a parameter takes: anything, or only a value of just this type. */
export type ParameterType = "any" | "int" | "string";

export interface Signature {
  readonly fixed: readonly ParameterType[];
  /** What all further arguments are, where it takes more. */
  readonly rest?: ParameterType;
}

export interface TemplateFunction extends Signature {
  /** Arguments are of the types above. Throws a TemplateFault where Go returns an error. */
  readonly call: (args: readonly Value[]) => Value;
}

/** What only looks like a function: the evaluator runs it itself. */
export interface SpecialForm extends Signature {
  readonly form: "and" | "or" | "call";
}

export type TemplateFunctions = Readonly<Record<string, TemplateFunction | SpecialForm>>;

/** The string of an argument that is one. */
export function textOf(value: Value): string {
  if (value.kind !== "string") throw new Error(`got ${value.kind}, want a string`);
  return value.value;
}

/** The number of an argument that is an int. */
export function numberOf(value: Value): bigint {
  if (value.kind !== "int") throw new Error(`got ${value.kind}, want an int`);
  return value.value;
}
