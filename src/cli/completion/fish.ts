// SPDX-License-Identifier: Apache-2.0

import type { CommandTable, Completion } from "../command.ts";
import {
  type CompletedOption,
  type CompletedPath,
  completionModel,
  globalOptionsWithValue,
  type Listing,
  listingLines,
  listingOf,
  listings,
} from "./model.ts";

/** The completion script of fish. */
export async function fishScript(table: CommandTable): Promise<string> {
  const model = await completionModel(table);
  const paths = model.map(({ path }) => path).filter((path) => path !== "");
  return `# fish completion for lade

${listings.map(listFunction).join("\n")}
# The command that the line names so far: "image ls".
function __lade_path
  set -l path ""
  set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip = 1
      set skip 0
      continue
    end
    switch "$path $word"
      case ${globalOptionsWithValue(table)
        .map((option) => quote(` ${option}`))
        .join(" ")}
        set skip 1
      case ${paths.map((path) => quote(` ${path}`)).join(" ")}
        set path "$path $word"
    end
  end
  echo $path
end

function __lade_at
  test (__lade_path) = "$argv[1]"
end

complete -c lade -f
${model.flatMap(pathLines).join("\n")}
`;
}

function listFunction(listing: Listing): string {
  return `function __lade_${listing.name}
  ${listingLines(listing).join("\n  ")}
end
`;
}

function pathLines({ path, words, options, operands }: CompletedPath): string[] {
  const at = `complete -c lade -n ${quote(`__lade_at ${quote(path === "" ? "" : ` ${path}`)}`)}`;
  const lines = words.map(({ word, summary }) => `${at} -a ${word} -d ${quote(summary)}`);
  for (const option of options) lines.push(`${at} ${optionArguments(option)}`);
  const argument = action(operands);
  if (argument !== "") lines.push(`${at} ${argument}`);
  return lines;
}

function optionArguments(option: CompletedOption): string {
  const { long, short, summary, takesValue, completion } = option;
  const parts = [`-l ${long}`, `-d ${quote(summary)}`];
  if (short !== undefined) parts.unshift(`-s ${short}`);
  if (takesValue) parts.push(completion === "file" ? "-r -F" : `-x ${action(completion)}`.trim());
  return parts.join(" ");
}

function action(completion: Completion | undefined): string {
  if (completion === undefined) return "";
  if (completion === "file") return "-F";
  const listing = listingOf(completion);
  if (listing !== undefined) return `-a ${quote(`(__lade_${listing.name})`)}`;
  return `-a ${quote((completion as readonly string[]).join(" "))}`;
}

/** A word in fish's single quotes, which know two escapes. */
function quote(text: string): string {
  return `'${text.replace(/['\\]/g, (character) => `\\${character}`)}'`;
}
