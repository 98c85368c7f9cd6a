// SPDX-License-Identifier: Apache-2.0

/** The parsed form of a template (text/template/parse). Positions are indexes into its text. */

import type { NumberLiteral } from "./number.ts";
import { quoteText } from "./quote.ts";

export interface TextNode {
  readonly kind: "text";
  readonly position: number;
  readonly text: string;
}

export interface ActionNode {
  readonly kind: "action";
  readonly position: number;
  readonly pipe: PipeNode;
}

export interface BranchNode {
  readonly kind: "if" | "range" | "with";
  readonly position: number;
  readonly pipe: PipeNode;
  readonly list: ListNode;
  readonly elseList: ListNode | undefined;
}

export interface JumpNode {
  readonly kind: "break" | "continue";
  readonly position: number;
}

/** `{{template "name" pipeline}}` */
export interface CallNode {
  readonly kind: "template";
  readonly position: number;
  readonly name: string;
  readonly pipe: PipeNode | undefined;
}

export interface ListNode {
  readonly kind: "list";
  readonly position: number;
  readonly nodes: readonly StatementNode[];
}

export type StatementNode = TextNode | ActionNode | BranchNode | JumpNode | CallNode | ListNode;

export interface PipeNode {
  readonly kind: "pipe";
  readonly position: number;
  /** `=` and not `:=`. */
  readonly isAssignment: boolean;
  readonly variables: readonly VariableNode[];
  readonly commands: readonly CommandNode[];
}

export interface CommandNode {
  readonly kind: "command";
  readonly position: number;
  readonly first: OperandNode;
  readonly args: readonly OperandNode[];
}

export interface WordNode {
  readonly kind: "dot" | "nil";
  readonly position: number;
}

export interface BoolNode {
  readonly kind: "bool";
  readonly position: number;
  readonly value: boolean;
}

export interface NumberNode {
  readonly kind: "number";
  readonly position: number;
  readonly literal: NumberLiteral;
}

export interface StringNode {
  readonly kind: "string";
  readonly position: number;
  /** With its quotes. */
  readonly literal: string;
  readonly value: string;
}

/** `.A.B` */
export interface FieldNode {
  readonly kind: "field";
  readonly position: number;
  readonly names: readonly string[];
}

/** `$x.A.B` */
export interface VariableNode {
  readonly kind: "variable";
  readonly position: number;
  /** With the `$`. */
  readonly name: string;
  readonly names: readonly string[];
}

/** The name of a function. */
export interface IdentifierNode {
  readonly kind: "identifier";
  readonly position: number;
  readonly name: string;
}

/** `(pipeline).A.B` */
export interface ChainNode {
  readonly kind: "chain";
  readonly position: number;
  readonly base: PipeNode | IdentifierNode;
  readonly names: readonly string[];
}

export type OperandNode =
  | WordNode
  | BoolNode
  | NumberNode
  | StringNode
  | FieldNode
  | VariableNode
  | IdentifierNode
  | ChainNode
  | PipeNode;

export type TemplateNode = StatementNode | OperandNode | CommandNode;

/** The node as Go writes it in error messages. */
export function nodeText(node: TemplateNode): string {
  switch (node.kind) {
    case "text":
      return node.text;
    case "action":
      return `{{${nodeText(node.pipe)}}}`;
    case "if":
    case "range":
    case "with":
      return branchText(node);
    case "break":
    case "continue":
      return `{{${node.kind}}}`;
    case "template": {
      const pipe = node.pipe === undefined ? "" : ` ${nodeText(node.pipe)}`;
      return `{{template ${quoteText(node.name)}${pipe}}}`;
    }
    case "list":
      return node.nodes.map(nodeText).join("");
    case "pipe":
      return pipeText(node);
    case "command":
      return [node.first, ...node.args].map(operandText).join(" ");
    case "dot":
      return ".";
    case "nil":
      return "nil";
    case "bool":
      return String(node.value);
    case "number":
      return node.literal.text;
    case "string":
      return node.literal;
    case "field":
      return dotted(node.names);
    case "variable":
      return node.name + dotted(node.names);
    case "identifier":
      return node.name;
    case "chain":
      return operandText(node.base) + dotted(node.names);
  }
}

function dotted(names: readonly string[]): string {
  return names.map((name) => `.${name}`).join("");
}

function operandText(node: OperandNode): string {
  return node.kind === "pipe" ? `(${nodeText(node)})` : nodeText(node);
}

function branchText({ kind, pipe, list, elseList }: BranchNode): string {
  const otherwise = elseList === undefined ? "" : `{{else}}${nodeText(elseList)}`;
  return `{{${kind} ${nodeText(pipe)}}}${nodeText(list)}${otherwise}{{end}}`;
}

function pipeText({ variables, isAssignment, commands }: PipeNode): string {
  const declared = variables.map(nodeText).join(", ");
  const operator = isAssignment ? " = " : " := ";
  return (declared === "" ? "" : declared + operator) + commands.map(nodeText).join(" | ");
}
