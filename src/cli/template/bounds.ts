// SPDX-License-Identifier: Apache-2.0

import { limits } from "../../base/limits.ts";

/** What a template may use up. */
export const bounds: typeof limits.template = limits.template;

/** What stops an execution; the evaluator adds the place in the template. */
export class TemplateFault extends Error {
  override readonly name: string = "TemplateFault";
}

/** Stops the execution. */
export function fault(message: string): never {
  throw new TemplateFault(message);
}

/** Fails for a string that is longer than templates may make. */
export function checkLength(length: number): void {
  if (length > bounds.textLength) {
    fault(`text of more than ${bounds.textLength} characters`);
  }
}
