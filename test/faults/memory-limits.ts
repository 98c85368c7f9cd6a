// SPDX-License-Identifier: Apache-2.0

/** Commands with little memory: they come through or are killed, and the store is sound. */

import { spawn } from "node:child_process";
import { createReadStream, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { writeSyntheticArchive } from "../../bench/synthetic.ts";
import { unmountBelow } from "../helpers/mounts.ts";
import { endProcesses } from "../helpers/processes.ts";
import { type RunResult, run, runOrThrow } from "../helpers/tools.ts";
import { type MemoryGroup, makeMemoryGroup } from "./memory-group.ts";
import type { StorePlaces } from "./store-state.ts";

const mib = 1024 * 1024;
const patienceMs = 300_000;

export interface MemoryOptions {
  readonly program: string;
  /** MiB of each group. */
  readonly limits: readonly number[];
  /** Bytes of the image. */
  readonly size: number;
  readonly seed: number;
  readonly log?: (line: string) => void;
}

export type Verdict = "done" | "killed";

export interface MemoryRow {
  readonly work: string;
  readonly limitMib: number;
  readonly verdict: Verdict;
  /** Bytes, page cache included. */
  readonly peak: number;
}

export interface MemoryResult {
  readonly rows: readonly MemoryRow[];
  readonly failures: readonly string[];
}

interface Inputs {
  readonly archive: string;
  readonly compressed: string;
  /** A root file system. */
  readonly tree: string;
  readonly imageId: string;
}

const name = "large:1";

export async function limitMemory(options: MemoryOptions): Promise<MemoryResult> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "lade-memory-")));
  const cleanUp = () => {
    endProcesses(folder);
    unmountBelow(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  process.once("exit", cleanUp);
  try {
    const inputs = await makeInputs(folder, options);
    const session = new Session(options, inputs, folder);
    for (const limitMib of options.limits) await session.tryAll(limitMib);
    return session;
  } finally {
    process.off("exit", cleanUp);
    cleanUp();
  }
}

async function makeInputs(folder: string, { size, seed }: MemoryOptions): Promise<Inputs> {
  const archive = join(folder, "image.tar");
  const { id } = await writeSyntheticArchive({ path: archive, size, name, seed });
  const compressed = join(folder, "image.tar.gz");
  await runOrThrow("gzip", ["-1", "-c", archive], { stdoutFile: compressed });
  const tree = join(folder, "tree.tar");
  // The largest member is a tar of files, as `import` takes one.
  await runOrThrow("tar", ["-xf", archive, "-C", folder, "layer-0/layer.tar"]);
  await runOrThrow("mv", [join(folder, "layer-0/layer.tar"), tree]);
  return { archive, compressed, tree, imageId: id };
}

class Session implements MemoryResult {
  readonly rows: MemoryRow[] = [];
  readonly failures: string[] = [];
  readonly #options: MemoryOptions;
  readonly #inputs: Inputs;
  readonly #places: StorePlaces;
  readonly #folder: string;

  constructor(options: MemoryOptions, inputs: Inputs, folder: string) {
    this.#options = options;
    this.#inputs = inputs;
    this.#folder = folder;
    this.#places = { root: join(folder, "store"), runRoot: join(folder, "run") };
  }

  async tryAll(limitMib: number): Promise<void> {
    const { archive, compressed, tree } = this.#inputs;
    const saved = join(this.#folder, "saved.tar");
    const works: readonly (readonly [string, readonly string[], boolean])[] = [
      ["load", ["load", "-q", "-i", archive], false],
      ["load, compressed", ["load", "-q", "-i", compressed], false],
      ["import", ["import", tree, "tree:1"], false],
      ["save", ["save", "-o", saved, name], true],
    ];
    for (const [work, args, needsImage] of works) {
      await this.#begin(needsImage);
      await this.#attempt(work, limitMib, (group) => this.#lade(args, group));
    }
    await this.#begin(false);
    await this.#attempt("serve, and load through it", limitMib, (group) => this.#serve(group));
  }

  /** A store of its own for each: with the image in it or without. */
  async #begin(needsImage: boolean): Promise<void> {
    const { root, runRoot } = this.#places;
    for (const path of [root, runRoot]) {
      unmountBelow(path);
      rmSync(path, { recursive: true, force: true });
      mkdirSync(path);
    }
    if (needsImage) await this.#succeed(["load", "-q", "-i", this.#inputs.archive]);
  }

  async #attempt(
    work: string,
    limitMib: number,
    start: (group: MemoryGroup) => Promise<RunResult>,
  ): Promise<void> {
    const { failures, rows } = this;
    const before = await this.#state();
    await using group = makeMemoryGroup(limitMib * mib);
    const { code, stderr } = await start(group);
    const isKilled = group.kills() > 0;
    const verdict: Verdict = code === 0 ? "done" : "killed";
    const text = `${work} in ${limitMib} MiB`;
    rows.push({ work, limitMib, verdict, peak: group.peak() });
    this.#options.log?.(`${text}: ${verdict}, ${Math.round(group.peak() / mib)} MiB at most`);
    if (code !== 0 && !isKilled) failures.push(`${text}: exit ${code}: ${stderr}`);
    // What dies is swept by who writes next.
    await this.#succeed(["image", "prune", "-f"]);
    const after = await this.#state();
    const isChanged = after.images !== before.images;
    if (verdict === "killed" && isChanged) failures.push(`${text}: images ${after.images}`);
    if (verdict === "done" && !isChanged && work !== "save") failures.push(`${text}: no image`);
    if (verdict === "killed" && after.files !== before.files) failures.push(`${text}: files left`);
    const check = await this.#lade(["system", "check"]);
    if (!check.stdout.includes("No problems found")) failures.push(`${text}: ${check.stdout}`);
  }

  async #state(): Promise<{ readonly images: string; readonly files: string }> {
    const images = (await this.#succeed(["images", "-a", "--no-trunc", "-q"])).stdout;
    const folders = ["blobs", "indexes", "ingest"].map((part) => join(this.#places.root, part));
    const files = (await runOrThrow("find", [...folders, "-type", "f"])).stdout;
    return { images, files: files.split("\n").sort().join("\n") };
  }

  async #succeed(args: readonly string[]): Promise<RunResult> {
    const result = await this.#lade(args);
    if (result.code !== 0) this.failures.push(`${args.join(" ")}: ${result.stderr}`);
    return result;
  }

  #words(args: readonly string[], group?: MemoryGroup): [string, string[]] {
    const { program } = this.#options;
    const words = [process.execPath, "--disable-warning=ExperimentalWarning", program, ...args];
    const [command = "", ...rest] = [...(group?.enter ?? []), ...words];
    return [command, rest];
  }

  async #lade(args: readonly string[], group?: MemoryGroup): Promise<RunResult> {
    const [command, words] = this.#words(args, group);
    const { root, runRoot } = this.#places;
    const env = { LADE_ROOT: root, LADE_RUN_ROOT: runRoot };
    return await run(command, words, { env, timeoutMs: patienceMs });
  }

  /** The server is in the group, its client is not. */
  async #serve(group: MemoryGroup): Promise<RunResult> {
    const { root, runRoot } = this.#places;
    const [command, words] = this.#words(["serve"], group);
    const env = { ...process.env, LADE_ROOT: root, LADE_RUN_ROOT: runRoot };
    const child = spawn(command, words, { env, stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
    child.stderr.on("data", (data: Buffer) => {
      stderr += String(data);
    });
    const isUp = () => stderr.includes("API listen on ");
    const end = Date.now() + 60_000;
    while (!isUp() && child.exitCode === null && child.signalCode === null && Date.now() < end) {
      await delay(20);
    }
    const answer = isUp() ? await this.#post(join(runRoot, "lade.sock")) : "not up";
    child.kill("SIGTERM");
    await Promise.race([gone, delay(30_000, undefined, { ref: false })]);
    child.kill("SIGKILL");
    await gone;
    const code = answer.includes(`Loaded image: ${name}`) ? 0 : 1;
    return { code, stdout: answer, stderr: `${answer}\n${stderr}` };
  }

  #post(socketPath: string): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const sent = request({ socketPath, method: "POST", path: "/images/load" }, (response) => {
      let body = "";
      response.on("data", (data: Buffer) => {
        body += String(data);
      });
      response.on("close", () => resolve(body));
    });
    sent.on("error", (error) => resolve(String(error)));
    createReadStream(this.#inputs.archive).pipe(sent);
    return promise;
  }
}
