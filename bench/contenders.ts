// SPDX-License-Identifier: Apache-2.0
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { startDockerd } from "../test/helpers/dockerd.ts";
import { unmountBelow } from "../test/helpers/mounts.ts";
import { requireTool, run, runOrThrow, shellQuote } from "../test/helpers/tools.ts";
import { peakPrefix, type Step, type TimedCommand } from "./measure.ts";

/** A program with Docker's command line and a store of its own. */
export interface Program {
  readonly name: string;
  /** Shell words that run it on its own store. */
  readonly words: string;
  /** The words as they are shown; the name where undefined. */
  readonly shown?: string;
  readonly daemonPid?: number;
}

export interface Contenders extends AsyncDisposable {
  /** docker, podman and lade, as far as they take part. */
  readonly programs: readonly Program[];
  readonly skopeo: Skopeo | undefined;
  readonly versions: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

export interface Skopeo {
  readonly words: string;
  readonly ociFolder: string;
}

export const contenderNames = ["lade", "docker", "podman", "skopeo"] as const;
export type ContenderName = (typeof contenderNames)[number];

const ladeCommand = resolve(import.meta.dirname, "../bin/lade");

/** The words that run lade of this checkout on a store. */
export function ladeWords(root: string): string {
  return `${shellQuote(ladeCommand)} --root ${shellQuote(root)}`;
}

/**
 * Sets up the programs with empty stores under one folder, so that all write to the same disk.
 *
 * @throws Error that names the package where one is missing, or says how lade is built
 */
export async function startContenders(
  folder: string,
  names: ReadonlySet<ContenderName>,
): Promise<Contenders> {
  const programs: Program[] = [];
  const versions: Record<string, string> = { node: process.version };
  const warnings: string[] = [];
  await using stack = new AsyncDisposableStack();
  stack.defer(() => unmountBelow(folder));
  let skopeo: Skopeo | undefined;
  if (names.has("lade")) {
    await requireLade();
    programs.push({ name: "lade", words: ladeWords(join(folder, "lade")) });
  }
  if (names.has("docker")) {
    const daemon = stack.use(await startDockerd({ dataRoot: join(folder, "docker") }));
    versions.docker = `${daemon.version}, ${daemon.storageDriver}`;
    if (daemon.storageDriver !== "overlay2") {
      warnings.push(`docker used ${daemon.storageDriver}, not overlay2: its figures are not fair.`);
    }
    const words = daemon.command.map(shellQuote).join(" ");
    programs.push({ name: "docker", words, daemonPid: daemon.pid });
  }
  if (names.has("podman")) {
    versions.podman = await versionOf("podman");
    programs.push({ name: "podman", words: podmanWords(join(folder, "podman")) });
  }
  if (names.has("skopeo")) {
    versions.skopeo = await versionOf("skopeo");
    skopeo = skopeoAt(join(folder, "skopeo"));
    await mkdir(join(folder, "skopeo"), { recursive: true });
  }
  const kept = stack.move();
  return {
    programs,
    skopeo,
    versions,
    warnings,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function requireLade(): Promise<void> {
  const result = existsSync(ladeCommand) ? await run(ladeCommand, ["version"]) : undefined;
  if (result?.code !== 0) {
    const said = result?.stderr ?? "no such file";
    throw new Error(`${ladeCommand}: does not run; npm run setup builds it\n${said}`);
  }
}

/** The number at the end of `NAME version NUMBER`. */
async function versionOf(name: string): Promise<string> {
  const { stdout } = await runOrThrow(requireTool(name, name), ["--version"]);
  return stdout.trim().split(" ").at(-1) ?? "";
}

function podmanWords(folder: string): string {
  const options = [
    ["--root", join(folder, "root")],
    ["--runroot", join(folder, "run")],
    ["--tmpdir", join(folder, "tmp")],
    ["--storage-driver", "overlay"],
    ["--cgroup-manager", "cgroupfs"],
    ["--events-backend", "none"],
  ];
  return ["/usr/bin/podman", ...options.flat()].map(shellQuote).join(" ");
}

function skopeoAt(folder: string): Skopeo {
  return {
    words: "/usr/bin/skopeo --insecure-policy",
    ociFolder: join(folder, "oci"),
  };
}

/** Commands of a step in which `%` stands for the program. */
export type StepTemplate = Partial<
  Record<"setUp" | "before" | "check" | "next" | "after" | "tearDown", string>
> & {
  readonly timed: string;
};

/** A step for a program; labels are the template's with the program's name and without folders. */
export function stepFor(program: Program, template: StepTemplate): Step {
  const plain = (text: string | undefined): string | undefined =>
    text?.replaceAll("%", program.words);
  const timed = (text: string): TimedCommand => ({
    label: readable(text.replaceAll("%", program.shown ?? program.name)),
    timed: text.replaceAll("%", `${peakPrefix} ${program.words}`),
  });
  return {
    contender: program.name,
    ...timed(template.timed),
    setUp: plain(template.setUp),
    before: plain(template.before),
    check: plain(template.check),
    next: template.next === undefined ? undefined : timed(template.next),
    after: plain(template.after),
    tearDown: plain(template.tearDown),
    daemonPid: program.daemonPid,
  };
}

/** A command without the folders of the bench. */
export function readable(command: string): string {
  return command.replaceAll(/\/(?!dev\/)(?:[\w.-]+\/)+([\w.-]+)/g, "$1").replaceAll("'", "");
}
