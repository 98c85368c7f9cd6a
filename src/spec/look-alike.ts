// SPDX-License-Identifier: Apache-2.0

/** Characters that Unicode does not fold into ASCII by itself, but that stand for it in pasted names. */
const LOOK_ALIKES: Readonly<Record<string, string>> = {
  "\u02d0": ":",
  "\u05c3": ":",
  "\u2236": ":",
  "\ua789": ":",
  "\u2044": "/",
  "\u2215": "/",
  "\u29f8": "/",
  "\u3002": ".",
  "\u2010": "-",
  "\u2011": "-",
  "\u2012": "-",
  "\u2013": "-",
  "\u2014": "-",
  "\u2212": "-",
};

/** Spaces and marks that leave no ink, or none that a reader would notice. */
const INVISIBLE = /^[\s\p{Default_Ignorable_Code_Point}]$/u;

const NAMES: Readonly<Record<string, string>> = {
  "\u00a0": "non-breaking space",
  "\u200b": "zero-width space",
  "\u200c": "zero-width non-joiner",
  "\u200d": "zero-width joiner",
  "\u3000": "full-width space",
  "\ufeff": "zero-width no-break space",
  "\u2013": "en dash",
  "\u2014": "em dash",
  "\uff0d": "full-width hyphen",
  "\uff0e": "full-width full stop",
  "\uff0f": "full-width slash",
  "\uff1a": "full-width colon",
  "\uff20": "full-width at sign",
  "\uff3f": "full-width underscore",
};

function foldCharacter(character: string): string {
  if (INVISIBLE.test(character)) return "";
  const folded = character.normalize("NFKC");
  return LOOK_ALIKES[folded] ?? folded;
}

function describe(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  const name = NAMES[character];
  return name === undefined ? `character U+${code}` : `${name} (U+${code})`;
}

export interface Repair {
  /** The text with every look-alike replaced. */
  readonly text: string;
  /** The first look-alike, such as `full-width colon (U+FF1A)`. */
  readonly found: string;
}

/**
 * Replaces characters that only look like ASCII, and drops invisible ones, as they come with names
 * that were pasted from chats, documents and web pages.
 *
 * @returns undefined where the text has none
 */
export function repairLookAlikes(text: string): Repair | undefined {
  let found: string | undefined;
  let repaired = "";
  for (const character of text) {
    const folded = character < "\u0080" ? character : foldCharacter(character);
    if (folded !== character) found ??= describe(character);
    repaired += folded;
  }
  return found === undefined ? undefined : { text: repaired, found };
}
