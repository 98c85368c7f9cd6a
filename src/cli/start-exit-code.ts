// SPDX-License-Identifier: Apache-2.0

import { firstThrown, isLadeError } from "../base/errors.ts";
import { ExitStatus, exitCodes } from "./exit-status.ts";

const notFound = /executable file not found|no such file or directory/;
const notExecutable = /permission denied|is a directory/;

/**
 * The exit code of a container that could not be made or started: 126 and 127 where it is its
 * command's fault, else 125. Docker's client goes by the text, too.
 *
 * @returns undefined for an error that is a mistake in lade, which is told as such
 */
export function startExitCode(thrown: unknown): number | undefined {
  const error = firstThrown(thrown);
  if (isLadeError(error, "COMMAND_NOT_FOUND")) return exitCodes.notFound;
  if (isLadeError(error, "COMMAND_NOT_EXECUTABLE")) return exitCodes.notExecutable;
  // A missing archive is no missing command, though the system's words are the same.
  if (isLadeError(error, "ARCHIVE_NOT_FOUND")) return exitCodes.usage;
  if (!isLadeError(error) && !(error instanceof ExitStatus)) return undefined;
  if (notFound.test(error.message)) return exitCodes.notFound;
  return notExecutable.test(error.message) ? exitCodes.notExecutable : exitCodes.usage;
}
