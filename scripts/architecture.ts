// SPDX-License-Identifier: Apache-2.0

/** The rules that hold lade's rooms apart, as ARCHITECTURE.md states them. */

import { dirname, join } from "node:path/posix";
import { transformSync } from "esbuild";

/** The rooms of `src`, lowest first: a file imports from its own room and from rooms before it. */
export const rooms: readonly string[] = [
  "base",
  "spec",
  "sys",
  "tar",
  "erofs",
  "content",
  "archive",
  "transfer",
  "rootfs",
  "runtime",
  "engine",
  "api",
  "cli",
];

/** Bytes in, values out: nothing here opens, connects, starts or streams anything. */
const pureRooms = new Set(["base", "spec", "tar", "erofs"]);
const impureModules = /^node:(?:fs|net|child_process|worker_threads|stream)(?:\/|$)/;

const maxLines = 400;
const spdxLine = "// SPDX-License-Identifier: Apache-2.0";

/** One broken rule: `src/tar/header.ts: imports …`. */
type Violation = string;

/** Everything that a file names in a static, dynamic or type import, or as a thread's entry. */
function findImports(text: string, code: string): string[] {
  const patterns: readonly (readonly [string, RegExp])[] = [
    [text, /^(?:import|export)\b[^;"']*?\bfrom\s*"([^"]+)"/gm],
    [text, /^import\s*"([^"]+)"/gm],
    [text, /\bimport\("([^"]+)"\)/g],
    [code, /\bimport\("([^"]+)"[,)]/g],
    [code, /\bgetBuiltinModule\("([^"]+)"\)/g],
    [code, /"(\.{1,2}\/[^"]+-worker\.ts)"/g],
  ];
  const found = patterns.flatMap(([source, pattern]) =>
    [...source.matchAll(pattern)].map((match) => match[1] ?? ""),
  );
  return [...new Set(found)];
}

/** The file without comments and types. */
function stripComments(text: string): string {
  return transformSync(text, {
    loader: "ts",
    format: "esm",
    target: "esnext",
    minifyWhitespace: true,
    legalComments: "none",
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  }).code;
}

/** The room of a path such as `src/tar/header.ts`; undefined outside `src`. */
function roomOf(path: string): string | undefined {
  const [top, room, file] = path.split("/");
  return top === "src" && file !== undefined ? room : undefined;
}

function checkRelativeImport(path: string, room: string, specifier: string): Violation[] {
  const target = join(dirname(path), specifier);
  if (path === "src/base/version.ts" && target === "package.json") return [];
  const targetRoom = roomOf(target);
  if (targetRoom === undefined) return [`${path}: imports ${target}, outside src`];
  return rooms.indexOf(targetRoom) > rooms.indexOf(room)
    ? [`${path}: imports ${target}, but ${targetRoom} comes after ${room}`]
    : [];
}

function checkImport(path: string, room: string, specifier: string): Violation[] {
  if (specifier.startsWith(".")) return checkRelativeImport(path, room, specifier);
  if (pureRooms.has(room) && impureModules.test(specifier)) {
    return [`${path}: imports ${specifier}, but ${room} is pure`];
  }
  if (specifier === "node:ffi" && room !== "sys") {
    return [`${path}: imports node:ffi, which only sys may`];
  }
  return [];
}

const forbiddenInSrc: readonly (readonly [RegExp, string])[] = [
  [/\bprocess\??\.exit(?:Code)?\b/, "exits, which only bin may"],
  [/\bimport[^;"]*[{,]exit(?:Code)?\b[^;"]*from"node:process"/, "exits, which only bin may"],
  [/\bconsole\??\./, "writes to the console, which only streams from outside may do"],
  [
    /\bcreateRequire\b|\bgetBuiltinModule\b(?!\("[^"]+"\))/,
    "loads a module by a way that this check can't see",
  ],
];

/** Rules for files of `src` alone. */
function checkSourceFile(path: string, text: string): Violation[] {
  const room = roomOf(path);
  if (room === undefined || !rooms.includes(room)) return [`${path}: is in no room`];
  const code = stripComments(text);
  return [
    ...findImports(text, code).flatMap((specifier) => checkImport(path, room, specifier)),
    ...forbiddenInSrc
      .filter(([pattern]) => pattern.test(code))
      .map(([, message]) => `${path}: ${message}`),
  ];
}

/** Rules for every file. */
function checkAnyFile(path: string, text: string): Violation[] {
  const lines = text.split("\n");
  const header = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith("//")),
  );
  const violations: Violation[] = [];
  if (lines[0] !== spdxLine) violations.push(`${path}: does not start with its SPDX line`);
  const lineCount = lines.length - 1;
  if (lineCount > maxLines && !header.some((line) => line.startsWith("// Long because "))) {
    violations.push(`${path}: has ${lineCount} lines and no "// Long because" in its header`);
  }
  return violations;
}

/**
 * Checks the whole project.
 *
 * @param files text by path from the project's root, with forward slashes
 * @returns one line for each broken rule; none where all hold
 */
export function checkArchitecture(files: ReadonlyMap<string, string>): Violation[] {
  return [...files].flatMap(([path, text]) => [
    ...checkAnyFile(path, text),
    ...(path.startsWith("src/") ? checkSourceFile(path, text) : []),
  ]);
}
