// SPDX-License-Identifier: Apache-2.0

/**
 * The data of a template, with the Go type that each value stands for.
 *
 * Callers hand over plain JavaScript ({@link GoValue}); the evaluator looks at one level at a time
 * ({@link Value}), so that nothing is converted or called that a template does not name.
 */

import { sortText } from "./text.ts";

/** A Go struct or pointer to a struct; made by {@link goStruct}. */
export interface GoStruct {
  readonly [structTag]: string;
  readonly fields: GoFields;
  readonly json: (() => GoValue) | undefined;
  readonly escapesHtml: boolean;
  readonly methods: GoMethods;
}

/** Methods that take one text. */
export type GoMethods = Readonly<Record<string, (argument: string) => string>>;

/** A value whose Go type can't be seen from it; made by {@link goTyped}. */
export interface GoTyped {
  readonly [typeTag]: string;
  readonly value: GoValue;
}

/** `map[string]interface {}` */
export interface GoMap {
  readonly [key: string]: GoValue;
}

/**
 * What a template can look at.
 *
 * A plain object is a `map[string]interface {}`, an array an `[]interface {}`, a whole number an
 * `int`, any other number a `float64`; null and undefined are nil.
 */
export type GoValue =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | readonly GoValue[]
  | GoStruct
  | GoTyped
  | GoMap;

/** Fields by name, in Go's order; a function is a method without arguments. */
export type GoFields = Readonly<Record<string, GoValue | (() => GoValue)>>;

const structTag = Symbol("go struct");
const typeTag = Symbol("go type");

export interface GoStructOptions {
  /** What `json` encodes instead of the fields: another struct keeps its order, a map is sorted. */
  readonly json?: () => GoValue;
  /** Whether its own encoder escapes what means something in HTML, as Go's does by default. */
  readonly escapesHtml?: boolean;
  readonly methods?: GoMethods;
}

/**
 * A Go struct.
 *
 * @param typeName Go's name of the type, such as `*formatter.imageContext`; with a `*` it is a
 *   pointer, which templates follow by themselves
 * @param fields methods are called each time a template names them; a field that is null is a nil
 *   pointer
 */
export function goStruct(
  typeName: string,
  fields: GoFields,
  { json, escapesHtml = false, methods = {} }: GoStructOptions = {},
): GoStruct {
  return { [structTag]: typeName, fields, json, escapesHtml, methods };
}

/** The type of a struct for `json` whose fields have JSON's names already, small ones too. */
export const jsonObject = "json object";

/**
 * A value with its Go type: `goTyped("map[string]string", labels)` gives `""` and not `<no value>`
 * where `index` finds no label, `goTyped("[]string", null)` is a nil slice,
 * `goTyped("*container.Config", null)` a nil pointer, `goTyped("json.Number", "12")` a number as
 * Docker has it in undeclared fields.
 */
export function goTyped(typeName: string, value: GoValue): GoTyped {
  return { [typeTag]: typeName, value };
}

/** The type of everything in a plain object or array. */
export const anyType = "interface {}";

/** A value as the evaluator handles it (reflect.Value). */
export type Value = PlainValue & {
  /** It came out of a map or slice of {@link anyType}; messages name that type. */
  readonly isBoxed?: boolean;
};

type PlainValue =
  /** Not there at all: no such key, or nil once it has passed a pipeline. */
  | { readonly kind: "missing" }
  /** A nil interface or a nil pointer. */
  | { readonly kind: "nil"; readonly type: string }
  | { readonly kind: "bool"; readonly type: string; readonly value: boolean }
  | { readonly kind: "int" | "uint"; readonly type: string; readonly value: bigint }
  | { readonly kind: "float"; readonly type: string; readonly value: number }
  | { readonly kind: "string"; readonly type: string; readonly value: string }
  | SliceValue
  | MapValue
  | StructValue;

export interface SliceValue {
  readonly kind: "slice";
  readonly type: string;
  readonly elementType: string;
  readonly items: readonly GoValue[];
  readonly isNil: boolean;
}

export interface MapValue {
  readonly kind: "map";
  readonly type: string;
  readonly elementType: string;
  readonly entries: GoMap;
  readonly isNil: boolean;
}

export interface StructValue {
  readonly kind: "struct";
  readonly type: string;
  readonly source: GoStruct;
}

export type ValueKind = Value["kind"];

export const missing: Value = { kind: "missing" };

export function boolValue(value: boolean): Value {
  return { kind: "bool", type: "bool", value };
}

export function intValue(value: bigint | number): Value {
  return { kind: "int", type: "int", value: BigInt(value) };
}

export function floatValue(value: number): Value {
  return { kind: "float", type: "float64", value };
}

export function textValue(value: string): Value {
  return { kind: "string", type: "string", value };
}

/** The Go type of a value; nil for what has none. */
export function typeOf(value: Value): string {
  return value.kind === "missing" ? "<nil>" : value.type;
}

/** The type of the place that the value came from. */
export function placeTypeOf(value: Value): string {
  return value.isBoxed ? anyType : typeOf(value);
}

const int64Limit = 2n ** 63n;

