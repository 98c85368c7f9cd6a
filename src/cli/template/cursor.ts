// SPDX-License-Identifier: Apache-2.0

/** Where the parser stands in the tokens of a template, and how it fails. */

import { LadeError } from "../../base/errors.ts";
import { bounds } from "./bounds.ts";
import { describeToken, type Token, type TokenKind } from "./lexer.ts";
import type { ListNode } from "./nodes.ts";

/** What one template (the main one, a `define`, a `block`) knows while it is parsed. */
export interface Scope {
  readonly name: string;
  readonly variables: string[];
  rangeDepth: number;
  /** Line of the token that was read last; errors name it. */
  line: number;
  /** Line of the action being read, 0 outside. */
  actionLine: number;
}

export interface Parser {
  readonly tokens: readonly Token[];
  readonly isFunction: (name: string) => boolean;
  readonly templates: Map<string, ListNode>;
  /** Index of the next token. */
  next: number;
  /** How many tokens were looked at. */
  seen: number;
  nesting: number;
  scope: Scope;
}

/** What is known at the start of a template. */
export function newScope(name: string): Scope {
  return { name, variables: ["$"], rangeDepth: 0, line: 0, actionLine: 0 };
}

/** Ends the parse with Go's message. */
export function fail(parser: Parser, message: string): never {
  const text = `template parsing error: template: :${parser.scope.line}: ${message}`;
  throw new LadeError("TEMPLATE_INVALID", text);
}

/** Ends the parse at a token that has no place in `context`. */
export function failAt(parser: Parser, token: Token, context: string): never {
  if (token.kind !== "error") {
    return fail(parser, `unexpected ${describeToken(token)} in ${context}`);
  }
  const { actionLine } = parser.scope;
  if (actionLine === 0 || actionLine === token.line) return fail(parser, token.text);
  const action = token.text.endsWith(" action") ? "" : " in action";
  return fail(parser, `${token.text}${action} started at :${actionLine}`);
}

/** The next token, which stays the next. */
export function peek(parser: Parser): Token {
  const token = parser.tokens[Math.min(parser.next, parser.tokens.length - 1)];
  if (token === undefined) throw new Error("a template has no tokens");
  if (parser.next >= parser.seen) {
    parser.seen = parser.next + 1;
    parser.scope.line = token.line;
  }
  return token;
}

/** Takes the next token. */
export function take(parser: Parser): Token {
  const token = peek(parser);
  parser.next++;
  return token;
}

/** The next token that is not space; the space before it is taken. */
export function peekPastSpace(parser: Parser): Token {
  while (peek(parser).kind === "space") parser.next++;
  return peek(parser);
}

/** Takes the next token that is not space. */
export function takePastSpace(parser: Parser): Token {
  peekPastSpace(parser);
  return take(parser);
}

/** Takes the next token that is not space, which has to be of this kind. */
export function expect(parser: Parser, kind: TokenKind, context: string): Token {
  const token = takePastSpace(parser);
  return token.kind === kind ? token : failAt(parser, token, context);
}

/** Runs `parse` one level deeper. */
export function nested<T>(parser: Parser, parse: () => T): T {
  if (++parser.nesting > bounds.nesting) fail(parser, "max expression depth exceeded");
  const result = parse();
  parser.nesting--;
  return result;
}

/** True for this keyword. */
export function isKeyword(token: Token, word: string): boolean {
  return token.kind === "keyword" && token.text === word;
}
