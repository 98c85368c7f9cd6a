// SPDX-License-Identifier: Apache-2.0

import * as v from "valibot";
import { LadeError } from "../base/errors.ts";
import { type Digest, isDigest } from "./digest.ts";
import { goQuote, quoteExcerpt } from "./go-quote.ts";
import { isGoTime } from "./go-time.ts";

/** A schema that gives `T` from anything. */
export type Schema<T> = v.GenericSchema<unknown, T>;

type StructOf<E extends v.ObjectEntries> = {
  readonly [K in keyof E]?: v.InferOutput<E[K]>;
};

/** True for a JSON object: no array, no null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  return Array.isArray(value) ? "array" : typeof value;
}

/** The words of a fault: valibot's own quote the value, which may be anything. */
function faultText(issue: v.BaseIssue<unknown>): string {
  if (issue.kind !== "schema") return issue.message;
  const wanted = issue.message.startsWith("expected ")
    ? issue.message
    : `expected ${(issue.expected ?? "another value").toLowerCase()}`;
  return `${wanted}, got ${typeName(issue.input)}`;
}

function pathText(path: readonly { readonly key?: unknown }[]): string {
  let text = "";
  for (const { key } of path) {
    if (typeof key === "number") text += `[${key}]`;
    else if (/^[\w.-]+$/.test(String(key))) text += text === "" ? String(key) : `.${String(key)}`;
    else text += `[${goQuote(String(key))}]`;
  }
  return text;
}

/**
 * Checks a decoded document against a schema.
 *
 * @param place what it was read from; comes first in the error, then the path in the document
 * @throws LadeError DOCUMENT_INVALID for the first fault
 */
export function validate<T>(schema: Schema<T>, value: unknown, place: string): T {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = pathText(issue.path ?? []);
  throw new LadeError(
    "DOCUMENT_INVALID",
    `${place}: ${path === "" ? "" : `${path}: `}${faultText(issue)}`,
  );
}

const jsonObject = v.custom<Record<string, unknown>>(isObject, "expected object");

/**
 * A Go struct: every member may be missing or null, which are the same there, and unknown members
 * are dropped. The output has only members with a value.
 */
export function goStruct<E extends v.ObjectEntries>(entries: E): Schema<StructOf<E>> {
  const optional: v.ObjectEntries = {};
  for (const [key, schema] of Object.entries(entries)) optional[key] = v.nullish(schema);
  return v.pipe(
    jsonObject,
    v.object(optional),
    v.transform((value) => {
      const present = Object.entries(value).filter((entry) => (entry[1] ?? null) !== null);
      return Object.fromEntries(present) as StructOf<E>;
    }),
  );
}

/**
 * A Go map with text as its keys. Any key is kept as a plain member, `__proto__` too.
 */
export function goMap<T>(values: Schema<T>): Schema<Readonly<Record<string, T>>> {
  return v.pipe(
    jsonObject,
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const entries: [string, T][] = [];
      for (const [key, value] of Object.entries(dataset.value)) {
        const result = v.safeParse(values, value, { abortEarly: true });
        if (!result.success) {
          const [issue] = result.issues;
          const step = {
            type: "object",
            origin: "value",
            input: dataset.value,
            key,
            value,
          } as const;
          addIssue({ message: faultText(issue), path: [step, ...(issue.path ?? [])] });
          return NEVER;
        }
        entries.push([key, result.output]);
      }
      return Object.fromEntries(entries);
    }),
  );
}

/** Text, or null as Go reads it inside lists and maps: empty. */
export const textItem: Schema<string> = v.nullish(v.string(), "");

/** A list of texts. */
export const textList: Schema<readonly string[]> = v.array(textItem);

/** A list of texts that Docker also takes as one text (`strslice.StrSlice`). */
export const textListOrText: Schema<readonly string[]> = v.union(
  [
    textList,
    v.pipe(
      v.string(),
      v.transform((text) => [text]),
    ),
  ],
  "expected array of strings",
);

/** A map from text to text. */
export const textMap: Schema<Readonly<Record<string, string>>> = goMap(textItem);

/** Go's `map[string]struct{}`: a set. */
export const textSet: Schema<Readonly<Record<string, Record<string, never>>>> = goMap(
  v.pipe(
    v.nullish(jsonObject),
    v.transform((): Record<string, never> => ({})),
  ),
);

/** A whole number that a double holds exactly. */
export const integer: Schema<number> = v.pipe(v.number(), v.safeInteger("expected an integer"));

/** A count of bytes. */
export const size: Schema<number> = v.pipe(
  integer,
  v.minValue(0, "expected a size that is not negative"),
);

/** A SHA-256 digest. */
export const digest: Schema<Digest> = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    if (isDigest(dataset.value)) return dataset.value;
    addIssue({ message: `expected a sha256 digest, got ${quoteExcerpt(dataset.value)}` });
    return NEVER;
  }),
);

/** A time that Go's `time.Time` reads from JSON: RFC 3339. */
export const time: Schema<string> = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    if (isGoTime(dataset.value)) return dataset.value;
    addIssue({ message: `expected a time of RFC 3339, got ${quoteExcerpt(dataset.value)}` });
    return NEVER;
  }),
);
