// SPDX-License-Identifier: Apache-2.0

import type { CommandTable, Completion } from "../command.ts";
import {
  type CompletedOption,
  type CompletedPath,
  completionModel,
  type Listing,
  listingLines,
  listingOf,
  listings,
  shellQuote,
} from "./model.ts";

/** The completion script of zsh. */
export async function zshScript(table: CommandTable): Promise<string> {
  const model = await completionModel(table);
  return `#compdef lade
# zsh completion for lade

${listings.map(listFunction).join("\n")}
${model.map(pathFunction).join("\n")}
if [ "$funcstack[1]" = "_lade" ]; then
  _lade "$@"
else
  compdef _lade lade
fi
`;
}

function listFunction(listing: Listing): string {
  return `__lade_${listing.name}() {
  local -a names
  names=(\${(f)"$(${listingLines(listing).join("; ")})"})
  compadd -a names
}
`;
}

function functionName(path: string): string {
  return path === "" ? "_lade" : `_lade_${path.replaceAll(" ", "_")}`;
}

function pathFunction(completed: CompletedPath): string {
  const { path, words, options, operands } = completed;
  const specs = options.map(optionSpec);
  if (words.length === 0) {
    if (operands !== undefined)
      specs.push(shellQuote(`*:${operandName(operands)}:${action(operands)}`));
    return `${functionName(path)}() {\n  _arguments -s ${specs.join(" \\\n    ")}\n}\n`;
  }
  const rows = words.map(({ word, summary }) => `    ${shellQuote(`${word}:${summary}`)}`);
  const cases = words.map(({ word }) => {
    const child = path === "" ? word : `${path} ${word}`;
    return `      ${word}) ${functionName(child)} ;;`;
  });
  return `${functionName(path)}() {
  local curcontext="$curcontext" state line
  local -a commands
  commands=(
${rows.join("\n")}
  )
  _arguments -C ${specs.join(" \\\n    ")} \\
    '1: :->command' '*:: :->argument'
  case $state in
    command) _describe -t commands command commands ;;
    argument)
      case $words[1] in
${cases.join("\n")}
      esac ;;
  esac
}
`;
}

function operandName(completion: Completion): string {
  return typeof completion === "string" ? completion : "word";
}

function action(completion: Completion | undefined): string {
  if (completion === undefined) return " ";
  if (completion === "file") return "_files";
  const listing = listingOf(completion);
  if (listing !== undefined) return `__lade_${listing.name}`;
  return `(${(completion as readonly string[]).join(" ")})`;
}

/** One option for \`_arguments\`: which others it rules out, its spellings, summary and value. */
function optionSpec(option: CompletedOption): string {
  const { long, short, takesValue, isRepeatable, completion } = option;
  const summary = option.summary.replace(/[[\]\\:]/g, (character) => `\\${character}`);
  const value = takesValue ? `:${long}:${action(completion)}` : "";
  const tail = `[${summary}]${value}`;
  const repeat = isRepeatable ? "*" : "";
  const longFlag = `--${long}${takesValue ? "=" : ""}`;
  if (short === undefined) return shellQuote(`${repeat}${longFlag}${tail}`);
  const shortFlag = `-${short}${takesValue ? "+" : ""}`;
  const rule = isRepeatable ? "'*'" : shellQuote(`(-${short} --${long})`);
  return `${rule}{${shortFlag},${longFlag}}${shellQuote(tail)}`;
}