/** The value as an element of a slice or map of this type. */
export function toValue(data: GoValue, type: string = anyType): Value {
  if (data === null || data === undefined) return zeroValue(type);
  switch (typeof data) {
    case "boolean":
      return { kind: "bool", type: nameOf(type, "bool"), value: data };
    case "string":
      return { kind: "string", type: nameOf(type, "string"), value: data.toWellFormed() };
    case "number":
      return numberValue(data, type);
    case "bigint":
      return integerValue(data, type);
    case "object":
      if (isStruct(data)) return { kind: "struct", type: data[structTag], source: data };
      if (isTyped(data)) return toValue(data.value, data[typeTag]);
      if (isSlice(data)) return sliceValue(data, nameOf(type, `[]${anyType}`));
      return mapValue(data, nameOf(type, `map[string]${anyType}`));
    default:
      throw new Error(`a template can't look at a ${typeof data}`);
  }
}

function isStruct(data: object): data is GoStruct {
  return structTag in data;
}

function isTyped(data: object): data is GoTyped {
  return typeTag in data;
}

function isSlice(data: readonly GoValue[] | GoMap): data is readonly GoValue[] {
  return Array.isArray(data);
}

function nameOf(type: string, otherwise: string): string {
  return type === anyType ? otherwise : type;
}

function numberValue(value: number, type: string): Value {
  if (type.startsWith("float")) return { kind: "float", type, value };
  const whole = Number.isInteger(value) && Math.abs(value) < Number(int64Limit);
  return whole ? integerValue(BigInt(value), type) : floatValue(value);
}

function integerValue(value: bigint, type: string): Value {
  const isUnsigned = type.startsWith("uint") || (type === anyType && value >= int64Limit);
  if (isUnsigned) return { kind: "uint", type: nameOf(type, "uint64"), value };
  return { kind: "int", type: nameOf(type, "int"), value };
}

/** A slice, whose type says what its elements are. */
export function sliceValue(items: readonly GoValue[], type: string): SliceValue {
  const elementType = type.replace(/^\[\d*\]/, "");
  return { kind: "slice", type, elementType, items, isNil: false };
}

function mapValue(entries: GoMap, type: string): MapValue {
  return { kind: "map", type, elementType: type.replace(/^map\[\w*\]/, ""), entries, isNil: false };
}

/** Go's zero value of a type, as far as the type's name tells. */
export function zeroValue(type: string): Value {
  if (type.startsWith("map[")) return { ...mapValue({}, type), isNil: true };
  if (type.startsWith("[")) return { ...sliceValue([], type), isNil: true };
  if (type === "string" || type === "json.Number") return { kind: "string", type, value: "" };
  if (type === "bool") return { kind: "bool", type, value: false };
  if (/^int\d*$/.test(type)) return { kind: "int", type, value: 0n };
  if (/^uint\d*$/.test(type)) return { kind: "uint", type, value: 0n };
  if (/^float\d*$/.test(type)) return { kind: "float", type, value: 0 };
  return { kind: "nil", type };
}

/** What a pipeline hands on: values leave their boxes, and a nil interface is nothing at all. */
export function unboxed(value: Value): Value {
  if (value.kind === "nil" && value.type === anyType) return missing;
  return value.isBoxed ? { ...value, isBoxed: false } : value;
}

/** An element of a slice or map. */
export function elementOf({ elementType }: SliceValue | MapValue, data: GoValue): Value {
  const value = toValue(data, elementType);
  return elementType === anyType ? { ...value, isBoxed: true } : value;
}

/** The value of a key, undefined where the map has none. */
export function mapEntry(map: MapValue, key: string): Value | undefined {
  if (!Object.hasOwn(map.entries, key)) return undefined;
  const data = map.entries[key];
  return data === undefined ? undefined : elementOf(map, data);
}

/** The keys of a map in the order in which Go prints and ranges over them. */
export function sortedKeys(map: MapValue): readonly string[] {
  return sortText(keysOf(map));
}

/** How many keys a map has. */
export function mapSize(map: MapValue): number {
  return keysOf(map).length;
}

function keysOf({ entries }: MapValue): readonly string[] {
  return Object.keys(entries).filter((key) => entries[key] !== undefined);
}

/** The value that a pointer to a struct points to. */
export function withoutPointer(value: Value): Value {
  const isPointer = value.kind === "struct" && value.type.startsWith("*");
  return isPointer ? { ...value, type: value.type.slice(1) } : value;
}

/** What `json` encodes for a struct, undefined where its fields count. */
export function structJson({ source }: StructValue): Value | undefined {
  return source.json === undefined ? undefined : toValue(source.json());
}

/** What a field holds or a method returns, undefined where the struct has no such name. */
export function structField(struct: StructValue, name: string): Value | undefined {
  const { fields } = struct.source;
  if (!Object.hasOwn(fields, name)) return undefined;
  const field = fields[name];
  return fieldValue(typeof field === "function" ? field() : field);
}

/** All fields in their order, methods called. */
export function structFields(struct: StructValue): readonly (readonly [string, Value])[] {
  return Object.entries(struct.source.fields).map(([name, field]) => [
    name,
    fieldValue(typeof field === "function" ? field() : field),
  ]);
}

/** A field's type is not known where it is null: structs mostly have pointers there. */
function fieldValue(data: GoValue): Value {
  return data === null || data === undefined ? { kind: "nil", type: "nil" } : toValue(data);
}
