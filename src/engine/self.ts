// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import type { Engine } from "./engine.ts";

/**
 * The words that start lade again: what the monitor of a container runs when the container ends.
 *
 * Never taken from this process's own arguments: those may be a test's, or another program's that
 * uses lade as a library.
 */
export function selfCommand(): readonly string[] {
  const isSource = import.meta.filename.endsWith(".ts");
  const entry = isSource
    ? join(import.meta.dirname, "..", "..", "bin", "main.ts")
    : join(import.meta.dirname, "start.cjs");
  return [process.execPath, "--disable-warning=ExperimentalWarning", entry];
}

/**
 * The words that have another process do something with a container of this engine, whatever the
 * environment is in which they run.
 */
function hiddenCommand(
  engine: Pick<Engine, "self" | "store" | "run">,
  name: string,
  id: string,
): readonly string[] {
  const { self, store, run } = engine;
  // Which runtime, which storage driver: as the container was started.
  const settings = Object.entries(process.env).filter(
    ([key]) => key.startsWith("LADE_") && key !== "LADE_ROOT" && key !== "LADE_RUN_ROOT",
  );
  const environment = [
    ...settings.map(([key, value]) => `${key}=${value}`),
    `LADE_RUN_ROOT=${run.root}`,
  ];
  return [
    "/usr/bin/env",
    ...environment,
    ...self,
    "--root",
    store.paths.root,
    "container",
    name,
    id,
  ];
}

/** `cleanupContainer` by another process. */
export function cleanupCommand(
  engine: Pick<Engine, "self" | "store" | "run">,
  id: string,
): readonly string[] {
  return hiddenCommand(engine, "cleanup", id);
}

/** `checkHealth` by another process. */
export function healthCommand(
  engine: Pick<Engine, "self" | "store" | "run">,
  id: string,
): readonly string[] {
  return hiddenCommand(engine, "healthcheck", id);
}
