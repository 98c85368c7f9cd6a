// SPDX-License-Identifier: Apache-2.0

/** Parses templates with the rules and messages of Go's text/template/parse. */

import {
  expect,
  fail,
  failAt,
  isKeyword,
  nested,
  newScope,
  type Parser,
  peek,
  peekPastSpace,
  take,
  takePastSpace,
} from "./cursor.ts";
import { tokenize } from "./lexer.ts";
import type { BranchNode, CallNode, JumpNode, ListNode, StatementNode } from "./nodes.ts";
import { parsePipeline } from "./parse-pipeline.ts";
import { quoteText, unquoteString } from "./quote.ts";

/**
 * The templates in a text: the main one under the empty name, and every `define` and `block`.
 *
 * @throws LadeError TEMPLATE_INVALID with Docker's prefix and Go's message
 */
export function parseTemplates(
  text: string,
  isFunction: (name: string) => boolean,
): ReadonlyMap<string, ListNode> {
  const parser: Parser = {
    tokens: tokenize(text),
    isFunction,
    templates: new Map(),
    next: 0,
    seen: 0,
    nesting: 0,
    scope: newScope(""),
  };
  const nodes: StatementNode[] = [];
  const { position } = peek(parser);
  while (peek(parser).kind !== "eof") {
    if (parseDefinition(parser)) continue;
    const found = parseStatement(parser);
    if (isEnd(found)) fail(parser, `unexpected {{${found.kind}}}`);
    nodes.push(found);
  }
  addTemplate(parser, { kind: "list", position, nodes });
  return parser.templates;
}

interface EndNode {
  readonly kind: "end" | "else";
  readonly position: number;
}

function isEnd(node: StatementNode | EndNode): node is EndNode {
  return node.kind === "end" || node.kind === "else";
}

function isBlank(node: StatementNode): boolean {
  if (node.kind === "text") return node.text.trim() === "";
  return node.kind === "list" && node.nodes.every(isBlank);
}

function addTemplate(parser: Parser, list: ListNode): void {
  const { name } = parser.scope;
  const known = parser.templates.get(name);
  if (known === undefined || isBlank(known)) parser.templates.set(name, list);
  else if (!isBlank(list)) {
    fail(parser, `template: multiple definition of template ${quoteText(name)}`);
  }
}

/** `{{define "name"}} … {{end}}`, which only stands at the top. */
function parseDefinition(parser: Parser): boolean {
  const start = parser.next;
  if (take(parser).kind !== "left" || !isKeyword(takePastSpace(parser), "define")) {
    parser.next = start;
    return false;
  }
  const outer = parser.scope;
  parser.scope = newScope("");
  const name = parseName(parser, "define clause");
  parser.scope = { ...parser.scope, name };
  expect(parser, "right", "define clause");
  parseBody(parser, "define clause");
  parser.scope = outer;
  return true;
}

function parseBody(parser: Parser, context: string): void {
  const { list, end } = parseList(parser);
  if (end.kind !== "end") fail(parser, `unexpected {{${end.kind}}} in ${context}`);
  addTemplate(parser, list);
}

function parseName(parser: Parser, context: string): string {
  const token = expect(parser, "string", context);
  return unquoteString(token.text) ?? fail(parser, "invalid syntax");
}

/** Statements up to `{{end}}` or `{{else}}`. */
function parseList(parser: Parser): { list: ListNode; end: EndNode } {
  const nodes: StatementNode[] = [];
  const { position } = peekPastSpace(parser);
  while (peekPastSpace(parser).kind !== "eof") {
    const found = parseStatement(parser);
    if (isEnd(found)) return { list: { kind: "list", position, nodes }, end: found };
    nodes.push(found);
  }
  return fail(parser, "unexpected EOF");
}

function parseStatement(parser: Parser): StatementNode | EndNode {
  const token = takePastSpace(parser);
  if (token.kind === "text") return { kind: "text", position: token.position, text: token.text };
  if (token.kind !== "left") return failAt(parser, token, "input");
  const { scope } = parser;
  scope.actionLine = token.line;
  const action = parseAction(parser);
  scope.actionLine = 0;
  return action;
}

function parseAction(parser: Parser): StatementNode | EndNode {
  const token = peekPastSpace(parser);
  if (token.kind === "keyword") {
    parser.next++;
    switch (token.text) {
      case "block":
        return parseBlock(parser);
      case "break":
      case "continue":
        return parseJump(parser, token.text, token.position);
      case "else":
        return parseElse(parser);
      case "end":
        return { kind: "end", position: expect(parser, "right", "end").position };
      case "if":
      case "range":
      case "with":
        return nested(parser, () => parseBranch(parser, token.text as BranchNode["kind"]));
      case "template":
        return parseCall(parser);
    }
    parser.next--;
  }
  const pipe = parsePipeline(parser, "command", "right");
  return { kind: "action", position: token.position, pipe };
}

function parseJump(parser: Parser, kind: JumpNode["kind"], position: number): JumpNode {
  expect(parser, "right", `{{${kind}}}`);
  if (parser.scope.rangeDepth === 0) fail(parser, `{{${kind}}} outside {{range}}`);
  return { kind, position };
}

/** `else` alone, or before an `if` or a `with` that {@link parseBranch} takes. */
function parseElse(parser: Parser): EndNode {
  const token = peekPastSpace(parser);
  if (isKeyword(token, "if") || isKeyword(token, "with")) {
    return { kind: "else", position: token.position };
  }
  return { kind: "else", position: expect(parser, "right", "else").position };
}

function parseBranch(parser: Parser, kind: BranchNode["kind"]): BranchNode {
  const { scope } = parser;
  const mark = scope.variables.length;
  const pipe = parsePipeline(parser, kind, "right");
  const range = kind === "range" ? 1 : 0;
  scope.rangeDepth += range;
  const { list, end } = parseList(parser);
  scope.rangeDepth -= range;
  const elseList = end.kind === "else" ? parseElseList(parser, kind, end) : undefined;
  scope.variables.length = mark;
  return { kind, position: pipe.position, pipe, list, elseList };
}

function parseElseList(parser: Parser, kind: BranchNode["kind"], otherwise: EndNode): ListNode {
  if (kind !== "range" && isKeyword(peek(parser), kind)) {
    parser.next++;
    const branch = nested(parser, () => parseBranch(parser, kind));
    return { kind: "list", position: otherwise.position, nodes: [branch] };
  }
  const { list, end } = parseList(parser);
  if (end.kind !== "end") fail(parser, `expected end; found {{${end.kind}}}`);
  return list;
}

function parseBlock(parser: Parser): CallNode {
  const { position } = peekPastSpace(parser);
  const name = parseName(parser, "block clause");
  const pipe = parsePipeline(parser, "block clause", "right");
  const outer = parser.scope;
  parser.scope = newScope(name);
  const { list, end } = nested(parser, () => parseList(parser));
  const inner = parser.scope;
  parser.scope = outer;
  if (end.kind !== "end") fail(parser, `unexpected {{${end.kind}}} in block clause`);
  parser.scope = inner;
  addTemplate(parser, list);
  parser.scope = outer;
  return { kind: "template", position, name, pipe };
}

function parseCall(parser: Parser): CallNode {
  const { position } = peekPastSpace(parser);
  const name = parseName(parser, "template clause");
  if (peekPastSpace(parser).kind === "right") {
    parser.next++;
    return { kind: "template", position, name, pipe: undefined };
  }
  const pipe = parsePipeline(parser, "template clause", "right");
  return { kind: "template", position, name, pipe };
}
