// SPDX-License-Identifier: Apache-2.0

/** lade, Docker and podman behind one face: load an image, and say later what became of it. */

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { hexPart } from "../fixtures/digests.ts";
import { startDockerd } from "../helpers/dockerd.ts";
import { unmountBelow } from "../helpers/mounts.ts";
import { type RunOptions, type RunResult, requireTool, run, runOrThrow } from "../helpers/tools.ts";
import { hashOfFile } from "./store-state.ts";

/** Listed and every layer right; listed, with something missing or wrong; not listed. */
export type SavedImage = "whole" | "damaged" | "gone";

/** What `save` gives: every layer, something else with exit code 0, or an error. */
export type SaveOutcome = "right" | "wrong" | "told";

export interface WantedImage {
  readonly tag: string;
  /** Digests of the layers' tars. */
  readonly layers: readonly string[];
}

export interface PeerPlaces {
  /** The tool's store; for power cuts on the disk whose power goes. */
  readonly root: string;
  /** A folder elsewhere. */
  readonly scratch: string;
  /** Words before the process that does the work, such as those that put it into a control group. */
  readonly enter?: readonly string[];
}

export interface RunningPeer extends AsyncDisposable {
  /** @throws Error where it runs into `timeoutMs` */
  command(args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** @throws Error where the tool does not report success */
  load(archive: string): Promise<void>;
  look(image: WantedImage): Promise<SavedImage>;
  save(image: WantedImage): Promise<SaveOutcome>;
  /** The image IDs that are listed. */
  ids(): Promise<string[]>;
  /**
   * Loads, and kills with SIGKILL the process that does the work. A daemon is started again.
   *
   * @returns whether success was reported before
   * @throws Error where the daemon does not come back
   */
  loadKilled(archive: string, afterMs: number): Promise<boolean>;
  /**
   * As after a boot of the machine: a daemon starts anew, and nothing is known of what was checked.
   *
   * @throws Error where the daemon does not come back
   */
  reboot(): Promise<void>;
  /** False where a daemon is no longer there. */
  isRunning(): boolean;
}

export interface PeerSubject {
  readonly name: string;
  version(): Promise<string>;
  start(places: PeerPlaces): Promise<RunningPeer>;
  /** The files of a store in which an image's layers are, where no other image is in it. */
  dataFiles(root: string, image: WantedImage): string[];
}

type Command = RunningPeer["command"];

/** What all of them do in the same words. */
function commandsOf(
  command: Command,
  scratch: string,
): Pick<RunningPeer, "command" | "load" | "look" | "save" | "ids"> {
  const save = (image: WantedImage) => saveOf(command, scratch, image);
  return {
    command,
    async load(archive) {
      const { code, stderr } = await command(["load", "-q", "-i", archive]);
      if (code !== 0) throw new Error(`load: exit ${code}: ${stderr}`);
    },
    async look(image) {
      const { stdout } = await command(["images", "-q", image.tag]);
      if (stdout.trim() === "") return "gone";
      return (await save(image)) === "right" ? "whole" : "damaged";
    },
    save,
    async ids() {
      const { stdout } = await command(["images", "-aq", "--no-trunc"]);
      return [...new Set(stdout.split("\n").filter((line) => line !== ""))];
    },
  };
}

async function saveOf(command: Command, scratch: string, image: WantedImage): Promise<SaveOutcome> {
  const folder = mkdtempSync(join(scratch, "saved-"));
  try {
    const saved = join(folder, "saved.tar");
    if ((await command(["save", "-o", saved, image.tag])).code !== 0) return "told";
    const content = join(folder, "content");
    mkdirSync(content);
    await runOrThrow("tar", ["-xf", saved, "-C", content]);
    const hashes = new Set(filesBelow(content).map((path) => `sha256:${hashOfFile(path)}`));
    return image.layers.every((layer) => hashes.has(layer)) ? "right" : "wrong";
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The files of layers that were unpacked into `ID/diff`. */
function unpackedFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "l")
    .flatMap((entry) => filesBelow(join(folder, entry.name, "diff")));
}

interface Words {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A tool without a daemon: each command does its own work. */
function commandsWithoutDaemon({ words, env }: Words, scratch: string) {
  const [program = "", ...before] = words;
  return {
    ...commandsOf(
      (args, options) => run(program, [...before, ...args], { env, ...options }),
      scratch,
    ),
    loadKilled: (archive: string, afterMs: number) =>
      runKilled({ words: [...words, "load", "-q", "-i", archive], env }, afterMs),
    isRunning: () => true,
  };
}

/** @returns whether it ended well before it was killed */
function runKilled({ words, env }: Words, afterMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const [program = "", ...args] = words;
    const child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
    child.once("error", reject);
    child.stderr.resume();
    // Not before its own children have let go of what they inherited.
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve(code === 0);
    });
  });
}

