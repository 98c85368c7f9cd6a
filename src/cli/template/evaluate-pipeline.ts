// SPDX-License-Identifier: Apache-2.0

/** Gives the value of pipelines, commands and operands. */

import { bounds, fault, TemplateFault } from "./bounds.ts";
import { isTrue } from "./compare.ts";
import { isUntypedNil } from "./format.ts";
import type { ParameterType, Signature, TemplateFunction } from "./function-types.ts";
import {
  type ChainNode,
  type CommandNode,
  type FieldNode,
  type IdentifierNode,
  nodeText,
  type OperandNode,
  type PipeNode,
  type VariableNode,
} from "./nodes.ts";
import type { NumberLiteral } from "./number.ts";
import { quoteText } from "./quote.ts";
import { charge, fail, findVariable, type Run, setVariable, step } from "./run.ts";
import {
  boolValue,
  floatValue,
  intValue,
  mapEntry,
  missing,
  placeTypeOf,
  structField,
  textValue,
  typeOf,
  unboxed,
  type Value,
} from "./values.ts";

/** What a command gets besides its first word. */
interface Arguments {
  readonly nodes: readonly OperandNode[];
  /** The value of the command before it in the pipeline. */
  readonly final: Value | undefined;
}

const noArguments: Arguments = { nodes: [], final: undefined };

/** The value of a pipeline; variables that it declares or assigns are set. */
export function evaluatePipeline(run: Run, dot: Value, pipe: PipeNode): Value {
  run.node = pipe;
  let value: Value | undefined;
  for (const command of pipe.commands) {
    step(run);
    value = unboxed(evaluateCommand(run, dot, command, value));
  }
  const result = value ?? missing;
  for (const { name } of pipe.variables) {
    if (pipe.isAssignment) setVariable(run, name, result);
    else run.variables.push({ name, value: result });
  }
  return result;
}

function evaluateCommand(
  run: Run,
  dot: Value,
  command: CommandNode,
  final: Value | undefined,
): Value {
  const { first, args: nodes } = command;
  const args = { nodes, final };
  switch (first.kind) {
    case "field":
    case "chain":
    case "variable":
      return evaluateFields(run, dot, first, args);
    case "identifier":
      return evaluateFunction(run, dot, first, { args, caller: command });
    case "pipe":
      rejectArguments(run, first, args);
      return evaluatePipeline(run, dot, first);
    case "nil":
      run.node = first;
      rejectArguments(run, first, args);
      return fail(run, "nil is not a command");
    default:
      run.node = first;
      rejectArguments(run, first, args);
      return evaluateOperand(run, dot, first);
  }
}

function rejectArguments(run: Run, node: OperandNode, { nodes, final }: Arguments): void {
  if (nodes.length > 0 || final !== undefined) {
    fail(run, `can't give argument to non-function ${nodeText(node)}`);
  }
}

/** The value of an operand in itself, where nothing asks for a type. */
function evaluateOperand(run: Run, dot: Value, node: OperandNode): Value {
  run.node = node;
  switch (node.kind) {
    case "dot":
      return dot;
    case "nil":
      return missing;
    case "bool":
      return boolValue(node.value);
    case "number":
      return constant(run, node.literal);
    case "string":
      return textValue(node.value);
    case "pipe":
      return evaluatePipeline(run, dot, node);
    case "identifier":
      return evaluateFunction(run, dot, node, { args: noArguments, caller: node });
    case "field":
    case "chain":
    case "variable":
      return evaluateFields(run, dot, node, noArguments);
  }
}

function constant(run: Run, { kind, text, int = 0n, float }: NumberLiteral): Value {
  if (kind === "overflow") return fail(run, `${text} overflows int`);
  return kind === "int" ? intValue(int) : floatValue(float);
}

/** Follows the names of `.A.B`, `$x.A.B` or `(…).A.B`; the last may be a method with arguments. */
function evaluateFields(
  run: Run,
  dot: Value,
  node: FieldNode | ChainNode | VariableNode,
  args: Arguments,
): Value {
  run.node = node;
  let value = dot;
  if (node.kind === "variable") value = findVariable(run, node.name).value;
  else if (node.kind === "chain") value = evaluateOperand(run, dot, node.base);
  if (node.names.length === 0) rejectArguments(run, node, args);
  node.names.forEach((name, index) => {
    const isLast = index === node.names.length - 1;
    value = evaluateField(run, { dot, receiver: value, name }, isLast ? args : noArguments);
  });
  return value;
}

interface FieldOfValue {
  readonly dot: Value;
  readonly receiver: Value;
  readonly name: string;
}

