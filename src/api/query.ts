// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import type { Filter } from "../engine/types.ts";
import { goQuote } from "../spec/go-quote.ts";
import { isObject } from "../spec/schema.ts";

/** The values of a request's query, in Docker's spellings. */
export interface Query {
  has(name: string): boolean;
  /** The first value; empty where there is none. */
  text(name: string): string;
  /** All values, in order. */
  list(name: string): readonly string[];
  /** Docker's truth: everything but nothing, `0`, `no`, `false` and `none`. */
  bool(name: string, otherwise?: boolean): boolean;
  /**
   * A whole number.
   *
   * @throws LadeError API_INVALID
   */
  integer(name: string): number | undefined;
  /**
   * `filters`, in both spellings: `{"label":{"a=b":true}}` and the older `{"label":["a=b"]}`.
   *
   * @throws LadeError API_INVALID
   */
  filters(): readonly Filter[];
}

const falseWords = new Set(["", "0", "no", "false", "none"]);

function invalid(message: string): LadeError {
  return new LadeError("API_INVALID", message);
}

/** Reads a query string. Go drops what it can't decode, pair by pair. */
export function parseQuery(queryText: string): Query {
  const values = new Map<string, string[]>();
  for (const pair of queryText.split("&")) {
    const at = pair.indexOf("=");
    const name = decode(at < 0 ? pair : pair.slice(0, at));
    const value = decode(at < 0 ? "" : pair.slice(at + 1));
    if (pair === "" || name === undefined || value === undefined) continue;
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  const text = (name: string) => values.get(name)?.[0] ?? "";
  return {
    has: (name) => values.has(name),
    text,
    list: (name) => values.get(name) ?? [],
    bool: (name, otherwise = false) =>
      values.has(name) ? !falseWords.has(text(name).trim().toLowerCase()) : otherwise,
    integer: (name) => (text(name) === "" ? undefined : parseInteger(text(name))),
    filters: () => parseFilters(text("filters")),
  };
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

/** As `strconv.Atoi` reads it, with its words. */
export function parseInteger(text: string): number {
  if (!/^[+-]?[0-9]+$/.test(text)) {
    throw invalid(`strconv.Atoi: parsing ${goQuote(text)}: invalid syntax`);
  }
  const value = Number(text);
  if (!Number.isSafeInteger(value)) {
    throw invalid(`strconv.Atoi: parsing ${goQuote(text)}: value out of range`);
  }
  return value;
}

/** Source: `filters.FromJSON` of moby (api/types/filters). */
function parseFilters(text: string): readonly Filter[] {
  if (text === "") return [];
  const document = parseFilterText(text);
  return Object.entries(document).flatMap(([key, values]) => {
    if (Array.isArray(values) && values.every((value) => typeof value === "string")) {
      return values.map((value): Filter => ({ key, value }));
    }
    if (isObject(values) && Object.values(values).every((value) => typeof value === "boolean")) {
      return Object.keys(values).map((value): Filter => ({ key, value }));
    }
    throw invalid("invalid filter");
  });
}

function parseFilterText(text: string): Record<string, unknown> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new LadeError("API_INVALID", "invalid filter", { cause: error });
  }
  if (document === null) return {};
  if (!isObject(document)) throw invalid("invalid filter");
  return document;
}
