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
  shellQuote,
} from "./model.ts";

/** The completion script of bash. It needs no other package. */
export async function bashScript(table: CommandTable): Promise<string> {
  const model = await completionModel(table);
  const paths = model.map(({ path }) => path).filter((path) => path !== "");
  return `# bash completion for lade

__lade_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

__lade_words() {
  mapfile -t COMPREPLY < <(compgen -W "$2" -- "$1")
  if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
}

${listings.map(listFunction).join("\n")}
__lade_complete() {
  local path=$1 prev=$2 cur=$3
  case "$path $prev" in
${model.flatMap(valueCases).join("\n")}
  esac
  case "$path" in
${model.map(pathCase).join("\n")}
  esac
}

# Bash breaks words at colons and equals signs, which names and options have; so the line is split here.
__lade() {
  local line=\${COMP_LINE:0:COMP_POINT} words path="" word index
  read -ra words <<<"$line"
  if [[ $line == *[[:space:]] ]]; then words+=(""); fi
  local last=$((\${#words[@]} - 1))
  for ((index = 1; index < last; index++)); do
    word=\${words[index]}
    case "$path $word" in
      ${globalOptionsWithValue(table)
        .map((option) => `" ${option}"`)
        .join(" | ")}) ((index++)) ;;
      ${paths.map((path) => `" ${path}"`).join(" | ")}) path="$path $word" ;;
    esac
  done
  local cur=\${words[last]} prev=\${words[last - 1]}
  COMPREPLY=()
  if [[ $cur == --*=* ]]; then
    __lade_complete "$path" "\${cur%%=*}" "\${cur#*=}"
  else
    __lade_complete "$path" "$prev" "$cur"
  fi
  # What readline replaces starts behind the last character that breaks words.
  local shown=\${cur##*[$COMP_WORDBREAKS]}
  local value=$cur
  if [[ $cur == --*=* ]]; then value=\${cur#*=}; fi
  local strip=\${value%"$shown"}
  COMPREPLY=("\${COMPREPLY[@]#"$strip"}")
}

complete -F __lade lade
`;
}

function listFunction(listing: Listing): string {
  return `__lade_${listing.name}() {
  __lade_words "$1" "$(${listingLines(listing).join("; ")})"
}
`;
}

function spaced(path: string): string {
  return path === "" ? "" : ` ${path}`;
}

/** What completes the values of a path's options. */
function valueCases({ path, options }: CompletedPath): string[] {
  return options
    .filter((option) => option.takesValue)
    .map((option) => {
      const patterns = flags(option).map((flag) => `"${spaced(path)} ${flag}"`);
      return `    ${patterns.join(" | ")}) ${action(option.completion)}return ;;`;
    });
}

function flags({ long, short }: CompletedOption): string[] {
  return short === undefined ? [`--${long}`] : [`--${long}`, `-${short}`];
}

function action(completion: Completion | undefined): string {
  if (completion === undefined) return "";
  if (completion === "file") return '__lade_files "$cur"; ';
  const listing = listingOf(completion);
  if (listing !== undefined) return `__lade_${listing.name} "$cur"; `;
  return `__lade_words "$cur" ${shellQuote((completion as readonly string[]).join(" "))}; `;
}

function pathCase({ path, words, options, operands }: CompletedPath): string {
  const optionWords = options.flatMap(flags).join(" ");
  const other =
    words.length > 0
      ? `__lade_words "$cur" ${shellQuote(words.map(({ word }) => word).join(" "))}; `
      : action(operands);
  return `    ${shellQuote(spaced(path))})
      if [[ $cur == -* ]]; then __lade_words "$cur" ${shellQuote(optionWords)}
      else ${other}:; fi ;;`;
}
