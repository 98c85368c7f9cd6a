// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isSystemError } from "../base/errors.ts";
import type { StdinMode } from "./monitor.ts";
import type { ProcessPaths } from "./process-paths.ts";
import type { Tools } from "./tools.ts";

/** How a container was made, for who deals with it later. */
export interface ProcessRecord extends Pick<Tools, "runtime" | "runtimeName"> {
  readonly stdin: StdinMode;
  /** Missing for the log driver `none`. */
  readonly logPath?: string | undefined;
  /** `linux.cgroupsPath` */
  readonly cgroup: string;
}

export function writeProcessRecord(paths: ProcessPaths, record: ProcessRecord): void {
  fs.writeFileSync(paths.record, JSON.stringify(record), { mode: 0o600 });
}

/** Undefined where no container is made. */
export function readProcessRecord(paths: ProcessPaths): ProcessRecord | undefined {
  try {
    return JSON.parse(fs.readFileSync(paths.record, "utf8")) as ProcessRecord;
  } catch (error) {
    // Empty where its writer was killed; what it made is then found without it.
    if (isSystemError(error, "ENOENT") || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
