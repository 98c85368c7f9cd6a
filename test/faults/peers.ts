// SPDX-License-Identifier: Apache-2.0

/** lade, Docker and podman behind one face: load an image, and say later what became of it. */

import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startDockerd } from "../helpers/dockerd.ts";
import { unmountBelow } from "../helpers/mounts.ts";
import { type RunResult, requireTool, run, runOrThrow } from "../helpers/tools.ts";
import { hashOfFile } from "./store-state.ts";

/** Listed and every layer right; listed, with something missing or wrong; not listed. */
export type SavedImage = "whole" | "damaged" | "gone";

export interface WantedImage {
  readonly tag: string;
  /** Digests of the layers' tars. */
  readonly layers: readonly string[];
}

export interface PeerPlaces {
  /** The tool's store, on the disk whose power goes. */
  readonly root: string;
  /** A folder elsewhere. */
  readonly scratch: string;
}

export interface RunningPeer extends AsyncDisposable {
  /** @throws Error where the tool does not report success */
  load(archive: string): Promise<void>;
  look(image: WantedImage): Promise<SavedImage>;
}

export interface PeerSubject {
  readonly name: string;
  version(): Promise<string>;
  start(places: PeerPlaces): Promise<RunningPeer>;
}

type Command = (...args: string[]) => Promise<RunResult>;

/** What all of them do in the same words. */
function commandsOf(command: Command, scratch: string): Omit<RunningPeer, keyof AsyncDisposable> {
  return {
    async load(archive) {
      const { code, stderr } = await command("load", "-q", "-i", archive);
      if (code !== 0) throw new Error(`load: exit ${code}: ${stderr}`);
    },
    look: (image) => look(command, scratch, image),
  };
}

async function look(command: Command, scratch: string, image: WantedImage): Promise<SavedImage> {
  const { stdout } = await command("images", "-q", image.tag);
  if (stdout.trim() === "") return "gone";
  const folder = mkdtempSync(join(scratch, "saved-"));
  try {
    const saved = join(folder, "saved.tar");
    if ((await command("save", "-o", saved, image.tag)).code !== 0) return "damaged";
    const content = join(folder, "content");
    mkdirSync(content);
    await runOrThrow("tar", ["-xf", saved, "-C", content]);
    const hashes = new Set(
      readdirSync(content, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => `sha256:${hashOfFile(join(entry.parentPath, entry.name))}`),
    );
    return image.layers.every((layer) => hashes.has(layer)) ? "whole" : "damaged";
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function ladeSubject(program: string): PeerSubject {
  const lade = (env: Readonly<Record<string, string>>, args: readonly string[]) =>
    run(process.execPath, ["--disable-warning=ExperimentalWarning", program, ...args], { env });
  return {
    name: "lade",
    version: async () => `lade ${(await lade({}, ["--version"])).stdout.match(/\d[\w.]*/)?.[0]}`,
    async start({ root, scratch }) {
      const runRoot = join(scratch, "run");
      const env = { LADE_ROOT: root, LADE_RUN_ROOT: runRoot };
      return {
        ...commandsOf((...args) => lade(env, args), scratch),
        async [Symbol.asyncDispose]() {
          rmSync(runRoot, { recursive: true, force: true });
        },
      };
    },
  };
}

export function dockerSubject(): PeerSubject {
  let version = "docker";
  return {
    name: "docker",
    version: async () => version,
    async start({ root, scratch }) {
      const daemon = await startDockerd({ dataRoot: root });
      version = `docker ${daemon.version}, ${daemon.storageDriver}`;
      return {
        ...commandsOf(daemon.docker, scratch),
        [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
      };
    },
  };
}

export function podmanSubject(): PeerSubject {
  const podman = requireTool("podman", "podman");
  return {
    name: "podman",
    version: async () => {
      const { stdout } = await runOrThrow(podman, ["--version"]);
      return `podman ${stdout.trim().split(" ").at(-1)}, overlay`;
    },
    async start({ root, scratch }) {
      const runRoot = join(scratch, "podman-run");
      const where = ["--root", root, "--runroot", runRoot, "--storage-driver", "overlay"];
      return {
        ...commandsOf((...args) => run(podman, [...where, ...args]), scratch),
        async [Symbol.asyncDispose]() {
          unmountBelow(root);
          unmountBelow(runRoot);
          rmSync(runRoot, { recursive: true, force: true });
        },
      };
    },
  };
}
