// SPDX-License-Identifier: Apache-2.0

import type { CommanderError } from "commander";
import type { Command, CommandEntry, CommandInput, GlobalOptions } from "./command.ts";
import { commandTable } from "./commands.ts";
import type { Context, OutputStream } from "./context.ts";
import { ExitStatus } from "./exit-status.ts";
import { PflagCommand } from "./pflag.ts";
import { operandsError } from "./usage.ts";

/** Thrown to do something else than the command: its help, or the version. */
class Detour extends Error {
  readonly follow: () => Promise<void>;

  constructor(follow: () => Promise<void>) {
    super("");
    this.follow = follow;
  }
}

/** Reads the command line and runs the command that it names. */
export interface Program {
  /** What stood before the command; filled in when `run` has read it. */
  readonly globals: GlobalOptions;
  run(argv: readonly string[]): Promise<void>;
}

/**
 * The tree of commands, as far as this run needs it: only the names at the top, then the commands
 * of the group that was called, then the options of the command.
 */
export function createProgram(context: Context): Program {
  const root = createNode("lade", "lade");
  root.usageTail = "[OPTIONS] COMMAND [ARG...]";
  for (const [name, spec] of Object.entries(commandTable.globals)) root.declareOption(name, spec);
  const leaves = new Map<PflagCommand, CommandEntry>();
  const descend = async (parent: PflagCommand, child: PflagCommand) => {
    child.helpWish = parent.helpWish;
    const entry = leaves.get(child);
    if (entry === undefined) addGroupCommands(child, leaves, descend, context);
    else declareCommand(child, { command: (await entry.load()).command, context, globals });
  };
  const globals = readGlobals(root);
  addRootCommands(root, leaves, descend, context);
  return {
    globals,
    async run(argv) {
      try {
        await root.parseAsync([...argv], { from: "user" });
      } catch (error) {
        if (!(error instanceof Detour)) throw error;
        await error.follow();
      }
    },
  };
}

type Descend = (parent: PflagCommand, child: PflagCommand) => Promise<void>;

function readGlobals(root: PflagCommand): GlobalOptions {
  return {
    get root() {
      const value: string = root.getOptionValue("root");
      return value === "" ? undefined : value;
    },
    get isDebug() {
      return root.getOptionValue("debug") === true;
    },
  };
}

function createNode(name: string, path: string): PflagCommand {
  const node = new PflagCommand(name).helpOption(false).helpCommand(false);
  node.exitOverride().configureOutput({ writeErr() {}, outputError() {} });
  node.commandPath = path;
  return node;
}

function addRootCommands(
  root: PflagCommand,
  leaves: Map<PflagCommand, CommandEntry>,
  descend: Descend,
  context: Context,
): void {
  makeGroup(root, descend, context);
  for (const group of Object.keys(commandTable.groups))
    root.addCommand(createNode(group, `lade ${group}`));
  for (const entry of commandTable.commands) {
    const name = entry.names.find((candidate) => !candidate.includes(" "));
    if (name === undefined) continue;
    const leaf = createNode(name, `lade ${name}`);
    leaves.set(leaf, entry);
    root.addCommand(leaf);
  }
}

function addGroupCommands(
  group: PflagCommand,
  leaves: Map<PflagCommand, CommandEntry>,
  descend: Descend,
  context: Context,
): void {
  makeGroup(group, descend, context);
  const prefix = `${group.name()} `;
  for (const entry of commandTable.commands) {
    const names = entry.names.filter((candidate) => candidate.startsWith(prefix));
    const [name, ...aliases] = names.map((candidate) => candidate.slice(prefix.length));
    if (name === undefined) continue;
    const leaf = createNode(name, `${group.commandPath} ${name}`).aliases(aliases);
    leaves.set(leaf, entry);
    group.addCommand(leaf);
  }
}

function makeGroup(group: PflagCommand, descend: Descend, context: Context): void {
  group.isInterspersed = false;
  group.hook("preSubcommand", (parent, child) =>
    descend(parent as PflagCommand, child as PflagCommand),
  );
  group.onParsed = ([name]) => {
    const known = group.commands.some(
      (command) => name !== undefined && [command.name(), ...command.aliases()].includes(name),
    );
    if (known) return;
    if (group.helpWish.isWanted) throw new Detour(() => showHelp(group, context.stdout));
    if (name !== undefined) throw unknownCommand(group, name);
    if (group.getOptionValue("version") === true) throw new Detour(() => showVersion(context));
    throw new Detour(() => showHelp(group, context.stderr));
  };
}

interface Declaration {
  readonly command: Command;
  readonly context: Context;
  readonly globals: GlobalOptions;
}

function declareCommand(node: PflagCommand, { command, context, globals }: Declaration): void {
  node.usageTail = command.usage;
  node.isInterspersed = command.isInterspersed ?? true;
  for (const [name, spec] of Object.entries(command.options)) node.declareOption(name, spec);
  declareOperands(node, command.operands);
  node.onParsed = () => {
    for (const notice of node.notices) context.stdout.write(`${notice}\n`);
    if (node.helpWish.isWanted) throw new Detour(() => showHelp(node, context.stdout));
  };
  node.exitOverride((error: CommanderError) => {
    const isAboutOperands = /Argument/i.test(error.code);
    throw isAboutOperands ? operandsError(node.commandPath, command) : error;
  });
  node.action(async () => {
    const input: CommandInput = {
      options: Object.fromEntries(
        Object.keys(command.options).map((name) => [name, node.getOptionValue(name)]),
      ),
      operands: node.args,
      globals,
      table: commandTable,
      path: node.commandPath.slice("lade ".length),
      isGiven: (name) => node.getOptionValueSource(name) === "cli",
    };
    await command.run(context, input);
  });
}

function declareOperands(node: PflagCommand, { min, max }: Command["operands"]): void {
  node.allowExcessArguments(false);
  for (let index = 0; index < min - 1; index++) node.argument(`<operand${index}>`);
  const isVariadic = max === Number.POSITIVE_INFINITY;
  const dots = isVariadic ? "..." : "";
  if (min > 0) node.argument(max > min && !isVariadic ? "<operand>" : `<operand${dots}>`);
  else if (isVariadic) node.argument("[operands...]");
  if (!isVariadic) for (let index = min; index < max; index++) node.argument(`[more${index}]`);
}

function unknownCommand(group: PflagCommand, name: string): ExitStatus {
  const path = group.commandPath;
  const usage = path === "lade" ? "" : `Usage:  ${path}\n\n`;
  return new ExitStatus(
    `lade: unknown command: ${path} ${name}\n\n${usage}Run '${path} --help' for more information`,
  );
}

async function showHelp(node: PflagCommand, output: OutputStream): Promise<void> {
  if (node.helpWish.isShort) output.write("Flag shorthand -h has been deprecated, use --help\n");
  const { renderHelp } = await import("./help.ts");
  const path = node.commandPath.split(" ").slice(1).join(" ");
  output.write(await renderHelp(commandTable, path, output.columns));
}

async function showVersion(context: Context): Promise<void> {
  const { gitCommit, version } = await import("../base/version.ts");
  context.stdout.write(`lade version ${version}, build ${gitCommit}\n`);
}
