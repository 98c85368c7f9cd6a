// SPDX-License-Identifier: Apache-2.0

/** lade as it would be with a mistake in it: a bundle of a copy of the sources. */

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../../scripts/build.ts";

const projectRoot: string = join(import.meta.dirname, "..", "..");

/** One text of one source file that another takes the place of. */
export interface Replacement {
  /** From the project's root. */
  readonly file: string;
  /** Must be there, once. */
  readonly find: string;
  readonly replace: string;
}

/** A bundle in a folder of its own. */
export interface LadeCopy extends Disposable {
  /** What Node starts. */
  readonly program: string;
}

/**
 * Bundles lade from a copy of the sources.
 *
 * @param replacements made in the copy first
 * @throws Error where a text is no longer found: then the mistake has to be told anew
 */
export async function copyLade(replacements: readonly Replacement[] = []): Promise<LadeCopy> {
  const root = mkdtempSync(join(tmpdir(), "lade-copy-"));
  const remove = () => rmSync(root, { recursive: true, force: true });
  process.once("exit", remove);
  for (const name of ["src", "bin", "package.json"]) {
    cpSync(join(projectRoot, name), join(root, name), { recursive: true });
  }
  symlinkSync(join(projectRoot, "node_modules"), join(root, "node_modules"));
  for (const one of replacements) applyReplacement(root, one);
  const outDir = join(root, "dist");
  mkdirSync(outDir);
  await bundle({ root, outDir, gitCommit: "copy" });
  return {
    program: join(outDir, "start.cjs"),
    [Symbol.dispose]() {
      process.off("exit", remove);
      remove();
    },
  };
}

function applyReplacement(root: string, { file, find, replace }: Replacement): void {
  const path = join(root, file);
  const text = readFileSync(path, "utf8");
  const parts = text.split(find);
  if (parts.length !== 2) {
    throw new Error(`${file}: has ${parts.length - 1} times, not once:\n${find}`);
  }
  writeFileSync(path, parts.join(replace));
}
