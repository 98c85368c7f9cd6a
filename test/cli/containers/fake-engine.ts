// SPDX-License-Identifier: Apache-2.0

import { type ErrorCode, LadeError } from "../../../src/base/errors.ts";
import type { FakeOptions } from "../fake-context.ts";
import { run } from "../fake-context.ts";

/** What a use case was called with, without the engine. */
export type Calls = unknown[][];

export type UseCaseTable = NonNullable<FakeOptions["useCases"]>;

/**
 * Use cases that note what they are called with and know nothing named `nope`.
 *
 * @param results what each gives, by its name
 */
export function fakeEngine(results: Readonly<Record<string, unknown>>) {
  const calls: Calls = [];
  const table = Object.fromEntries(
    Object.entries(results).map(([name, result]) => [
      name,
      async (_engine: unknown, ...args: unknown[]) => {
        calls.push([name, ...args]);
        if (args[0] === "nope") throw notFound(name);
        if (typeof result !== "function") return result;
        return await result(...args);
      },
    ]),
  );
  const useCases = table as UseCaseTable;
  return {
    calls,
    useCases,
    run: (argv: readonly string[], options: Omit<FakeOptions, "useCases"> = {}) =>
      run(argv, { ...options, useCases }),
  };
}

function notFound(useCase: string): LadeError {
  const [code, text]: [ErrorCode, string] = /Network$/.test(useCase)
    ? ["NETWORK_NOT_FOUND", "network nope not found"]
    : /Volume$/.test(useCase)
      ? ["VOLUME_NOT_FOUND", "get nope: no such volume"]
      : ["CONTAINER_NOT_FOUND", "No such container: nope"];
  return new LadeError(code, text);
}

export const noSuchContainer = "Error response from daemon: No such container: nope\n";
