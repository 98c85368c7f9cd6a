// SPDX-License-Identifier: Apache-2.0

/** Runs a parsed template (text/template's execution): statements, branches, loops. */

import { bounds, fault } from "./bounds.ts";
import { printable } from "./builtin-functions.ts";
import { isTrue } from "./compare.ts";
import { evaluatePipeline } from "./evaluate-pipeline.ts";
import { printAll } from "./format.ts";
import type { ActionNode, BranchNode, CallNode, ListNode, StatementNode } from "./nodes.ts";
import { quoteText } from "./quote.ts";
import { charge, fail, type Run, setVariable, step } from "./run.ts";
import { elementOf, intValue, missing, sortedKeys, textValue, type Value } from "./values.ts";

/** What a loop is told from within. */
type Jump = "break" | "continue" | undefined;

/** Runs the statements of a list and adds what they print to the output. */
export function runList(run: Run, dot: Value, list: ListNode): Jump {
  step(run);
  run.node = list;
  for (const node of list.nodes) {
    const jump = runStatement(run, dot, node);
    if (jump !== undefined) return jump;
  }
  return undefined;
}

function runStatement(run: Run, dot: Value, node: StatementNode): Jump {
  step(run);
  run.node = node;
  switch (node.kind) {
    case "text":
      emit(run, node.text);
      return undefined;
    case "action":
      runAction(run, dot, node);
      return undefined;
    case "break":
    case "continue":
      return node.kind;
    case "list":
      return runList(run, dot, node);
    case "template":
      runCall(run, dot, node);
      return undefined;
    case "if":
    case "with":
      return scoped(run, () => runBranch(run, dot, node));
    case "range":
      return scoped(run, () => runRange(run, dot, node));
  }
}

function emit(run: Run, text: string): void {
  run.outputLength += text.length;
  if (run.outputLength > bounds.outputLength) {
    fault(`output of more than ${bounds.outputLength} characters`);
  }
  run.output.push(text);
}

/** Runs `body` one level deeper; the variables that it declares end with it. */
function scoped<T>(run: Run, body: () => T): T {
  checkDepth(run);
  const mark = run.variables.length;
  run.depth++;
  const result = body();
  run.depth--;
  run.variables.length = mark;
  return result;
}

function checkDepth(run: Run): void {
  if (run.depth >= bounds.executionDepth) {
    fail(run, `exceeded maximum template depth (${bounds.executionDepth})`);
  }
}

function runAction(run: Run, dot: Value, node: ActionNode): void {
  const value = evaluatePipeline(run, dot, node.pipe);
  if (node.pipe.variables.length > 0) return;
  run.node = node;
  emit(run, printAll([printable(value)]));
}

function runBranch(run: Run, dot: Value, { kind, pipe, list, elseList }: BranchNode): Jump {
  const value = evaluatePipeline(run, dot, pipe);
  charge(run, value);
  if (isTrue(value)) return runList(run, kind === "with" ? value : dot, list);
  return elseList === undefined ? undefined : runList(run, dot, elseList);
}

function runCall(run: Run, dot: Value, { name, pipe }: CallNode): void {
  const list = run.templates.get(name) ?? fail(run, `template ${quoteText(name)} not defined`);
  checkDepth(run);
  const data = pipe === undefined ? missing : evaluatePipeline(run, dot, pipe);
  const outer = { name: run.name, variables: run.variables };
  scoped(run, () => {
    run.name = name;
    run.variables = [{ name: "$", value: data }];
    runList(run, data, list);
    Object.assign(run, outer);
  });
}

function runRange(run: Run, dot: Value, node: BranchNode): Jump {
  const value = evaluatePipeline(run, dot, node.pipe);
  let isEmpty = true;
  for (const [key, element] of elementsOf(run, value, node)) {
    isEmpty = false;
    setLoopVariables(run, node, key, element);
    const mark = run.variables.length;
    const jump = runList(run, element, node.list);
    run.variables.length = mark;
    if (jump === "break") return undefined;
  }
  if (!isEmpty || node.elseList === undefined) return undefined;
  return runList(run, dot, node.elseList);
}

function* elementsOf(
  run: Run,
  value: Value,
  node: BranchNode,
): Generator<readonly [key: Value, element: Value]> {
  switch (value.kind) {
    case "missing":
      return;
    case "slice":
      for (const [index, item] of value.items.entries()) {
        yield [intValue(index), elementOf(value, item)];
      }
      return;
    case "map":
      // Sorting costs as much as going through the keys, even where the loop breaks at once.
      charge(run, value);
      for (const key of sortedKeys(value)) {
        yield [textValue(key), elementOf(value, value.entries[key])];
      }
      return;
    case "int":
    case "uint":
      if (node.pipe.variables.length > 1) {
        fail(run, `can't use ${value.value} to iterate over more than one variable`);
      }
      for (let count = 0n; count < value.value; count++) {
        yield [missing, { ...value, value: count }];
      }
      return;
    default:
      fail(run, `range can't iterate over ${printAll([printable(value)])}`);
  }
}

/** With one variable it is the element, with two the first is the key. */
function setLoopVariables(run: Run, { pipe }: BranchNode, key: Value, element: Value): void {
  const values = pipe.variables.length > 1 ? [key, element] : [element];
  pipe.variables.forEach(({ name }, index) => {
    setVariable(run, name, values[index] ?? missing);
  });
}
