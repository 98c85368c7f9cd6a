// SPDX-License-Identifier: Apache-2.0

import { closeSync, existsSync, openSync, rmSync, writeSync } from "node:fs";
import { isLadeError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import type { TerminalSize } from "../engine/container-types.ts";
import type { Engine } from "../engine/engine.ts";
import type { ContainerBody } from "../spec/container.ts";
import { familiarString, parseReference, withDefaultTag } from "../spec/reference.ts";
import type { CommandInput, OptionTable, OptionValues } from "./command.ts";
import { containerBody } from "./container-flags/body.ts";
import { createFlagHost } from "./container-flags/flag-host.ts";
import type { creationOptions } from "./container-flags/options.ts";
import type { Context } from "./context.ts";
import { bareErrorText, errorText } from "./error-text.ts";
import { ExitStatus, exitCodes } from "./exit-status.ts";
import { printable } from "./format/printable.ts";
import { InvalidValue } from "./invalid-value.ts";
import { writeWarnings } from "./warnings.ts";

export type CreationOptionValues = OptionValues<typeof creationOptions>;

export interface CreationInput extends Pick<CommandInput<OptionTable>, "operands"> {
  readonly options: CreationOptionValues;
  isGiven(name: string): boolean;
}

/** What is to be made, read from the command line. */
export interface Creation {
  readonly body: ContainerBody;
  readonly options: CreationOptionValues;
}

/**
 * Reads what `create` and `run` are given.
 *
 * @param commandName for the pointer to the help
 * @throws ExitStatus 125
 */
export function readCreation(
  context: Context,
  { options, operands, isGiven }: CreationInput,
  commandName: string,
): Creation {
  const [image = "", ...command] = operands;
  try {
    checkPull(options.pull);
    const input = { options, isGiven, image, command };
    const body = containerBody(input, createFlagHost(context.env));
    return { body: withConsoleSize(body, context.stdout.size), options };
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw withHelp(error.message, { commandName, cause: error });
  }
}

function withConsoleSize(body: ContainerBody, size: TerminalSize | undefined): ContainerBody {
  if (size === undefined) return body;
  return { ...body, HostConfig: { ...body.HostConfig, ConsoleSize: [size.rows, size.columns] } };
}

function checkPull(pull: string): void {
  if (pull === "always") {
    throw new InvalidValue(
      "--pull always is not supported: lade has no registry to pull from; load images with 'lade load'",
    );
  }
  if (["", "missing", "never"].includes(pull)) return;
  throw new InvalidValue(
    `invalid pull option: '${pull}': must be one of "always", "missing" or "never"`,
  );
}

interface HelpOptions {
  readonly commandName: string;
  readonly exitCode?: number;
  readonly cause: unknown;
}

/** An error in Docker's frame for `create` and `run`. */
export function withHelp(message: string, options: HelpOptions): ExitStatus {
  const { commandName, exitCode = exitCodes.usage, cause } = options;
  return new ExitStatus(
    `lade: ${message}\n\nRun 'lade ${commandName} --help' for more information`,
    exitCode,
    cause,
  );
}

/**
 * Makes the container, writes its ID file, and says what is to be said.
 *
 * @returns the container's ID
 */
export async function createContainer(
  context: Context,
  engine: Engine,
  { body, options }: Creation,
): Promise<string> {
  using idFile = createIdFile(options.cidfile);
  const platform = options.platform || context.env.DOCKER_DEFAULT_PLATFORM || undefined;
  try {
    const { name } = options;
    const request = { name: name === "" ? undefined : name, body, platform };
    const { id, warnings } = await context.useCases.createContainer(engine, request);
    writeWarnings(context.stderr, [...warnings, ...nameServerWarnings(body)]);
    idFile.write(id);
    return id;
  } catch (error) {
    const isMissing = isLadeError(error, "IMAGE_NOT_FOUND") && options.pull !== "never";
    if (isMissing && !options.quiet) sayMissing(context, body.Image ?? "");
    // Docker's client knows of such a name itself.
    if (isLadeError(error, "REFERENCE_INVALID")) {
      throw new ExitStatus(bareErrorText(error), undefined, error);
    }
    throw error;
  }
}

/** Where Docker starts to pull; lade has nowhere to pull from. */
function sayMissing({ stderr }: Context, image: string): void {
  let name: string;
  try {
    name = familiarString(withDefaultTag(parseReference(image)));
  } catch (error) {
    if (!isLadeError(error)) throw error;
    return;
  }
  stderr.write(`Unable to find image '${printable(name)}' locally\n`);
}

function nameServerWarnings({ HostConfig }: ContainerBody): string[] {
  const local = (HostConfig?.Dns ?? []).find((address) => /^127\.|^::1$/.test(address));
  return local === undefined ? [] : [`Localhost DNS (${local}) may fail in containers.`];
}

interface IdFile extends Disposable {
  write(id: string): void;
}

/** `--cidfile`: made before the container, and gone again where there is none. */
function createIdFile(path: string): IdFile {
  if (path === "") return { write() {}, [Symbol.dispose]() {} };
  if (existsSync(path)) {
    throw new ExitStatus(
      `container ID file found, make sure the other container isn't running or delete ${path}`,
    );
  }
  const fd = openIdFile(path);
  let isWritten = false;
  return {
    write(id) {
      writeSync(fd, id);
      isWritten = true;
    },
    [Symbol.dispose]() {
      closeSync(fd);
      if (!isWritten) rmSync(path, { force: true });
    },
  };
}

function openIdFile(path: string): number {
  try {
    return openSync(path, "wx", 0o644);
  } catch (error) {
    const { message } = ioError(error, `open ${path}`);
    throw new ExitStatus(`failed to create the container ID file: ${message}`, undefined, error);
  }
}

/** The text of whatever a use case or a check of the command line threw. */
export function messageFor(error: unknown): string {
  return error instanceof ExitStatus ? error.message : errorText(error);
}
