// SPDX-License-Identifier: Apache-2.0

import { Command as CommanderCommand, Option } from "commander";
import { goQuote } from "../spec/go-quote.ts";
import type { OptionSpec } from "./command.ts";
import { ExitStatus, exitCodes } from "./exit-status.ts";
import { parseBoolean } from "./go-numbers.ts";
import { InvalidValue } from "./invalid-value.ts";
import { takesValue, usageLine } from "./usage.ts";

/** What the options of the commands on the way to the called one have asked for. */
export interface HelpWish {
  isWanted: boolean;
  /** By `-h`, which Docker has deprecated. */
  isShort: boolean;
}

interface KnownOption {
  readonly name: string;
  readonly spec: OptionSpec;
}

/** A name and value that were split off the arguments. */
interface Assignment {
  readonly name: string;
  readonly shown: string;
  readonly inline: string | undefined;
}

/**
 * commander's command with the grammar of Go's pflag, which `docker` has.
 *
 * commander keeps the tree, the options' values and the operands; the difference is in reading the
 * arguments: `-f=x`, `--bool=false`, Go's words for true and false, `--no-x` as a plain name, a
 * value that starts with a dash, options of a group only before its command, and pflag's errors.
 */
export class PflagCommand extends CommanderCommand {
  /** `lade image ls`. */
  commandPath = "lade";
  /** What follows the path in the usage line. */
  usageTail = "";
  isInterspersed = true;
  helpWish: HelpWish = { isWanted: false, isShort: false };
  /** What is to be said of options that were given, one line each. */
  readonly notices: string[] = [];
  /** Called when all options have been read; throws to end the command early. */
  onParsed: (operands: readonly string[]) => void = () => {};
  readonly #known = new Map<string, KnownOption>();

  override createCommand(name?: string): PflagCommand {
    return new PflagCommand(name);
  }

  /** Declares an option under its long name. */
  declareOption(name: string, spec: OptionSpec): void {
    const known = { name, spec };
    this.#known.set(name, known);
    if (spec.short !== undefined) this.#known.set(`-${spec.short}`, known);
    const flags = `${spec.short === undefined ? "" : `-${spec.short}, `}--${name}`;
    this.addOption(new Option(takesValue(spec) ? `${flags} <value>` : flags, spec.summary));
    if (spec.type === "alias" || spec.type === "refused") return;
    this.setOptionValueWithSource(name, defaultValue(spec), "default");
  }

  override parseOptions(args: string[]): { operands: string[]; unknown: string[] } {
    const operands: string[] = [];
    const rest = [...args].reverse();
    while (rest.length > 0) {
      const arg = rest.pop() as string;
      if (arg === "--") {
        operands.push(...rest.splice(0).reverse());
      } else if (!arg.startsWith("-") || arg === "-") {
        operands.push(arg);
        if (!this.isInterspersed) operands.push(...rest.splice(0).reverse());
      } else if (arg.startsWith("--")) {
        this.#readLong(arg, rest);
      } else {
        this.#readShort(arg.slice(1), rest);
      }
    }
    this.onParsed(operands);
    const isGroup = this.commands.length > 0;
    return isGroup
      ? { operands: operands.slice(0, 1), unknown: operands.slice(1) }
      : { operands, unknown: [] };
  }

  /** An error about options, in pflag's words and Docker's frame. */
  optionError(message: string): ExitStatus {
    const usage = `Usage:  ${usageLine(this.commandPath, this.usageTail)}`;
    const help = `Run '${this.commandPath} --help' for more information`;
    return new ExitStatus(`${message}\n\n${usage}\n\n${help}`, exitCodes.usage);
  }

