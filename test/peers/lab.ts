// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dockerd, startDockerd } from "../helpers/dockerd.ts";
import { unmountBelow } from "../helpers/mounts.ts";
import { type RunOptions, requireTool, runOrThrow } from "../helpers/tools.ts";

/** Debian's other tools for images, each in the package of its name. */
export type Peer = "podman" | "buildah" | "skopeo" | "umoci";

/** A folder, a docker daemon and a podman store, which all go when the lab is closed. */
export interface Lab extends AsyncDisposable {
  readonly folder: string;
  readonly dockerd: Dockerd;
  /** A path in the lab's folder that nothing has yet. */
  path(name: string): string;
  /** Runs docker's client, which must succeed; what it printed, without white space around it. */
  docker(...args: string[]): Promise<string>;
  dockerWith(options: RunOptions, ...args: string[]): Promise<string>;
  /** The same for another tool. podman and buildah have a store of their own in the lab. */
  peer(name: Peer, ...args: string[]): Promise<string>;
  /** The same, with the white space. */
  peerOutput(name: Peer, ...args: string[]): Promise<string>;
}

export async function openLab(): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), "lade-peers-"));
  const cleanUp = () => {
    // podman mounts its store on itself.
    unmountBelow(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  process.on("exit", cleanUp);
  const end = () => {
    process.off("exit", cleanUp);
    cleanUp();
  };
  try {
    const dockerd = await startDockerd();
    return makeLab(folder, dockerd, end);
  } catch (error) {
    end();
    throw error;
  }
}

const peerTimeoutMs = 60_000;

function makeLab(folder: string, dockerd: Dockerd, end: () => void): Lab {
  const storage = ["root", "runroot"].flatMap((name) => [`--${name}`, join(folder, name)]);
  storage.push("--storage-driver", "overlay");
  const temporary = join(folder, "tmp");
  mkdirSync(temporary);
  // No setting of the machine's may change what is tested.
  const env = { TMPDIR: temporary, CONTAINERS_CONF: "/dev/null", LC_ALL: "C" };
  const globals: Readonly<Record<Peer, readonly string[]>> = {
    podman: [...storage, "--tmpdir", join(folder, "libpod")],
    buildah: storage,
    skopeo: ["--insecure-policy", "--tmpdir", temporary],
    umoci: [],
  };
  const peerOutput = async (name: Peer, ...args: string[]): Promise<string> => {
    const options = { env, timeoutMs: peerTimeoutMs };
    return (await runOrThrow(requireTool(name, name), [...globals[name], ...args], options)).stdout;
  };
  const used = new Set<string>();
  const dockerWith = async (options: RunOptions, ...args: string[]): Promise<string> => {
    const [command = "", ...rest] = dockerd.command;
    const all = { timeoutMs: peerTimeoutMs, ...options };
    return (await runOrThrow(command, [...rest, ...args], all)).stdout.trim();
  };
  return {
    folder,
    dockerd,
    path(name) {
      let free = name;
      for (let count = 2; used.has(free); count++) free = `${count}-${name}`;
      used.add(free);
      return join(folder, free);
    },
    docker: (...args) => dockerWith({}, ...args),
    dockerWith,
    peer: async (name, ...args) => (await peerOutput(name, ...args)).trim(),
    peerOutput,
    async [Symbol.asyncDispose]() {
      try {
        await dockerd[Symbol.asyncDispose]();
      } finally {
        end();
      }
    },
  };
}
