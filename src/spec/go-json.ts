// SPDX-License-Identifier: Apache-2.0

/** What `formatGoJson` takes; undefined members of objects are left out. */
export type GoJsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly GoJsonValue[]
  | ReadonlyMap<string, GoJsonValue | undefined>
  | { readonly [key: string]: GoJsonValue | undefined };

export interface GoJsonOptions {
  /** Text for one level of indent; none gives one line. */
  readonly indent?: string;
  /** Escape `<`, `>` and `&`; true unless said otherwise, as in Go. */
  readonly escapeHtml?: boolean;
  /** Backspace and form feed: `\b` since Go 1.22, `\u0008` before. */
  readonly controls?: "short" | "long";
}

const SEPARATORS = /[\u2028\u2029]/g;
const HTML_AND_SEPARATORS = /[<>&\u2028\u2029]/g;

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function formatString(text: string, options: GoJsonOptions): string {
  let json = JSON.stringify(text.toWellFormed());
  if (options.controls === "long") {
    json = json.replace(/\\./g, (pair) => {
      if (pair === "\\b") return "\\u0008";
      return pair === "\\f" ? "\\u000c" : pair;
    });
  }
  const escaped = options.escapeHtml === false ? SEPARATORS : HTML_AND_SEPARATORS;
  return json.replace(escaped, unicodeEscape);
}

function isMap(value: object): value is ReadonlyMap<string, GoJsonValue | undefined> {
  return value instanceof Map;
}

function members(value: object): [string, GoJsonValue][] {
  const entries: Iterable<[string, GoJsonValue | undefined]> = isMap(value)
    ? value
    : Object.entries(value);
  const present: [string, GoJsonValue][] = [];
  for (const [key, member] of entries) if (member !== undefined) present.push([key, member]);
  return present;
}

function formatValue(value: GoJsonValue, options: GoJsonOptions, newline: string): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "string") return formatString(value, options);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new Error(`JSON has no ${value}`);
    return Object.is(value, -0) ? "-0" : String(value);
  }
  const inner = newline === "" ? "" : newline + options.indent;
  const list = Array.isArray(value);
  const parts = list
    ? value.map((item: GoJsonValue) => formatValue(item, options, inner))
    : members(value).map(
        ([key, member]) =>
          `${formatString(key, options)}:${newline && " "}${formatValue(member, options, inner)}`,
      );
  const body = parts.length === 0 ? "" : `${inner}${parts.join(`,${inner}`)}${newline}`;
  return list ? `[${body}]` : `{${body}}`;
}

/**
 * JSON as Go's encoding/json gives it, byte for byte: the text decides image IDs.
 *
 * Keys come in the order given (a struct's); use `sortedKeys` for what is a map in Go. Unpaired
 * surrogates become U+FFFD. There is no newline at the end.
 */
export function formatGoJson(value: GoJsonValue, options: GoJsonOptions = {}): string {
  return formatValue(value, options, options.indent === undefined ? "" : "\n");
}

/** Compares as Go does: by UTF-8 bytes, which is the order of code points. */
export function compareGoStrings(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let index = 0; index < end; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left === right) continue;
    const leftHigh = left >= 0xd800 && left <= 0xdfff;
    const rightHigh = right >= 0xd800 && right <= 0xdfff;
    // Surrogates stand for code points above all others.
    if (leftHigh !== rightHigh) return leftHigh ? 1 : -1;
    return left - right;
  }
  return a.length - b.length;
}

/** The members in the order in which Go writes a map. */
export function sortedKeys<T>(object: Readonly<Record<string, T>>): Map<string, T> {
  return new Map(Object.entries(object).sort(([a], [b]) => compareGoStrings(a, b)));
}