function evaluateField(run: Run, field: FieldOfValue, args: Arguments): Value {
  const { dot, receiver, name } = field;
  const given = args.nodes.length + (args.final === undefined ? 0 : 1);
  switch (receiver.kind) {
    case "missing":
      if (run.missingKey === "default") return missing;
      return fail(run, `nil data; no entry for key ${quoteText(name)}`);
    case "nil":
      return fail(run, `nil pointer evaluating ${placeTypeOf(receiver)}.${name}`);
    case "map": {
      if (given > 0) fail(run, `${name} is not a method but has arguments`);
      const entry = mapEntry(receiver, name);
      if (entry !== undefined || run.missingKey === "default") return entry ?? missing;
      return fail(run, `map has no entry for key ${quoteText(name)}`);
    }
    case "struct": {
      const { fields, methods } = receiver.source;
      const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
      if (method !== undefined) return callMethod(run, dot, { name, method, args });
      if (!Object.hasOwn(fields, name)) break;
      if (!/^\p{Lu}/u.test(name)) {
        return fail(run, `${name} is an unexported field of struct type ${placeTypeOf(receiver)}`);
      }
      if (given > 0) {
        const isMethod = typeof fields[name] === "function";
        const wrongCount = `wrong number of args for ${name}: want 0 got ${given}`;
        fail(
          run,
          isMethod ? wrongCount : `${name} has arguments but cannot be invoked as function`,
        );
      }
      return structField(receiver, name) ?? missing;
    }
    default:
      break;
  }
  return fail(run, `can't evaluate field ${name} in type ${placeTypeOf(receiver)}`);
}

interface MethodCall {
  readonly name: string;
  readonly method: (argument: string) => string;
  readonly args: Arguments;
}

function callMethod(run: Run, dot: Value, { name, method, args }: MethodCall): Value {
  const signature = { fixed: ["string"] } as const;
  checkCount(run, name, signature, args);
  const [argument] = evaluateArguments(run, dot, signature, args);
  if (argument?.kind !== "string") throw new Error("a method's argument is no text");
  const result = textValue(method(argument.value));
  charge(run, result);
  return result;
}

interface Call {
  readonly args: Arguments;
  /** The node that errors of the function name. */
  readonly caller: CommandNode | IdentifierNode;
}

function evaluateFunction(run: Run, dot: Value, node: IdentifierNode, call: Call): Value {
  run.node = node;
  const { name } = node;
  const called = Object.hasOwn(run.functions, name) ? run.functions[name] : undefined;
  if (called === undefined) return fail(run, `${quoteText(name)} is not a defined function`);
  checkCount(run, name, called, call.args);
  if ("form" in called && called.form !== "call") {
    return evaluateJunction(run, dot, called.form, call.args);
  }
  const values = evaluateArguments(run, dot, called, call.args);
  try {
    return "form" in called ? rejectCall(values, call.args) : callFunction(run, called, values);
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error;
    run.node = call.caller;
    return fail(run, `error calling ${name}: ${error.message}`);
  }
}

function callFunction(run: Run, { call }: TemplateFunction, values: readonly Value[]): Value {
  for (const value of values) charge(run, value);
  const result = call(values);
  charge(run, result);
  if (result.kind === "slice") step(run, result.items.length / bounds.textPerStep);
  return result;
}

/** No data of lade's is a function, so that `call` only tells what it got. */
function rejectCall([callee = missing]: readonly Value[], { nodes: [node] }: Arguments): never {
  if (isUntypedNil(callee)) return fault("call of nil");
  const type = typeOf(callee);
  const text = callee.kind === "string" ? callee.value : `<${type} Value>`;
  return fault(`non-function ${node === undefined ? text : nodeText(node)} of type ${type}`);
}

function checkCount(
  run: Run,
  name: string,
  { fixed, rest }: Signature,
  { nodes, final }: Arguments,
): void {
  const count = nodes.length + (final === undefined ? 0 : 1);
  if (rest === undefined && count !== fixed.length) {
    fail(run, `wrong number of args for ${name}: want ${fixed.length} got ${count}`);
  }
  if (count < fixed.length) {
    fail(
      run,
      `wrong number of args for ${name}: want at least ${fixed.length} got ${nodes.length}`,
    );
  }
}

/** `and` and `or` stop at the first argument that decides. */
function evaluateJunction(
  run: Run,
  dot: Value,
  name: "and" | "or",
  { nodes, final }: Arguments,
): Value {
  let value: Value = missing;
  for (const node of nodes) {
    value = evaluateOperand(run, dot, node);
    charge(run, value);
    if (isTrue(value) === (name === "or")) return value;
  }
  return final ?? value;
}

function evaluateArguments(
  run: Run,
  dot: Value,
  { fixed, rest = "any" }: Signature,
  { nodes, final }: Arguments,
): readonly Value[] {
  const values = nodes.map((node, index) => {
    return evaluateArgument(run, dot, node, fixed[index] ?? rest);
  });
  if (final !== undefined) values.push(checkType(run, final, fixed[nodes.length] ?? rest));
  return values;
}

function evaluateArgument(run: Run, dot: Value, node: OperandNode, type: ParameterType): Value {
  run.node = node;
  if (type === "any") return evaluateOperand(run, dot, node);
  switch (node.kind) {
    case "nil":
      return fail(run, `cannot assign nil to ${type}`);
    case "bool":
    case "number":
    case "string":
      if (type === "string" && node.kind === "string") return textValue(node.value);
      if (type === "int" && node.kind === "number" && node.literal.int !== undefined) {
        return intValue(node.literal.int);
      }
      return fail(
        run,
        `expected ${type === "int" ? "integer" : "string"}; found ${nodeText(node)}`,
      );
    default:
      return checkType(run, evaluateOperand(run, dot, node), type);
  }
}

function checkType(run: Run, value: Value, type: ParameterType): Value {
  if (type === "any" || typeOf(value) === type) return value;
  if (value.kind === "missing") return fail(run, `invalid value; expected ${type}`);
  return fail(run, `wrong type for value; expected ${type}; got ${typeOf(value)}`);
}
