// SPDX-License-Identifier: Apache-2.0

import type { Context } from "./context.ts";

/** What completes a value or an argument in a shell. */
export type Completion = "file" | ListedKind | readonly string[];

/** What lade lists for completion; the last two are several kinds at once. */
export type ListedKind =
  | "image"
  | "container"
  | "running"
  | "stopped"
  | "volume"
  | "network"
  | "endpoint"
  | "object";

interface OptionBase {
  /** One letter for `-x`. */
  readonly short?: string;
  readonly summary: string;
  readonly completion?: Completion;
  /** Known, but in no help: an older spelling. */
  readonly isHidden?: boolean;
  /** What to use instead; said each time the option is given. */
  readonly deprecated?: string;
}

export interface BoolOption extends OptionBase {
  readonly type: "bool";
  readonly default?: boolean;
}

export interface TextOption extends OptionBase {
  readonly type: "string";
  readonly default?: string;
}

/** May be given several times. */
export interface ListOption extends OptionBase {
  /** `strings` also takes several values with commas between them. */
  readonly type: "list" | "strings" | "filter";
}

/** A value that is read when it is met, so that a bad one fails as an option does. */
export interface ParsedOption<Value = unknown> extends OptionBase {
  readonly type: "parsed";
  /** What help calls the value: `int`, `bytes`. */
  readonly valueName: string;
  readonly initial: Value;
  /** The default as help shows it. */
  readonly defaultText?: string;
  readonly isRepeatable?: boolean;
  /**
   * Reads one value.
   *
   * @param previous what was read before, for options that gather several
   * @throws InvalidValue
   */
  parse(text: string, previous: Value): Value;
}

/** Another name of an option. */
export interface AliasOption extends OptionBase {
  readonly type: "alias";
  readonly of: string;
}

/** An option of Docker's that can't be carried out here. */
export interface RefusedOption extends OptionBase {
  readonly type: "refused";
  readonly takesValue: boolean;
  /** Values that ask for nothing. */
  readonly harmless?: readonly string[];
}

export type OptionSpec =
  | BoolOption
  | TextOption
  | ListOption
  | ParsedOption
  | AliasOption
  | RefusedOption;

/** Options under their long names. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

export type OptionValue<Spec extends OptionSpec> = Spec extends BoolOption
  ? boolean
  : Spec extends ListOption
    ? readonly string[]
    : Spec extends ParsedOption<infer Value>
      ? Value
      : string;

export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table as Table[Name] extends AliasOption | RefusedOption
    ? never
    : Name]: OptionValue<Table[Name]>;
};

export interface GlobalOptions {
  readonly root: string | undefined;
  readonly isDebug: boolean;
}

export interface CommandInput<Table extends OptionTable = OptionTable> {
  readonly options: OptionValues<Table>;
  readonly operands: readonly string[];
  readonly globals: GlobalOptions;
  /** As it was called, in its first spelling: `image ls`. */
  readonly path: string;
  readonly table: CommandTable;
  /** Whether the option was on the command line. */
  isGiven(name: keyof Table & string): boolean;
}

/** One command: what it takes, what its help says, what it does. */
export interface Command<Table extends OptionTable = OptionTable> {
  readonly summary: string;
  /** Where the summary is not enough; lines are kept as they are. */
  readonly description?: string;
  /** What follows the name in the usage line. */
  readonly usage: string;
  readonly operands: {
    readonly min: number;
    readonly max: number;
    readonly completion?: Completion;
  };
  readonly options: Table;
  /** False where options end at the first operand. */
  readonly isInterspersed?: boolean;
  run(context: Context, input: CommandInput<Table>): Promise<void>;
}

/** Checks a command's table against its `run`, and forgets the exact types. */
export function defineCommand<const Table extends OptionTable>(command: Command<Table>): Command {
  return command;
}

/** A command's place in the table: its names, and the file that has the rest. */
export interface CommandEntry {
  /** Full paths; the first is the one that the manual lists it under. */
  readonly names: readonly string[];
  /** For lade's own use: in no help, completion or manual. */
  readonly isHidden?: boolean;
  load(): Promise<{ readonly command: Command }>;
}

export interface CommandGroup {
  readonly summary: string;
  readonly description?: string;
}

/** The whole command line. */
export interface CommandTable {
  readonly commands: readonly CommandEntry[];
  /** Commands that only hold others, by name. */
  readonly groups: Readonly<Record<string, CommandGroup>>;
  /** Options that stand before the command. */
  readonly globals: OptionTable;
}
