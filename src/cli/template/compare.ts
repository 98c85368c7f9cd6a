// SPDX-License-Identifier: Apache-2.0

/** Truth and comparison as text/template's functions define them. */

import { fault } from "./bounds.ts";
import { isUntypedNil, newPrinter, printValue } from "./format.ts";
import { compareText } from "./text.ts";
import { mapSize, typeOf, type Value } from "./values.ts";

const incompatible = "incompatible types for comparison";

/** False for nil and for the zero value of a basic type, for empty strings, slices and maps. */
export function isTrue(value: Value): boolean {
  switch (value.kind) {
    case "missing":
    case "nil":
      return false;
    case "bool":
      return value.value;
    case "int":
    case "uint":
      return value.value !== 0n;
    case "float":
      return value.value !== 0;
    case "string":
      return value.value !== "";
    case "slice":
      return value.items.length > 0;
    case "map":
      return mapSize(value) > 0;
    case "struct":
      return true;
  }
}

/** `eq`: the first argument equals one of the others. */
export function isEqualToAny(first: Value, others: readonly Value[]): boolean {
  if (others.length === 0) fault("missing argument for comparison");
  return others.some((other) => isEqual(first, other));
}

/** `lt` */
export function isLess(left: Value, right: Value): boolean {
  const leftKind = basicKind(left);
  const rightKind = basicKind(right);
  if (leftKind === "other" || rightKind === "other") fault("invalid type for comparison");
  if (leftKind !== rightKind) {
    if (isInteger(left) && isInteger(right)) return left.value < right.value;
    return fault(incompatible);
  }
  if (left.kind === "string" && right.kind === "string") {
    return compareText(left.value, right.value) < 0;
  }
  if (isInteger(left) && isInteger(right)) return left.value < right.value;
  if (left.kind === "float" && right.kind === "float") return left.value < right.value;
  return fault("invalid type for comparison");
}

type Integer = Extract<Value, { kind: "int" | "uint" }>;

function isInteger(value: Value): value is Integer {
  return value.kind === "int" || value.kind === "uint";
}

function basicKind(value: Value): string {
  return ["bool", "int", "uint", "float", "string"].includes(value.kind) ? value.kind : "other";
}

function isEqual(left: Value, right: Value): boolean {
  if (isInteger(left) && isInteger(right)) return left.value === right.value;
  if (basicKind(left) !== basicKind(right)) {
    return isUntypedNil(left) || isUntypedNil(right) ? false : fault(incompatible);
  }
  if ("value" in left && "value" in right) return left.value === right.value;
  const leftKind = reflectedKind(left);
  const rightKind = reflectedKind(right);
  if (leftKind !== rightKind && leftKind !== "invalid" && rightKind !== "invalid") {
    const [shownLeft, shownRight] = [shown(left, "s"), shown(right, "v")];
    fault(`non-comparable types ${shownLeft}: ${typeOf(left)}, ${typeOf(right)}: ${shownRight}`);
  }
  if (isNil(left) || isNil(right)) return isNil(left) && isNil(right);
  if (right.kind === "slice" || right.kind === "map") {
    fault(`non-comparable type ${shown(right, "s")}: ${right.type}`);
  }
  return left.kind === "struct" && right.kind === "struct" && left.source === right.source;
}

function reflectedKind(value: Value): string {
  if (isUntypedNil(value)) return "invalid";
  const isPointer = value.kind === "nil" || (value.kind === "struct" && value.type.startsWith("*"));
  return isPointer ? "pointer" : value.kind;
}

function isNil(value: Value): boolean {
  return value.kind === "missing" || value.kind === "nil" || ("isNil" in value && value.isNil);
}

function shown(value: Value, verb: string): string {
  const printer = newPrinter();
  printValue(printer, value, verb);
  return printer.text;
}
