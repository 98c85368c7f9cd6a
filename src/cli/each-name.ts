// SPDX-License-Identifier: Apache-2.0

import { firstThrown, isLadeError } from "../base/errors.ts";
import type { Context } from "./context.ts";
import { errorText } from "./error-text.ts";
import { ExitStatus } from "./exit-status.ts";
import { printable } from "./format/printable.ts";

/** As many at once as Docker's client asks for. */
const parallelLimit = 50;

export interface EachNameOptions {
  /** One after the other, in place of side by side. */
  readonly isSequential?: boolean;
  /** What is told, but is no failure. */
  readonly isHarmless?: (error: Error) => boolean;
}

/**
 * Does the work for each name, and prints the name of each that went well, in the order given. What
 * went wrong is told at the end, one line each.
 *
 * @throws ExitStatus where something went wrong
 */
export async function forEachName(
  context: Context,
  names: readonly string[],
  work: (name: string) => Promise<unknown>,
  { isSequential = false, isHarmless = () => false }: EachNameOptions = {},
): Promise<void> {
  const errors: Error[] = [];
  for (const [name, outcome] of started(names, work, isSequential ? 1 : parallelLimit)) {
    const error = await outcome();
    if (error === undefined) context.stdout.write(`${printable(name)}\n`);
    else if (isHarmless(error)) context.stderr.write(`${errorText(error)}\n`);
    else errors.push(error);
  }
  if (errors.length > 0) {
    throw new ExitStatus(errors.map(errorText).join("\n"), undefined, errors[0]);
  }
}

type Outcome = () => Promise<Error | undefined>;

/** Starts work in order, so many at once; each outcome can be waited for when its turn comes. */
function started(
  names: readonly string[],
  work: (name: string) => Promise<unknown>,
  limit: number,
): (readonly [string, Outcome])[] {
  const results = names.map(() => Promise.withResolvers<Error | undefined>());
  let next = 0;
  const run = async () => {
    for (let index = next++; index < names.length; index = next++) {
      const result = results[index];
      try {
        await work(names[index] as string);
        result?.resolve(undefined);
      } catch (thrown) {
        const error = firstThrown(thrown);
        if (isLadeError(error) || error instanceof ExitStatus) result?.resolve(error);
        else result?.reject(error);
      }
    }
  };
  // One that rejects is met when its turn comes, and until then by nobody.
  for (const { promise } of results) promise.catch(() => {});
  for (let count = 0; count < Math.min(limit, names.length); count++) void run();
  return names.map((name, index) => [
    name,
    () => (results[index] as (typeof results)[0] & {}).promise,
  ]);
}
