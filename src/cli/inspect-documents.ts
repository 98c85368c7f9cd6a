// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../base/errors.ts";
import type { Context } from "./context.ts";
import { errorText } from "./error-text.ts";
import { ExitStatus } from "./exit-status.ts";
import type { DocumentTemplate } from "./format/document.ts";
import { toJson } from "./format/json.ts";

export interface InspectOptions {
  readonly names: readonly string[];
  /** `--format`: empty, `json` or a template. */
  readonly format: string;
  /** Parsed before `lookUp` is called, so that a bad template fails whatever the names are. */
  readonly template: DocumentTemplate | undefined;
  /** The document of a name. */
  readonly lookUp: (name: string) => Promise<object>;
}

/** Prints what was found, then fails with what was not, one line each. */
export async function inspectDocuments(context: Context, options: InspectOptions): Promise<void> {
  const { names, format, template, lookUp } = options;
  const found: object[] = [];
  const texts: string[] = [];
  const errors: Error[] = [];
  for (const name of names) {
    try {
      const document = await lookUp(name);
      if (template !== undefined) texts.push(template.render(document, context.stdout));
      found.push(document);
    } catch (error) {
      if (!isLadeError(error) && !(error instanceof ExitStatus)) throw error;
      errors.push(error);
    }
  }
  const output =
    template === undefined ? toJson(found, format === "json" ? undefined : 4) : texts.join("\n");
  context.stdout.write(`${output}\n`);
  if (errors.length > 0) {
    throw new ExitStatus(errors.map(errorText).join("\n"), undefined, errors[0]);
  }
}
