// SPDX-License-Identifier: Apache-2.0

import { type ErrorCode, firstThrown, isLadeError, messageOf } from "../base/errors.ts";
import { machineError } from "../base/io-error.ts";
import { ExitStatus } from "./exit-status.ts";
import { printable } from "./format/printable.ts";

/** What Docker's daemon would have answered; its client says where the answer came from. */
const daemonCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "COMMAND_NOT_EXECUTABLE",
  "COMMAND_NOT_FOUND",
  "CONTAINER_CONFLICT",
  "CONTAINER_INVALID",
  "CONTAINER_NOT_FOUND",
  "CONTAINER_NOT_RUNNING",
  "CONTAINER_READ_ONLY",
  "EXEC_NOT_FOUND",
  "FILTER_INVALID",
  "IMAGE_AMBIGUOUS",
  "IMAGE_IN_USE",
  "IMAGE_NOT_FOUND",
  "NETWORK_FAILED",
  "NETWORK_IN_USE",
  "NETWORK_NOT_FOUND",
  "PATH_NOT_FOUND",
  "PLATFORM_NOT_FOUND",
  "PORT_TAKEN",
  "REFERENCE_INVALID",
  "RUNTIME_FAILED",
  "VOLUME_IN_USE",
  "VOLUME_NOT_FOUND",
]);

/** The lines that tell of an error: Docker's text where Docker has one, then what to do. */
export function errorText(thrown: unknown): string {
  const error = firstThrown(thrown);
  if (error instanceof ExitStatus) return error.message;
  if (!isLadeError(error)) {
    const told = machineError(error);
    return told === undefined ? internalErrorText(error) : errorText(told);
  }
  const origin = daemonCodes.has(error.code) ? "Error response from daemon: " : "";
  return `${origin}${bareErrorText(error)}`;
}

/** The same without the word of a daemon: `load` and `import` report failures bare in Docker. */
export function bareErrorText(error: unknown): string {
  if (!isLadeError(error)) return errorText(error);
  const hint = error.hint === undefined ? "" : `\nhint: ${printable(error.hint)}`;
  return `${printable(error.message)}${hint}`;
}

/** Runs the work; its errors are told bare. */
export async function withBareErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isLadeError(error)) throw error;
    throw new ExitStatus(bareErrorText(error), undefined, error);
  }
}

function internalErrorText(error: unknown): string {
  return (
    `lade: internal error: ${printable(messageOf(error))}\n` +
    "hint: This is a mistake in lade. Run the command again with `lade --debug` and report it."
  );
}
