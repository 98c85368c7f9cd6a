// SPDX-License-Identifier: Apache-2.0
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are those of a shell

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { expandWord, expandWords } from "../../src/spec/shell-word.ts";
import { refused } from "./refused.ts";

const environment = new Map([
  ["EMPTY", ""],
  ["NAME", "value"],
  ["PATH", "/usr/bin:/bin"],
  ["FILE", "archive.tar.gz"],
  ["LIST", "a  b 'c'"],
  ["STAR", "a*b*c"],
]);

function expand(word: string): string {
  return expandWord(word, { environment, escape: "\\" });
}

describe("expandWord", () => {
  it("expands as sh does", () => {
    const cases: readonly (readonly [word: string, want: string])[] = [
      ["plain", "plain"],
      ["$NAME", "value"],
      ["${NAME}", "value"],
      ["a${NAME}b$NAME.c", "avaluebvalue.c"],
      ["$NAMES", ""],
      ["$NOPE-x", "-x"],
      ["\\$NAME", "$NAME"],
      ["\\\\$NAME", "\\value"],
      ["'$NAME'", "$NAME"],
      ['"$NAME\'s"', "value's"],
      ['"\\$NAME \\" \\x"', '$NAME " \\x'],
      ["'a'\"b\"c", "abc"],
      ["$", "$"],
      ["a$ b", "a$ b"],
      ["$1x", "x"],
      ["a\\", "a"],
      ["${NAME:-x}", "value"],
      ["${EMPTY:-x}", "x"],
      ["${EMPTY-x}", ""],
      ["${NOPE-x}", "x"],
      ["${NOPE:-${NAME}}", "value"],
      ["${NOPE:-'a b'}", "a b"],
      ["${NAME:+x}", "x"],
      ["${EMPTY:+x}", ""],
      ["${EMPTY+x}", "x"],
      ["${NOPE+x}", ""],
      ["${NAME:?gone}", "value"],
      ["${EMPTY?gone}", ""],
      ["${FILE#*.}", "tar.gz"],
      ["${FILE##*.}", "gz"],
      ["${FILE%.*}", "archive.tar"],
      ["${FILE%%.*}", "archive"],
      ["${FILE#nope}", "archive.tar.gz"],
      ["${FILE#arch?ve}", ".tar.gz"],
      ["${STAR#a\\*}", "b*c"],
      ["${STAR%\\*c}", "a*b"],
      ["${NOPE#x}", ""],
      ["${PATH/bin/sbin}", "/usr/sbin:/bin"],
      ["${PATH//bin/sbin}", "/usr/sbin:/sbin"],
      ["${PATH/\\/usr/}", "/bin:/bin"],
      ["${PATH//\\//_}", "_usr_bin:_bin"],
      ["${NAME/*/x}", "x"],
      ["${NAME//*/x}", "x"],
      ["${NAME//?/x}", "xxxxx"],
      ["${FILE//./\\}}", "archive\\}tar\\}gz"],
      ["${FILE/.tar/-$NAME}", "archive-value.gz"],
      ["a<b", "a<b"],
      ["a<<  b", "a<<  b"],
      ["é${NAME}日$NAME日", "évalue日"],
    ];
    for (const [word, want] of cases) assert.equal(expand(word), want, word);
  });

  it("refuses what it does not understand", () => {
    const cases: readonly (readonly [word: string, reason: string])[] = [
      ["${", "syntax error: missing '}'"],
      ["${:x}", "syntax error: bad substitution"],
      ["${NAME", "unsupported modifier (\ufffd) in substitution"],
      ["${NAME:", "syntax error: missing '}'"],
      ["${NAME:#x}", "unsupported modifier (:#) in substitution"],
      ["${NAME:=x}", "unsupported modifier (:=) in substitution"],
      ["${NAME#x", "syntax error: missing '}'"],
      ["${NAME/x}", "syntax error: missing '/' in ${}"],
      ["${NAME/x/y", "syntax error: missing '}'"],
      ["${NAME#a\\b}", "invalid pattern (a\\b) in substitution: invalid escape '\\b'"],
      ["${EMPTY:?}", "EMPTY: is not allowed to be empty"],
      ["${EMPTY:?set it}", "EMPTY: set it"],
    ];
    for (const [word, reason] of cases) {
      const error = refused("CHANGE_INVALID", () => expand(word));
      assert.equal(error.message, `failed to process ${JSON.stringify(word)}: ${reason}`);
    }
  });

  it("knows another escape character, and raw modes", () => {
    assert.equal(expandWord("a`$b\\c", { environment, escape: "`" }), "a$b\\c");
    const raw = { environment, escape: "\\", rawQuotes: true, rawEscapes: true, skipUnset: true };
    assert.equal(
      expandWord("'a' \"b\" \\c $NOPE ${NOPE} ${NOPE:-x} $NAME", raw),
      "'a' \"b\" \\c $NOPE ${NOPE} ${NOPE:-x} value",
    );
    assert.equal(expandWord("${NOPE/a/b}", raw), "${NOPE/a/b}");
  });
});

describe("expandWords", () => {
  it("splits at spaces that are not quoted", () => {
    const cases: readonly (readonly [text: string, want: readonly string[]])[] = [
      ["", []],
      ["  ", []],
      ["a b\tc", ["a", "b", "c"]],
      ["'a b' \"c d\"", ["a b", "c d"]],
      ["a\\ b c", ["a b", "c"]],
      ["$LIST", ["a", "b", "'c'"]],
      ['"$LIST"', ["a  b 'c'"]],
      ["x${NOPE:-a b}y", ["xa", "by"]],
      ["80$EMPTY 81", ["80", "81"]],
    ];
    for (const [text, want] of cases) {
      assert.deepEqual(expandWords(text, { environment, escape: "\\" }), want, text);
    }
  });
});
