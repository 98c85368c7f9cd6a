// SPDX-License-Identifier: Apache-2.0

import type { Command, OptionSpec } from "./command.ts";
import { commandTable } from "./commands.ts";
import { defaultText, shownOptions, usageLine, valueName } from "./usage.ts";

/** The manual of the command line as Markdown, from the table of commands; `docs/cli.md` is this. */
export async function renderCliDocs(): Promise<string> {
  const commands = await Promise.all(
    commandTable.commands
      .filter((entry) => entry.isHidden !== true)
      .map(async ({ names, load }) => ({ names, command: (await load()).command })),
  );
  commands.sort((left, right) => ((left.names[0] ?? "") < (right.names[0] ?? "") ? -1 : 1));
  const index = commands.map(({ names: [name = ""], command }) => {
    return `| [\`lade ${name}\`](#lade-${name.replaceAll(" ", "-")}) | ${command.summary} |`;
  });
  const parts = [
    "<!-- Made by `npm run docs` from src/cli/commands; change it there. -->",
    "# The command line",
    "Options stand before or after arguments, as `-o FILE`, `-oFILE`, `--output FILE` or " +
      "`--output=FILE`; options without a value also as `--quiet=false`. `--` ends the options.",
    `| command | |\n|---|---|\n${index.join("\n")}`,
    "## Options before the command",
    optionTable(shownOptions(commandTable.globals)),
    "## Exit codes",
    exitCodeTable,
    ...commands.flatMap(({ names, command }) => commandParts(names, command)),
  ];
  return `${parts.join("\n\n")}\n`;
}

const exitCodeTable = [
  "| code | when |",
  "|---|---|",
  "| 0 | all went well |",
  "| 1 | anything that is not below |",
  "| 64 | a template of `--format` can't be parsed |",
  "| 125 | an option is unknown or has a bad value; `run` can't make or start the container |",
  "| 126 | the command of `run` or `exec` can't be executed |",
  "| 127 | the command of `run` or `exec` is not there |",
  "| the container's | `run`, `start -a`, `attach` and `exec` end with the code of what they ran |",
  "| 128 + n | ended by signal n: 130 after Ctrl-C, 141 when the reader of the output went away |",
].join("\n");

function commandParts(names: readonly string[], command: Command): string[] {
  const [name = "", ...aliases] = names;
  const parts = [
    `## lade ${name}`,
    `\`\`\`text\n${usageLine(`lade ${name}`, command.usage)}\n\`\`\``,
    asMarkdown(command.description ?? command.summary),
  ];
  if (aliases.length > 0) {
    parts.push(`Also: ${aliases.map((alias) => `\`lade ${alias}\``).join(", ")}`);
  }
  const options = shownOptions(command.options);
  if (options.length > 0) parts.push(optionTable(options));
  return parts;
}

/** Indented lines of a help text are commands to type. */
function asMarkdown(text: string): string {
  return text.replace(/^ {2}(.+)$/gm, "    $1");
}

function optionTable(options: readonly (readonly [string, OptionSpec])[]): string {
  const rows = options.map(([name, spec]) => {
    const short = spec.short === undefined ? "" : `\`-${spec.short}\`, `;
    const value = valueName(spec) === "" ? "" : ` ${valueName(spec)}`;
    const summary = `${spec.summary}${defaultText(spec)}`
      .replaceAll("|", "\\|")
      .replaceAll("\n", "<br>");
    return `| ${short}\`--${name}${value}\` | ${summary} |`;
  });
  return `| option | |\n|---|---|\n${rows.join("\n")}`;
}
