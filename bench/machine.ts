// SPDX-License-Identifier: Apache-2.0
import { cpus, release, totalmem } from "node:os";
import { resolve } from "node:path";
import { run, runOrThrow } from "../test/helpers/tools.ts";
import { formatSize } from "./stats.ts";

/** What the figures depend on: processor, memory, kernel, and the disk that the folder is on. */
export async function describeMachine(folder: string): Promise<Record<string, string>> {
  const processors = cpus();
  const [system, mount] = await Promise.all([
    runOrThrow("sh", ["-c", '. /etc/os-release; echo "$PRETTY_NAME"']),
    runOrThrow("findmnt", ["-no", "FSTYPE,OPTIONS", "-T", folder]),
  ]);
  return {
    processor: `${processors[0]?.model ?? "unknown"}, ${processors.length} cores`,
    memory: formatSize(totalmem()),
    system: system.stdout.trim(),
    kernel: release(),
    "file system": mount.stdout.trim().replace(/\s+/g, ", "),
  };
}

/** The commit of this checkout, with a `+` if files differ from it. */
export async function describeCommit(): Promise<string> {
  const cwd = resolve(import.meta.dirname, "..");
  const head = await run("git", ["rev-parse", "--short", "HEAD"], { cwd });
  const status = await run("git", ["status", "--porcelain"], { cwd });
  if (head.code !== 0) return "unknown";
  return `${head.stdout.trim()}${status.stdout === "" ? "" : "+"}`;
}
