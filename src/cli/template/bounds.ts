// SPDX-License-Identifier: Apache-2.0

/** What a template may use up. Go sets most of these to what its growing stacks can hold. */
export const bounds = {
  /** Blocks and parentheses within each other in the text of a template. */
  nesting: 200,
  /** Blocks and called templates within each other in an execution; Go stops at 100,000. */
  executionDepth: 400,
  /** Maps, slices and structs within each other, when they are printed. */
  dataDepth: 200,
  /** One string, in UTF-16 units: `print $x $x` in a loop doubles it each time. */
  textLength: 16 * 1024 * 1024,
  /** The whole output, in UTF-16 units. */
  outputLength: 64 * 1024 * 1024,
  /** Steps of one execution: a range over a large number ends here and not after hours. */
  steps: 1_000_000,
  /** Units of text, or items of a new slice, that count as one step of a function. */
  textPerStep: 16,
} as const;

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
