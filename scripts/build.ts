// SPDX-License-Identifier: Apache-2.0

/** Bundles lade into `dist/`: what `bin/lade` runs. */

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { lazyBuiltins } from "./builtins.ts";

const projectRoot: string = join(import.meta.dirname, "..");

export interface BundleOptions {
  /** The project's folder; it has `package.json`, `bin/main.ts` and `src`. */
  readonly root: string;
  /** The folder for the bundle; other files in it are deleted. */
  readonly outDir: string;
  /** What `lade version` shows. */
  readonly gitCommit: string;
}

/** The short id of the commit that is checked out, or `unknown` outside a git checkout. */
export function readGitCommit(root: string): string {
  try {
    const args = ["rev-parse", "--short=12", "HEAD"];
    return execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return "unknown";
  }
}

/** `bin/main.ts`, every thread's entry point and every large library, relative to the project. */
function findEntryPoints(root: string): string[] {
  const others = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => /-(?:worker|library)\.ts$/.test(name))
    .map((name) => join("src", name));
  return ["bin/main.ts", ...others.sort()];
}

/** Leaves `import("./NAME-library.ts")` to run time: libraries that few commands need. */
const ownFiles: Plugin = {
  name: "own-files",
  setup(build) {
    build.onResolve({ filter: /-library\.ts$/ }, ({ path, kind }) =>
      kind === "dynamic-import"
        ? { path: `./${basename(path, ".ts")}.js`, external: true }
        : undefined,
    );
  },
};

/**
 * One file for the program, one for each thread and each large library, side by side, so that
 * `new URL("./NAME-worker.js", import.meta.url)` is right wherever the caller was.
 *
 * A module behind `import()` is in the file too, but runs on first use only. `lade images` took
 * 38 ms with one file and V8's code cache, 49 without that cache, 43 with the cache and chunks split
 * at `import()`; Node alone takes 22. Since the file has containers in it, too, shorter names save
 * 4 ms, so they are short; `NODE_OPTIONS=--enable-source-maps` makes stack traces legible.
 */
function esbuildOptions({ root, outDir, gitCommit }: BundleOptions): BuildOptions {
  const packageJson: { version: string } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  return {
    absWorkingDir: root,
    entryPoints: findEntryPoints(root),
    outdir: outDir,
    entryNames: "[name]",
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node26",
    legalComments: "none",
    minify: true,
    // Read by Node only with --enable-source-maps.
    sourcemap: "linked",
    sourcesContent: false,
    lineLimit: 120,
    metafile: true,
    write: false,
    logLevel: "silent",
    plugins: [lazyBuiltins, ownFiles],
    define: {
      LADE_VERSION: JSON.stringify(packageJson.version),
      LADE_GIT_COMMIT: JSON.stringify(gitCommit),
    },
  };
}

/**
 * What `bin/lade` starts: the program, with V8's code cache beside it, or in the user's own folder
 * where another user built lade. Node checks each entry against its source, and does without where
 * it can't write. Root never takes code from a folder that HOME names: it may be another user's.
 */
const startSource = `const { enableCompileCache, constants } = require("node:module");
const { status } = enableCompileCache(__dirname + "/.cache");
if (status === constants.compileCacheStatus.FAILED && process.getuid() !== 0 && process.env.HOME) {
  enableCompileCache(process.env.HOME + "/.cache/lade");
}
import("./main.js");
`;

/** The licences of all packages that went into the bundle: theirs ask to be passed on with it. */
function collectLicences(root: string, metafile: Metafile): string {
  const folders = Object.keys(metafile.inputs)
    .map((input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0])
    .filter((folder) => folder !== undefined);
  return [...new Set(folders)]
    .sort()
    .map((folder) => {
      const names = readdirSync(join(root, folder)).filter((name) => /^licen[cs]e/i.test(name));
      const texts = names.sort().map((name) => readFileSync(join(root, folder, name), "utf8"));
      const { name, license } = JSON.parse(
        readFileSync(join(root, folder, "package.json"), "utf8"),
      );
      return [`${name} (${license})`, ...texts.map((text) => text.trim())].join("\n\n");
    })
    .join("\n\n---\n\n")
    .concat("\n");
}

/**
 * Bundles the project. The same sources give the same bytes.
 *
 * Each file is written beside its place and renamed, so that a command that starts meanwhile finds
 * whole files.
 *
 * @returns the names of the files in `outDir`
 */
export async function bundle(options: BundleOptions): Promise<string[]> {
  const { outputFiles = [], metafile } = await build(esbuildOptions(options));
  const files = new Map<string, Uint8Array | string>();
  for (const file of outputFiles) {
    files.set(relative(options.outDir, file.path), file.contents);
  }
  files.set("start.cjs", startSource);
  files.set("package.json", '{ "type": "module" }\n');
  if (metafile !== undefined) {
    files.set("licences.txt", collectLicences(options.root, metafile));
  }
  mkdirSync(options.outDir, { recursive: true });
  const names = [...files.keys()].sort();
  for (const name of names) {
    const path = join(options.outDir, name);
    writeFileSync(`${path}.tmp`, files.get(name) ?? "");
    renameSync(`${path}.tmp`, path);
  }
  for (const name of readdirSync(options.outDir)) {
    // Commands may be writing to V8's code cache; its entries are replaced, not gathered.
    if (files.has(name) || name === ".cache") continue;
    rmSync(join(options.outDir, name), { recursive: true });
  }
  return names;
}

if (import.meta.main) {
  const outDir = join(projectRoot, "dist");
  const gitCommit = readGitCommit(projectRoot);
  try {
    const names = await bundle({ root: projectRoot, outDir, gitCommit });
    console.log(`built ${basename(outDir)}/: ${names.length} files, commit ${gitCommit}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
