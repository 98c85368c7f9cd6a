// SPDX-License-Identifier: Apache-2.0

/** Format, lint, types and architecture: everything that needs no run of lade. */

import { spawn } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

interface Check {
  readonly title: string;
  /** Arguments for Node. */
  readonly args: readonly string[];
}

/** As in `npm run fix`. Not Markdown: Biome pads its tables, and some of it is made by a script. */
const sources = [
  "bin",
  "src",
  "test",
  "scripts",
  "bench",
  "biome.json",
  "package.json",
  "tsconfig.json",
];

const checks: readonly Check[] = [
  {
    title: "format and lint",
    args: ["node_modules/@biomejs/biome/bin/biome", "ci", "--colors=off", ...sources],
  },
  { title: "types", args: ["node_modules/typescript/bin/tsc", "-p", ".", "--pretty", "false"] },
  { title: "architecture", args: ["scripts/test.ts", "test/architecture.test.ts"] },
];

/** Runs one check; what it prints is shown where it fails. */
async function runCheck({ title, args }: Check): Promise<boolean> {
  const started = performance.now();
  const env = { ...process.env, NO_COLOR: "1" };
  const child = spawn(process.execPath, [...process.execArgv, ...args], { cwd: root, env });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  child.on("error", reject).on("close", (code) => resolve(code === 0));
  const ok = await promise;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${ok ? "ok  " : "FAIL"} ${title} ${seconds} s${ok ? "" : `\n${output.trimEnd()}`}`);
  return ok;
}

const results = await Promise.all(checks.map(runCheck));
process.exitCode = results.every(Boolean) ? 0 : 1;
