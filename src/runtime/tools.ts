// SPDX-License-Identifier: Apache-2.0

import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { LadeError } from "../base/errors.ts";
import { cgroupMode } from "./cgroup.ts";

/** The programs that run containers. */
export interface Tools {
  /** Path of the OCI runtime. */
  readonly runtime: string;
  readonly runtimeName: "runc" | "crun";
  /** Path of the monitor. */
  readonly conmon: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

// Folders that a user's PATH often lacks, and where Podman's packages put their helpers.
const moreFolders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const helperFolders = ["/usr/libexec/podman", "/usr/lib/podman", "/usr/local/libexec/podman"];

/** The path of a program on PATH, in the system's folders or beside Podman's helpers. */
export function findProgram(name: string, env: Environment = process.env): string | undefined {
  const folders = [...(env.PATH ?? "").split(delimiter), ...moreFolders, ...helperFolders];
  return folders
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    fs.accessSync(path, fs.constants.X_OK);
    return fs.statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Finds the OCI runtime and the monitor.
 *
 * @param wanted a container's own runtime (`--runtime`); else `LADE_RUNTIME`, else the one that
 *   works with this machine's cgroups
 * @throws LadeError RUNTIME_MISSING, CONTAINER_INVALID for a runtime that lade does not know
 */
export function findTools(env: Environment = process.env, wanted?: string): Tools {
  const runtime = wanted ? namedRuntime(wanted, env) : defaultRuntime(env);
  const conmon = env.LADE_CONMON || findProgram("conmon", env);
  if (conmon === undefined || !isExecutable(conmon)) throw missing("conmon", "conmon");
  return { ...runtime, conmon };
}

type Runtime = Pick<Tools, "runtime" | "runtimeName">;

function defaultRuntime(env: Environment): Runtime {
  if (env.LADE_RUNTIME) return namedRuntime(env.LADE_RUNTIME, env);
  const runc = findProgram("runc", env);
  if (runc !== undefined) return { runtime: runc, runtimeName: "runc" };
  const crun = findProgram("crun", env);
  if (crun === undefined) throw missing("runc", "runc");
  if (cgroupMode() === "hybrid") {
    // crun: "cgroups in hybrid mode not supported".
    throw missing(
      "runc",
      "runc",
      "crun is installed, but it refuses this machine's hybrid cgroups",
    );
  }
  return { runtime: crun, runtimeName: "crun" };
}

// Docker's names for its own default.
const runcNames = new Set(["runc", "io.containerd.runc.v2"]);

/** @throws LadeError RUNTIME_MISSING, CONTAINER_INVALID */
export function namedRuntime(name: string, env: Environment = process.env): Runtime {
  const known = runcNames.has(name) ? "runc" : name === "crun" ? "crun" : undefined;
  if (known !== undefined) {
    const path = findProgram(known, env);
    if (path === undefined) throw missing(known, known);
    return { runtime: path, runtimeName: known };
  }
  if (!isAbsolute(name)) {
    throw new LadeError("CONTAINER_INVALID", `unknown or invalid runtime name: ${name}`, {
      hint: "Choose runc or crun, or give the path of one.",
    });
  }
  if (!isExecutable(name)) {
    throw new LadeError("RUNTIME_MISSING", `OCI runtime ${name}: not found, or not executable`, {
      hint: "Check LADE_RUNTIME and --runtime.",
    });
  }
  return { runtime: name, runtimeName: /crun[^/]*$/.test(name) ? "crun" : "runc" };
}

function missing(program: string, debianPackage: string, reason?: string): LadeError {
  const why = reason === undefined ? "" : ` (${reason})`;
  return new LadeError("RUNTIME_MISSING", `${program}: not found${why}`, {
    hint: `Install it: apt-get install ${debianPackage}.`,
  });
}

// Only programs that are linked statically: they run inside any image.
const inits = ["docker-init", "catatonit", "tini-static"];

/**
 * The init process of `--init`: LADE_INIT, or what Docker, Podman or tini's package brings.
 *
 * @throws LadeError RUNTIME_MISSING
 */
export function findInit(env: Environment = process.env): string {
  const candidates = env.LADE_INIT ? [env.LADE_INIT] : inits.map((name) => findProgram(name, env));
  const found = candidates.find((path) => path !== undefined && isExecutable(path));
  if (found === undefined) throw missing("docker-init", "tini");
  return found;
}

/** The first line of `PROGRAM --version`; undefined where it can't be run. */
export function programVersion(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(path, ["--version"], { timeout: 5000 }, (error, stdout) => {
      resolve(error === null ? stdout.split("\n", 1)[0] : undefined);
    });
  });
}
