// SPDX-License-Identifier: Apache-2.0

import type { Context } from "./context.ts";

/** What completes a value or an argument in a shell. */
export type Completion = "image" | "file" | readonly string[];

interface OptionBase {
  /** One letter for `-x`. */
  readonly short?: string;
  readonly summary: string;
  readonly completion?: Completion;
}

export interface BoolOption extends OptionBase {
  readonly type: "bool";
  readonly default?: boolean;
}

export interface TextOption extends OptionBase {
  readonly type: "string";
}

/** May be given several times. */
export interface ListOption extends OptionBase {
  /** `strings` also takes several values with commas between them. */
  readonly type: "list" | "strings" | "filter";
}

export type OptionSpec = BoolOption | TextOption | ListOption;

/** Options under their long names. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

export type OptionValue<Spec extends OptionSpec> = Spec extends BoolOption
  ? boolean
  : Spec extends ListOption
    ? readonly string[]
    : string;

export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: OptionValue<Table[Name]>;
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