  /** @param rest arguments that follow, last first */
  #readLong(arg: string, rest: string[]): void {
    const body = arg.slice(2);
    if (body === "" || body.startsWith("-") || body.startsWith("=")) {
      throw this.optionError(`bad flag syntax: ${arg}`);
    }
    const equals = body.indexOf("=");
    const name = equals === -1 ? body : body.slice(0, equals);
    const inline = equals === -1 ? undefined : body.slice(equals + 1);
    this.#assign({ name, shown: `--${name}`, inline }, rest);
  }

  /** @param letters one letter or several, of which the last may have a value: `qf=x`, `qfx` */
  #readShort(letters: string, rest: string[]): void {
    for (let at = 0; at < letters.length; at++) {
      const letter = letters[at] as string;
      const tail = letters.slice(at);
      const known = this.#known.get(`-${letter}`);
      if (known === undefined && letter !== "h") {
        throw this.optionError(`unknown shorthand flag: '${letter}' in -${tail}`);
      }
      const shown = `'${letter}' in -${tail}`;
      const hasEquals = tail.length > 2 && tail[1] === "=";
      const takesTail = known !== undefined && takesValue(known.spec) && tail.length > 1;
      const inline = hasEquals ? tail.slice(2) : takesTail ? tail.slice(1) : undefined;
      this.#assign({ name: `-${letter}`, shown, inline }, rest);
      if (inline !== undefined) return;
    }
  }

  #assign({ name, shown, inline }: Assignment, rest: string[]): void {
    const known = this.#known.get(name);
    if (known === undefined) {
      if (name !== "help" && name !== "-h") throw this.optionError(`unknown flag: ${shown}`);
      this.#wishHelp(name, inline);
      return;
    }
    const value = inline ?? (takesValue(known.spec) ? rest.pop() : "true");
    if (value === undefined) throw this.optionError(`flag needs an argument: ${shown}`);
    this.#setValue(known, value);
    const { deprecated } = known.spec;
    if (deprecated !== undefined) {
      this.notices.push(`Flag --${known.name} has been deprecated, ${deprecated}`);
    }
  }

  #setValue(known: KnownOption, value: string): void {
    if (known.spec.type === "refused") {
      if (known.spec.harmless?.includes(value)) return;
      throw this.optionError(`flag is not supported: --${known.name}: ${known.spec.summary}`);
    }
    const { name, spec } =
      known.spec.type === "alias" ? (this.#known.get(known.spec.of) as KnownOption) : known;
    const previous: unknown = this.getOptionValue(name);
    try {
      this.setOptionValueWithSource(name, parseValue(spec, value, previous), "cli");
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error;
      throw this.#invalidValue(known, value, error.message);
    }
  }

  #wishHelp(name: string, inline: string | undefined): void {
    try {
      const isWanted = inline === undefined || parseBoolean(inline);
      this.helpWish = { isWanted, isShort: name === "-h" };
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error;
      const spec: OptionSpec = { type: "bool", short: "h", summary: "" };
      throw this.#invalidValue({ name: "help", spec }, inline ?? "", error.message);
    }
  }

  #invalidValue({ name, spec }: KnownOption, value: string, reason: string): ExitStatus {
    const flag = `${spec.short === undefined ? "" : `-${spec.short}, `}--${name}`;
    return this.optionError(`invalid argument ${goQuote(value)} for "${flag}" flag: ${reason}`);
  }
}

function defaultValue(spec: OptionSpec): unknown {
  if (spec.type === "bool") return spec.default ?? false;
  if (spec.type === "parsed") return spec.initial;
  return spec.type === "string" ? (spec.default ?? "") : [];
}

function parseValue(spec: OptionSpec, value: string, previous: unknown): unknown {
  const list = Array.isArray(previous) ? previous : [];
  switch (spec.type) {
    case "bool":
      return parseBoolean(value);
    case "string":
      return value;
    case "list":
      return [...list, value];
    case "strings":
      return value === "" ? list : [...list, ...value.split(",")];
    case "filter":
      if (value === "") return list;
      if (!value.includes("=")) {
        throw new InvalidValue("bad format of filter (expected name=value)");
      }
      return [...list, value];
    case "parsed":
      return spec.parse(value, previous);
    default:
      throw new Error(`an option of type ${spec.type} has no value`);
  }
}
