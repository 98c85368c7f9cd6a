// SPDX-License-Identifier: Apache-2.0

/** Writes the documents that are made from the sources: `docs/api.md`, `docs/cli.md`, `docs/errors.md`. */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { renderApiDocs } from "../src/api/docs.ts";
import { type ErrorCode, errorKinds } from "../src/base/errors.ts";
import { renderCliDocs } from "../src/cli/docs.ts";
import { errorTexts } from "./error-texts.ts";

const notice = "<!-- Made by `npm run docs`; a test fails where this is stale. -->";

function renderErrors(): string {
  const codes = Object.keys(errorKinds) as ErrorCode[];
  const rows = codes.map((code) => `| \`${code}\` | ${errorKinds[code]} | ${errorTexts[code]} |`);
  return `${notice}

# Errors

Each error of lade has a code that stays the same from version to version.
The message says where and what: what was wanted, what was found.
The kind is the same for all errors that call for the same reaction.

| code | kind | meaning |
|---|---|---|
${rows.join("\n")}
`;
}

/** The generated documents: text by path from the project's root. */
export async function renderDocuments(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ["docs/api.md", `${notice}\n\n${renderApiDocs()}`],
    ["docs/cli.md", await renderCliDocs()],
    ["docs/errors.md", renderErrors()],
  ]);
}

if (import.meta.main) {
  const root = join(import.meta.dirname, "..");
  for (const [path, text] of await renderDocuments()) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    console.log(path);
  }
}
