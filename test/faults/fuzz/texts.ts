// SPDX-License-Identifier: Apache-2.0

/** What people type: templates, names, and the other small languages. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { executeTemplate, parseTemplate } from "../../../src/cli/template/template.ts";
import { applyChanges } from "../../../src/spec/change.ts";
import { parseDigest } from "../../../src/spec/digest.ts";
import { parseDockerfile } from "../../../src/spec/dockerfile.ts";
import { parseGoDuration } from "../../../src/spec/go-duration.ts";
import type { ImageConfigSection } from "../../../src/spec/image-config.ts";
import { matchPath } from "../../../src/spec/path-match.ts";
import { parsePlatform } from "../../../src/spec/platform.ts";
import {
  canonicalString,
  familiarString,
  matchesReferencePattern,
  parseReference,
} from "../../../src/spec/reference.ts";
import { parseSignal } from "../../../src/spec/signal.ts";
import { type FuzzTarget, outcome } from "./target.ts";

const data = {
  Id: "sha256:abc",
  Names: ["a", "b"],
  Size: 12n,
  State: { Running: true, Pid: 3n, Error: null },
  Labels: { a: "1", "": "2", __proto__x: "3" },
  Mounts: [{ Source: "/a" }, { Source: "/b" }],
  Time: "2024-01-02T03:04:05Z",
};

const templatePiece = fc.oneof(
  fc.constantFrom(
    ...[
      "{{",
      "}}",
      "{{-",
      "-}}",
      ".",
      ".Id",
      ".Labels",
      ".Names",
      ".Size",
      ".State.Pid",
      "$",
      "$x",
    ],
    ...["range", "end", "if", "else", "else if", "with", "define", "template", "block", "break"],
    ...["continue", "index", "slice", "len", "print", "printf", "println", "json", "join", "split"],
    ...["upper", "title", "pad", "truncate", "eq", "ne", "lt", "and", "or", "not", "html", "js"],
    ...["urlquery", "call", "lower", "table", "|", ":=", "=", ",", "(", ")", '"%v"', '"%999999d"'],
    ...['"%*d"', '"%[2]q"', "`raw`", "'x'", "'\\u", "0x1p-2", "1e999", "-1", "9223372036854775808"],
    ...["1i", "nil", "true", "/*", "*/", "\n", "\\", '"', "\0", "\ud800", "(len .Names)", "$.Id"],
    ...['(index .Labels "a")', '{{template "a" .}}', '{{define "a"}}{{template "a" .}}{{end}}'],
    ...["{{range .Mounts}}{{.Source}}{{end}}", "{{range 1000000000}}x{{end}}", "{{json .}}"],
    ...["{{printf", "{{.Id}}", "{{end}}", "{{else}}", "{{with .State}}", "{{if .Id}}"],
  ),
  fc.string({ maxLength: 6 }),
  fc.integer().map(String),
);

const templateText = fc
  .tuple(fc.array(templatePiece, { maxLength: 25 }), fc.constantFrom("", " ", " "), fc.boolean())
  .map(([parts, between, wraps]) => {
    const text = parts.join(between);
    return wraps ? `{{${text}}}` : text;
  });

export const templatesTarget: FuzzTarget = {
  name: "templates",
  open: async () => ({
    property: fc.property(
      templateText,
      fc.constantFrom<"data" | "header">("data", "header"),
      fc.constantFrom<"default" | "error">("default", "error"),
      (text, functions, missingKey) => {
        const template = outcome(() => parseTemplate(text));
        if (typeof template === "string") return;
        outcome(() => executeTemplate(template, data, { functions, missingKey }));
      },
    ),
  }),
};

const namePiece = fc.oneof(
  fc.constantFrom(
    ...["docker.io", "library", "localhost", "a", "app", "A", ":", "/", "@", ".", "-", "_", "__"],
    ...[
      "sha256:",
      "0123456789abcdef".repeat(4),
      "latest",
      "1.0",
      ":5000",
      "[::1]",
      "//",
      "..",
      "*",
    ],
    ...["?", "[a-", "[!a]", "\\", "**", "\0", "\n", "\u202e", "linux/amd64", "arm64/v8", "(1.2)"],
    ...["1h2m", "9999999999999999999s", "SIGKILL", "RTMIN+3", "FROM", "ENV a=b", "CMD [", "\\\n"],
    ...[
      "<<EOF\n",
      "EOF\n",
      "ONBUILD",
      "HEALTHCHECK --interval=1s CMD x",
      "LABEL a=$b ",
      "$".concat("{a:-b}"),
    ],
    ...["x".repeat(300), "LABEL ", "VOLUME [1]", "EXPOSE 80-70/udp", "USER ", "WORKDIR ../..", "'"],
  ),
  fc.string({ maxLength: 5 }),
);
const nameText = fc.array(namePiece, { maxLength: 10 }).map((parts) => parts.join(""));

const referenceOf = parseReference("docker.io/library/app:1.0");

export const referencesTarget: FuzzTarget = {
  name: "names, patterns, changes",
  open: async () => ({
    property: fc.property(nameText, (text) => {
      const reference = outcome(() => parseReference(text));
      if (typeof reference !== "string") {
        assert.deepEqual(parseReference(canonicalString(reference)), reference);
        assert.deepEqual(parseReference(familiarString(reference)), reference);
      }
      outcome(() => matchesReferencePattern(text, referenceOf));
      outcome(() => parsePlatform(text));
      outcome(() => parseDigest(text, "digest"));
      outcome(() => parseGoDuration(text));
      outcome(() => parseSignal(text));
      outcome(() => matchPath(text, "docker.io/library/app"));
      outcome(() => parseDockerfile(text));
      outcome(() => applyChanges({} as ImageConfigSection, [text]));
    }),
  }),
};
