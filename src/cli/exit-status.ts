// SPDX-License-Identifier: Apache-2.0

/** Exit codes as Docker's command line has them. */
export const exitCodes = {
  failure: 1,
  /** A template that cannot be parsed. */
  template: 64,
  /** An option that is unknown, lacks its value, or has a bad one; a container that `run` can't run. */
  usage: 125,
  /** A container's command that can't be executed. */
  notExecutable: 126,
  /** A container's command that is not there. */
  notFound: 127,
  /** Added to the number of the signal that ended the command. */
  signalBase: 128,
  /** 128 and SIGPIPE: what shells report of a program whose reader went away. */
  outputClosed: 141,
} as const;

/** Ends the command with this exit code after the message has been printed as it is. */
export class ExitStatus extends Error {
  override readonly name: string = "ExitStatus";
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failure, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
  }
}

/** The reader of standard output went away, as with `| head -1`: nothing is left to say. */
export class OutputClosed extends Error {
  override readonly name: string = "OutputClosed";
}
