// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { goStruct, goTyped } from "../../../src/cli/template/values.ts";
import { type Rows, render } from "./rendering.ts";

const data = {
  list: [1, "x", null, 2.5],
  map: { b: "2", a: 1 },
  none: null,
  byte: goTyped("uint8", 98),
  point: goStruct("main.Point", { X: 1, Label: "a" }),
  pointer: goStruct("*main.Point", { X: 1, Label: "a" }),
  noPointer: goTyped("*main.Point", null),
  noList: goTyped("[]string", null),
  noMap: goTyped("map[string]string", null),
};

const formats: Rows = [
  // Whole numbers.
  ['{{printf "%d|%5d|%-5d|%05d|%+d|% d" 42 42 42 42 42 42}}', "42|   42|42   |00042|+42| 42"],
  [
    '{{printf "%x|%X|%#x|%#X|%o|%#o|%O|%b|%#b" 42 42 42 42 42 42 42 42 42}}',
    "2a|2A|0x2a|0X2A|52|052|0o52|101010|0b101010",
  ],
  ['{{printf "%c|%q|%U|%#U|%c" 233 10 9731 9731 1114112}}', "é|'\\n'|U+2603|U+2603 '☃'|\ufffd"],
  [
    '{{printf "%.3d|%.0d|%5.0d|%08.3d|%-05d|%+06d" 5 0 0 5 5 5}}',
    "005||     |     005|5    |+00005",
  ],
  ['{{printf "%x %U" -255 -1}}', "-ff U+FFFFFFFFFFFFFFFF"],
  // Text.
  ['{{printf "%s|%5s|%-5s|%.2s|%05s" "abc" "abc" "abc" "abé" "ab"}}', "abc|  abc|abc  |ab|000ab"],
  ['{{printf "%q|%+q|%#q|%#q" "é\\n" "é\\n" "a" "`"}}', '"é\\n"|"\\u00e9\\n"|`a`|"`"'],
  ['{{printf "%x|%X|% x|%#x|%# X" "hi" "hi" "hi" "hi" "hi"}}', "6869|6869|68 69|0x6869|0X68 0X69"],
  ['{{printf "%6s|%-6s|" "été" "日本"}}', "   été|日本    |"],
  // Floating-point numbers.
  [
    '{{printf "%f|%.2f|%8.3f|%-8.2f|%08.2f|%+.1f" 1.5 1.555 1.5 1.5 -1.5 1.5}}',
    "1.500000|1.55|   1.500|1.50    |-0001.50|+1.5",
  ],
  ['{{printf "%.0f %.0f %.1f %.2f" 0.5 2.5 0.25 2.675}}', "0 2 0.2 2.67"],
  [
    '{{printf "%e|%.2E|%g|%G|%v" 12345.678 12345.678 1e21 1e-7 0.1}}',
    "1.234568e+04|1.23E+04|1e+21|1E-07|0.1",
  ],
  [
    '{{printf "%v %v %v %v" 100000.0 1000000.0 123456789.0 0.00001}}',
    "100000 1e+06 1.23456789e+08 1e-05",
  ],
  [
    '{{printf "%.3g %.10g %#g %#.3g" 1234.5678 1234.5678 1.0 1.0}}',
    "1.23e+03 1234.5678 1.00000 1.00",
  ],
  ['{{printf "%x %.2x %b" 1.5 1.999 1.5}}', "0x1.8p+00 0x1.00p+01 6755399441055744p-52"],
  ['{{printf "%.25f" 0.1}}', "0.1000000000000000055511151"],
  // Other values.
  ['{{printf "%t %v %6t" true false true}}', "true false   true"],
  ['{{printf "%v %+v %s" .list .map .map}}', "[1 x <nil> 2.5] map[a:1 b:2] map[a:%!s(int=1) b:2]"],
  ['{{printf "%#v" .list}}', '[]interface {}{1, "x", interface {}(nil), 2.5}'],
  [
    '{{printf "%#v %#v %#v" .map .noMap .noList}}',
    'map[string]interface {}{"a":1, "b":"2"} map[string]string(nil) []string(nil)',
  ],
  [
    '{{printf "%v %+v %#v" .point .point .point}}',
    '{1 a} {X:1 Label:a} main.Point{X:1, Label:"a"}',
  ],
  [
    '{{printf "%v %#v %v %#v" .pointer .pointer .noPointer .noPointer}}',
    '&{1 a} &main.Point{X:1, Label:"a"} <nil> (*main.Point)(nil)',
  ],
  ['{{printf "%#v %#v %v" .byte "a" .byte}}', '0x62 "a" 98'],
  [
    '{{printf "%T %T %T %T %T %T" 1 "a" 1.5 true nil .list}}',
    "int string float64 bool <nil> []interface {}",
  ],
  [
    '{{printf "%T %T %T %T" .map .byte .pointer .noList}}',
    "map[string]interface {} uint8 *main.Point []string",
  ],
  // Widths and indexes.
  ['{{printf "%*d|%-*d|%.*f|%*d|" 5 42 5 42 2 1.234 -5 1}}', "   42|42   |1.23|1    |"],
  ['{{printf "%[2]d %[1]d|%[2]*[1]d" 1 5}}', "5 1|    1"],
  ['{{printf "%d%%|%5%|" 5}}', "5%|%|"],
  // Mistakes.
  ['{{printf "%d %s %t %z" "x" 1 1 1}}', "%!d(string=x) %!s(int=1) %!t(int=1) %!z(int=1)"],
  ['{{printf "%d %s %v %5v" nil nil nil nil}}', "%!d(<nil>) %!s(<nil>) <nil> <nil>"],
  ['{{printf "%d %d" 1}}', "1 %!d(MISSING)"],
  ['{{printf "x" 1 "y" nil}}', "x%!(EXTRA int=1, string=y, <nil>)"],
  ['{{printf "%"}} {{printf "%5"}} {{printf "%!" 1}}', "%!(NOVERB) %!(NOVERB) %!!(int=1)"],
  ['{{printf "%[1" 1}} {{printf "%99999999d" 1}}', "%!(NOVERB) %!(NOVERB)%!(EXTRA int=1)"],
  ['{{printf "%d %v" .noPointer (print "a")}} {{printf "%x" .noPointer}}', "0 a 0"],
  ['{{printf "%[3]d %[x]d %[1]2d" 1}}', "%!d(BADINDEX) %!d(BADINDEX) %!d(BADINDEX)"],
  ['{{printf "%*d" "x" 1}} {{printf "%.*f" -1 1.5}}', "%!(BADWIDTH)1 %!(BADPREC)1.500000"],
  [
    '{{printf "%5d" "x"}} {{printf "%d" .list}}',
    "%!d(string=    x) [1 %!d(string=x) <nil> %!d(float64=2.5)]",
  ],
  ['{{printf "%s" .noPointer}}', "%!s(*main.Point=<nil>)"],
];

describe("printf", () => {
  for (const [template, wanted] of formats) {
    test(template, () => {
      assert.equal(render(template, data), wanted);
    });
  }
});
