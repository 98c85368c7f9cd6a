// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { messageOf } from "../../base/errors.ts";
import { InvalidValue } from "../invalid-value.ts";

/** What the reading of options may look at outside. */
export interface FlagHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @throws InvalidValue in Go's words: `open x: no such file or directory` */
  readFile(path: string): Buffer;
  /** A path as an absolute one. */
  absolute(path: string): string;
}

/** The files and folders of this process. */
export function createFlagHost(env: FlagHost["env"]): FlagHost {
  return {
    env,
    readFile(path) {
      try {
        return readFileSync(path);
      } catch (error) {
        throw fileFault(error, path);
      }
    },
    absolute: (path) => resolve(path),
  };
}

const texts: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  ELOOP: "too many levels of symbolic links",
  ENAMETOOLONG: "file name too long",
  ENOENT: "no such file or directory",
  ENOTDIR: "not a directory",
};

/** A file that can't even be opened. */
export class OpenFault extends InvalidValue {
  override readonly name = "OpenFault";
}

/** Go's text for a file that can't be read. */
function fileFault(error: unknown, path: string): InvalidValue {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "EISDIR") return new InvalidValue(`read ${path}: is a directory`);
  return new OpenFault(`open ${path}: ${texts[code] ?? messageOf(error)}`);
}
