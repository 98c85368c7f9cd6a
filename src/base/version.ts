// SPDX-License-Identifier: Apache-2.0

import packageJson from "../../package.json" with { type: "json" };

// The bundler replaces both names by strings; they do not exist when Node runs the sources.
declare const LADE_VERSION: string | undefined;
declare const LADE_GIT_COMMIT: string | undefined;

/** The version of lade, as `package.json` has it: `0.1.0`. */
export const version: string =
  typeof LADE_VERSION === "string" ? LADE_VERSION : packageJson.version;

/** The short id of the git commit that was built, or `unknown` outside a built bundle. */
export const gitCommit: string = typeof LADE_GIT_COMMIT === "string" ? LADE_GIT_COMMIT : "unknown";