/** Temporary files of the tool lie beside its store, where they can be counted. */
export function temporaryFolder(scratch: string): string {
  const folder = join(scratch, "tmp");
  mkdirSync(folder, { recursive: true });
  return folder;
}

export function ladeSubject(program: string): PeerSubject {
  const words = [process.execPath, "--disable-warning=ExperimentalWarning", program];
  return {
    name: "lade",
    version: async () => {
      const { stdout } = await runOrThrow(words[0] as string, [...words.slice(1), "--version"]);
      return `lade ${stdout.match(/\d[\w.]*/)?.[0]}`;
    },
    async start({ root, scratch, enter = [] }) {
      const runRoot = join(scratch, "run");
      const TMPDIR = temporaryFolder(scratch);
      const env = { LADE_ROOT: root, LADE_RUN_ROOT: runRoot, TMPDIR };
      return {
        ...commandsWithoutDaemon({ words: [...enter, ...words], env }, scratch),
        async reboot() {
          rmSync(runRoot, { recursive: true, force: true });
          // The kernel's name of this boot stays: lade is told that it hashed in another.
          const database = new DatabaseSync(join(root, "lade.db"));
          database.exec("UPDATE blob SET verified_boot = ''");
          database.close();
        },
        async [Symbol.asyncDispose]() {
          rmSync(runRoot, { recursive: true, force: true });
        },
      };
    },
    dataFiles: (root, { layers }) =>
      layers.map((layer) => join(root, "blobs", "sha256", hexPart(layer))),
  };
}

export function dockerSubject(): PeerSubject {
  let version = "docker";
  return {
    name: "docker",
    version: async () => version,
    async start({ root, scratch, enter = [] }) {
      const daemon = await startDockerd({ dataRoot: root, enter });
      version = `docker ${daemon.version}, ${daemon.storageDriver}`;
      return {
        ...commandsOf((args, options = {}) => daemon.dockerWith(options, ...args), scratch),
        async loadKilled(archive, afterMs) {
          const load = daemon.docker("load", "-q", "-i", archive);
          await delay(afterMs);
          process.kill(daemon.pid, "SIGKILL");
          const { code } = await load;
          await daemon.restart();
          return code === 0;
        },
        reboot: () => daemon.restart(),
        isRunning: () => daemon.isRunning(),
        [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
      };
    },
    dataFiles: (root) => unpackedFiles(join(root, "overlay2")),
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
    async start({ root, scratch, enter = [] }) {
      const runRoot = join(scratch, "podman-run");
      const where = ["--root", root, "--runroot", runRoot, "--storage-driver", "overlay"];
      // Its own, or the next boot would not be one.
      const state = ["--tmpdir", join(runRoot, "libpod")];
      const env = { TMPDIR: temporaryFolder(scratch) };
      const forget = () => {
        unmountBelow(root);
        unmountBelow(runRoot);
        rmSync(runRoot, { recursive: true, force: true });
      };
      return {
        ...commandsWithoutDaemon({ words: [...enter, podman, ...where, ...state], env }, scratch),
        reboot: async () => forget(),
        [Symbol.asyncDispose]: async () => forget(),
      };
    },
    dataFiles: (root) => unpackedFiles(join(root, "overlay")),
  };
}

/** lade from the sources as they are, Docker and podman. */
export function allSubjects(program: string): readonly PeerSubject[] {
  return [ladeSubject(program), dockerSubject(), podmanSubject()];
}
