// SPDX-License-Identifier: Apache-2.0

import type { OutputStream } from "../context.ts";
import { ExitStatus } from "../exit-status.ts";
import type { ExecuteOptions } from "../template/template.ts";
import { type GoValue, goStruct } from "../template/values.ts";
import { printableText } from "./printable.ts";
import { executeFormat, parseFormat } from "./template.ts";

/** A template for whole documents. */
export interface DocumentTemplate {
  /** @returns the text without a line end, safe to show where the output is a terminal */
  render(document: object, output: OutputStream): string;
}

export interface DocumentView extends Pick<ExecuteOptions, "missingKey"> {
  data(): GoValue;
}

/** What a template sees of a document: one view after the other, until it fits one. */
export type DocumentViews = (document: object) => readonly DocumentView[];

/**
 * Parses a template that is run on documents.
 *
 * @param views by default the document's own fields, in their order
 */
export function parseDocumentTemplate(
  text: string,
  views: DocumentViews = (document) => [{ data: () => structOf(document) }],
): DocumentTemplate {
  const template = parseFormat(text);
  return {
    render(document, output) {
      const rendered = firstThatFits(views(document), ({ data, missingKey }) =>
        executeFormat(template, data(), missingKey === undefined ? {} : { missingKey }),
      );
      return output.isTerminal ? printableText(rendered) : rendered;
    },
  };
}

/** Fails as the last view does. */
function firstThatFits(
  views: readonly DocumentView[],
  execute: (view: DocumentView) => string,
): string {
  let failure: ExitStatus | undefined;
  for (const view of views) {
    try {
      return execute(view);
    } catch (error) {
      if (!(error instanceof ExitStatus)) throw error;
      failure = error;
    }
  }
  throw failure ?? new Error("a document has no view");
}

/** A document as Go's structs, which keep the order of fields and know which there are. */
export function structOf(value: unknown): GoValue {
  if (Array.isArray(value)) return value.map(structOf);
  if (typeof value !== "object" || value === null) return value as GoValue;
  const fields = Object.entries(value).map(([name, field]) => [name, structOf(field)] as const);
  return goStruct("struct", Object.fromEntries(fields));
}
