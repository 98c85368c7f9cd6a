// SPDX-License-Identifier: Apache-2.0

import { type GoValue, goStruct, goTyped } from "../template/values.ts";
import type { DocumentViews } from "./document.ts";

/** Go's type of a JSON field: a plain one by its name, or what structs it is made of. */
export type FieldType = string | Shape | Shapes;

/** A Go struct of Docker's API and the JSON names of its fields. */
export interface Shape {
  readonly goType: string;
  readonly fields: Readonly<Record<string, FieldType>>;
}

/** A slice of structs, or a map whose values are structs or slices of them. */
export interface Shapes {
  readonly goType: string;
  readonly elements: Shape | Shapes;
}

/** Go's way to have a set: keys with values that hold nothing, and print as `{}`. */
export const setType = "map[string]struct {}";

/** Fields that Go names otherwise than JSON does. */
const goNames: ReadonlyMap<string, string> = new Map([
  ["Id", "ID"],
  ["HostIp", "HostIP"],
  ["Dns", "DNS"],
  ["DnsOptions", "DNSOptions"],
  ["DnsSearch", "DNSSearch"],
  ["NanoCpus", "NanoCPUs"],
  ["CpuShares", "CPUShares"],
  ["CpuPeriod", "CPUPeriod"],
  ["CpuQuota", "CPUQuota"],
  ["CpuRealtimePeriod", "CPURealtimePeriod"],
  ["CpuRealtimeRuntime", "CPURealtimeRuntime"],
  ["CpuCount", "CPUCount"],
  ["CpuPercent", "CPUPercent"],
]);

/**
 * What a template sees of a document, in Docker's order: first its Go types, where the ID is `.ID`,
 * a field that JSON leaves out is empty, and `index` gives an empty text for a label that is not
 * there; then the JSON with its own names, such as `.Id`, where a missing key is an error.
 */
export function shapedViews(shape: Shape): DocumentViews {
  return (document) => [
    { data: () => typedView(document, shape) },
    { data: () => document as GoValue, missingKey: "error" },
  ];
}

type Fields = Readonly<Record<string, unknown>>;

function typedView(document: object, shape: Shape): GoValue {
  const given = document as Fields;
  const typed = Object.entries(shape.fields).map(
    ([name, type]) => [goNames.get(name) ?? name, typedField(given[name], type)] as const,
  );
  return goStruct(shape.goType, Object.fromEntries(typed), { json: () => jsonView(given, shape) });
}

function typedField(value: unknown, type: FieldType): GoValue {
  if (typeof type !== "string") return typedStructs(value, type);
  if (type === setType && isObject(value)) {
    const members = Object.keys(value).map((key) => [key, goStruct("struct {}", {})] as const);
    return goTyped(type, Object.fromEntries(members));
  }
  return goTyped(type, (value as GoValue) ?? zeroOf(type));
}

function zeroOf(type: string): GoValue {
  if (type === "bool") return false;
  if (type === "string") return "";
  return /^u?int\d*$/.test(type) ? 0 : null;
}

function typedStructs(value: unknown, type: Shape | Shapes): GoValue {
  if (!isObject(value)) return "fields" in type ? null : goTyped(type.goType, null);
  if ("fields" in type) return typedView(value, type);
  const { goType, elements } = type;
  if (Array.isArray(value)) {
    return goTyped(
      goType,
      value.map((item) => typedStructs(item, elements)),
    );
  }
  const entries = Object.entries(value).map(
    ([key, item]) => [key, typedStructs(item, elements)] as const,
  );
  return goTyped(goType, Object.fromEntries(entries));
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** The fields that the document has, under JSON's names and in its order. */
function jsonView(document: Fields, { goType, fields }: Shape): GoValue {
  const entries = Object.entries(document).map(
    ([name, value]) => [name, jsonField(value, fields[name])] as const,
  );
  return goStruct(goType, Object.fromEntries(entries));
}

function jsonField(value: unknown, type: FieldType | undefined): GoValue {
  if (type === undefined || typeof type === "string" || !isObject(value)) return value as GoValue;
  if ("fields" in type) return jsonView(value as Fields, type);
  const { elements } = type;
  if (Array.isArray(value)) return value.map((item) => jsonField(item, elements));
  const entries = Object.entries(value).map(
    ([key, item]) => [key, jsonField(item, elements)] as const,
  );
  return Object.fromEntries(entries);
}
