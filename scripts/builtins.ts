// SPDX-License-Identifier: Apache-2.0

import { isBuiltin } from "node:module";
import type { Plugin } from "esbuild";

/** The name with its scheme: `fs` and `node:fs` are one module. */
function canonicalName(name: string): string {
  return name.startsWith("node:") ? name : `node:${name}`;
}

/**
 * The text of a CommonJS module that stands for a module of Node's.
 *
 * A static `import "node:fs"` in an ECMAScript module makes Node read every property of the module
 * for its bindings, which loads what lazy properties stand for, and loads the module at start even
 * where a command never uses it: `node:crypto` alone takes 5 ms of the 20 that Node needs to boot.
 * So the bundle has no such import. Each property is a getter that loads the module on first use.
 *
 * The getters are a prototype's: esbuild copies a module's own properties anew for each file that
 * imports it, which took 5 ms of a command that needs 100 files, and lets the copy inherit the rest.
 */
function builtinSource(id: string): string {
  const load = `process.getBuiltinModule(${JSON.stringify(id)})`;
  const exports: unknown = process.getBuiltinModule(id);
  // What is more than an object with properties, or an emitter of events, can't be stood in for.
  if (id === "node:process" || typeof exports !== "object" || exports === null) {
    return `module.exports = ${load};\n`;
  }
  const getters = Object.keys(exports)
    .filter((name) => name !== "default")
    .map(
      (name) => `  get ${JSON.stringify(name)}() { return load()[${JSON.stringify(name)}]; },\n`,
    );
  return `let loaded;\nconst load = () => (loaded ??= ${load});\nmodule.exports = Object.create({\n${getters.join("")}});\n`;
}

/** Makes Node's own modules load on first use in a bundle, instead of at start. */
export const lazyBuiltins: Plugin = {
  name: "lazy-builtins",
  setup(build) {
    build.onResolve({ filter: /^[a-z]/ }, ({ path }) =>
      isBuiltin(path) ? { path: canonicalName(path), namespace: "builtin" } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: builtinSource(path),
      loader: "js",
    }));
  },
};
