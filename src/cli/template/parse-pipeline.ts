// SPDX-License-Identifier: Apache-2.0

/** Pipelines, commands and operands. */

import {
  fail,
  failAt,
  nested,
  type Parser,
  peek,
  peekPastSpace,
  take,
  takePastSpace,
} from "./cursor.ts";
import type { Token, TokenKind } from "./lexer.ts";
import {
  type CommandNode,
  nodeText,
  type OperandNode,
  type PipeNode,
  type VariableNode,
} from "./nodes.ts";
import { characterLiteral, readNumber } from "./number.ts";
import { quoteText, unquoteCharacter, unquoteString } from "./quote.ts";

/** Declarations and commands up to `end`, which is taken. */
export function parsePipeline(parser: Parser, context: string, end: TokenKind): PipeNode {
  const { position } = peekPastSpace(parser);
  const { variables, isAssignment } = parseVariables(parser, context);
  const commands: CommandNode[] = [];
  for (;;) {
    const token = takePastSpace(parser);
    if (token.kind === end) break;
    if (!startsOperand.has(token.kind)) failAt(parser, token, context);
    parser.next--;
    commands.push(parseCommand(parser));
  }
  if (commands.length === 0) fail(parser, `missing value for ${context}`);
  const constant = commands.findIndex(({ first }, stage) => stage > 0 && isConstant(first.kind));
  if (constant !== -1) {
    fail(parser, `non executable command in pipeline stage ${constant + 1}`);
  }
  return { kind: "pipe", position, isAssignment, variables, commands };
}

const startsOperand: ReadonlySet<TokenKind> = new Set([
  "bool",
  "character",
  "dot",
  "field",
  "identifier",
  "left-paren",
  "nil",
  "number",
  "string",
  "variable",
]);

function isConstant(kind: string): boolean {
  return ["bool", "dot", "nil", "number", "string"].includes(kind);
}

interface Declaration {
  readonly variables: VariableNode[];
  readonly isAssignment: boolean;
}

/** `$x :=`, `$x =`, and in a range also `$i, $x :=`. */
function parseVariables(parser: Parser, context: string): Declaration {
  const variables: VariableNode[] = [];
  for (;;) {
    const variable = peekPastSpace(parser);
    if (variable.kind !== "variable") break;
    const start = parser.next++;
    const operator = takePastSpace(parser);
    const isComma = operator.kind === "punctuation" && operator.text === ",";
    if (operator.kind !== "assign" && operator.kind !== "declare" && !isComma) {
      parser.next = start;
      break;
    }
    const { position, text: name } = variable;
    variables.push({ kind: "variable", position, name, names: [] });
    parser.scope.variables.push(name);
    if (!isComma) return { variables, isAssignment: operator.kind === "assign" };
    if (context !== "range" || variables.length > 1) {
      fail(parser, `too many declarations in ${context}`);
    }
    const { kind } = peekPastSpace(parser);
    if (kind !== "variable" && kind !== "right" && kind !== "right-paren") {
      fail(parser, "range can only initialize variables");
    }
  }
  return { variables, isAssignment: false };
}

/** Operands up to a `|`, which is taken, or to the end of the pipeline. */
function parseCommand(parser: Parser): CommandNode {
  const { position } = peekPastSpace(parser);
  const operands: OperandNode[] = [];
  for (;;) {
    peekPastSpace(parser);
    const operand = parseOperand(parser);
    if (operand !== undefined) operands.push(operand);
    const token = take(parser);
    if (token.kind === "space") continue;
    if (token.kind === "right" || token.kind === "right-paren") parser.next--;
    else if (token.kind !== "pipe") failAt(parser, token, "operand");
    break;
  }
  const [first, ...args] = operands;
  if (first === undefined) return fail(parser, "empty command");
  return { kind: "command", position, first, args };
}

/** A term and the fields behind it. */
function parseOperand(parser: Parser): OperandNode | undefined {
  const term = parseTerm(parser);
  const { kind, position } = peek(parser);
  if (term === undefined || kind !== "field") return term;
  const names: string[] = [];
  while (peek(parser).kind === "field") names.push(take(parser).text.slice(1));
  switch (term.kind) {
    case "field":
    case "variable":
      return { ...term, position, names: [...term.names, ...names] };
    case "identifier":
    case "pipe":
      return { kind: "chain", position, base: term, names };
    default:
      return fail(parser, `unexpected . after term ${quoteText(nodeText(term))}`);
  }
}

function parseTerm(parser: Parser): OperandNode | undefined {
  const token = takePastSpace(parser);
  const { kind, position, text } = token;
  switch (kind) {
    case "identifier":
      if (!parser.isFunction(text)) fail(parser, `function ${quoteText(text)} not defined`);
      return { kind, position, name: text };
    case "dot":
    case "nil":
      return { kind, position };
    case "variable":
      if (!parser.scope.variables.includes(text)) {
        fail(parser, `undefined variable ${quoteText(text)}`);
      }
      return { kind, position, name: text, names: [] };
    case "field":
      return { kind, position, names: [text.slice(1)] };
    case "bool":
      return { kind, position, value: text === "true" };
    case "character":
    case "number":
      return parseNumber(parser, token);
    case "left-paren":
      return nested(parser, () => parsePipeline(parser, "parenthesized pipeline", "right-paren"));
    case "string": {
      const value = unquoteString(text) ?? fail(parser, "invalid syntax");
      return { kind, position, literal: text, value };
    }
    default:
      parser.next--;
      return undefined;
  }
}

function parseNumber(parser: Parser, { kind, position, text }: Token): OperandNode {
  if (text.endsWith("i")) fail(parser, `complex numbers are not supported: ${quoteText(text)}`);
  const code = kind === "character" ? unquoteCharacter(text) : undefined;
  const literal =
    typeof code === "number" ? characterLiteral(text, code) : (code ?? readNumber(text));
  if (typeof literal === "string") return fail(parser, literal);
  return { kind: "number", position, literal };
}
