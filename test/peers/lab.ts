// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dockerd, startDockerd } from "../helpers/dockerd.ts";
import { unmountBelow } from "../helpers/mounts.ts";
import { type RunOptions, requireTool, runOrThrow } from "../helpers/tools.ts";

/** Debian's other tools for images, each in the package of its name. */
export type Peer = "podman" | "buildah" | "skopeo" | "umoci";

/** Runs the other tools; podman and buildah share a store in the lab's folder. */
export interface Peers {
  /** What a tool, which must succeed, printed, without white space around it. */
  peer(name: Peer, ...args: string[]): Promise<string>;
  /** The same, with the white space. */
  peerOutput(name: Peer, ...args: string[]): Promise<string>;
  /** The words before a command of a tool, for a line of a shell. */
  peerCommand(name: Peer): readonly string[];
}

/** A folder, a docker daemon and a podman store, which all go when the lab is closed. */
export interface Lab extends Peers, AsyncDisposable {
  readonly folder: string;
  readonly dockerd: Dockerd;
  /** A path in the lab's folder that nothing has yet. */
  path(name: string): string;
  /** Runs docker's client, which must succeed; what it printed, without white space around it. */
  docker(...args: string[]): Promise<string>;
  dockerWith(options: RunOptions, ...args: string[]): Promise<string>;
  /** The other tools on an empty store. */
  emptyPeers(): Peers;
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

const timeoutMs = 60_000;

function makeLab(folder: string, dockerd: Dockerd, end: () => void): Lab {
  const used = new Set<string>();
  const path = (name: string): string => {
    let free = name;
    for (let count = 2; used.has(free); count++) free = `${count}-${name}`;
    used.add(free);
    return join(folder, free);
  };
  const temporary = path("tmp");
  mkdirSync(temporary);
  const dockerWith = async (options: RunOptions, ...args: string[]): Promise<string> => {
    const [command = "", ...rest] = dockerd.command;
    const all = { timeoutMs, ...options };
    return (await runOrThrow(command, [...rest, ...args], all)).stdout.trim();
  };
  const emptyPeers = () => makePeers(path("storage"), temporary);
  return {
    folder,
    dockerd,
    path,
    docker: (...args) => dockerWith({}, ...args),
    dockerWith,
    ...emptyPeers(),
    emptyPeers,
    async [Symbol.asyncDispose]() {
      try {
        await dockerd[Symbol.asyncDispose]();
      } finally {
        end();
      }
    },
  };
}

function makePeers(storage: string, temporary: string): Peers {
  const store = ["--root", join(storage, "root"), "--runroot", join(storage, "run")];
  store.push("--storage-driver", "overlay");
  const globals: Readonly<Record<Peer, readonly string[]>> = {
    podman: [...store, "--tmpdir", join(storage, "libpod")],
    buildah: store,
    skopeo: ["--insecure-policy", "--tmpdir", temporary],
    umoci: [],
  };
  // Instead of the machine's settings; podman's locks would be in /dev/shm else, and stay there.
  const settings = join(temporary, "containers.conf");
  writeFileSync(settings, '[engine]\nlock_type = "file"\n');
  const env = { TMPDIR: temporary, CONTAINERS_CONF: settings, LC_ALL: "C" };
  const peerCommand = (name: Peer) => [requireTool(name, name), ...globals[name]];
  const peerOutput = async (name: Peer, ...args: string[]): Promise<string> => {
    const [command = "", ...rest] = peerCommand(name);
    return (await runOrThrow(command, [...rest, ...args], { env, timeoutMs })).stdout;
  };
  return {
    peer: async (name, ...args) => (await peerOutput(name, ...args)).trim(),
    peerOutput,
    peerCommand,
  };
}
