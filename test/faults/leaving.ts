// SPDX-License-Identifier: Apache-2.0

/** Rounds of clients that leave, and what the server holds after each. */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { summarize } from "../../bench/stats.ts";
import { dir, file, sampleImage, sampleLayer } from "../fixtures/sample-image.ts";
import { plainArchive } from "../fixtures/variants.ts";
import { noise } from "../helpers/bytes.ts";
import { unmountBelow } from "../helpers/mounts.ts";
import { endProcesses, processesWith } from "../helpers/processes.ts";
import { requireTool } from "../helpers/tools.ts";
import {
  anyCall,
  type Leaving,
  leaveWhileSending,
  leavingPoints,
  readers,
} from "./leaving-clients.ts";
import type { Random } from "./random.ts";
import type { StorePlaces } from "./store-state.ts";
import { type Sizes, WatchedServer } from "./watched-server.ts";

export interface LeavingOptions {
  readonly program: string;
  readonly random: Random;
  /** Calls of attach and exec, in all rounds. */
  readonly calls: number;
  readonly log?: (line: string) => void;
}

export interface LeavingResult {
  readonly rounds: number;
  /** Clients that left while they sent. */
  readonly senders: number;
  readonly readers: number;
  readonly calls: number;
  /** What the server held, as medians of the first rounds and of the last. */
  readonly sizes: readonly {
    readonly name: string;
    readonly early: number;
    readonly late: number;
  }[];
  readonly failures: readonly string[];
}

const rounds = 9;
/** The first fills caches, and is not counted. */
const warmUps = 1;
/** How much larger the last rounds may be than the first. */
const allowance = 1.05;
/**
 * The same for what JavaScript holds: code that is compiled as it gets hot is in it, and settles only
 * after a few thousand calls (18.8, 20.1, 21.0, 21.3 MiB after 200, 800, 1,400, 1,800 of them). A leak
 * of each call's buffers is more within a few hundred.
 */
const heldAllowance = 1.15;
const atOnce = 16;
const containerName = "watched";

export async function watchLeaving(options: LeavingOptions): Promise<LeavingResult> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "lade-leaving-")));
  const places = { root: join(folder, "store"), runRoot: join(folder, "run") };
  mkdirSync(places.runRoot);
  const cleanUp = () => {
    endProcesses(folder);
    unmountBelow(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  process.once("exit", cleanUp);
  try {
    return await watch(options, places);
  } finally {
    process.off("exit", cleanUp);
    cleanUp();
  }
}

/** An image with busybox and one that the store never gets, and a tar. */
function makeInputs() {
  const busybox = readFileSync(requireTool("busybox", "busybox-static"));
  const base = sampleLayer([
    dir("app/"),
    dir("bin/"),
    file("bin/busybox", busybox, { mode: 0o755 }),
  ]);
  const data = sampleLayer([dir("data/"), file("data/noise", noise(2_000_000, "leaving"))]);
  const small = sampleImage({ layers: [base] });
  const large = sampleImage({ layers: [base, data] });
  return {
    small: plainArchive([small], { tags: ["small:1"] }).archive,
    archive: plainArchive([large], { tags: ["large:1"] }).archive,
    files: sampleLayer([file("put", noise(1_000_000, "put"))]).tar,
  };
}

async function watch(options: LeavingOptions, places: StorePlaces): Promise<LeavingResult> {
  const { program, random, log } = options;
  const inputs = makeInputs();
  await using server = await WatchedServer.start(program, places);
  const lade = (...args: string[]) => runLade(program, places, args);
  await server.request("POST", "/images/load", { body: inputs.small });
  const words = "/bin/busybox yes word | /bin/busybox head -n 200; exec /bin/busybox sleep 100000";
  const run = ["run", "-d", "-i", "--name", containerName, "--network", "none", "small:1"];
  lade(...run, "/bin/busybox", "sh", "-c", words);
  const leaving: Leaving = {
    ...inputs,
    server,
    random,
    image: "small:1",
    container: containerName,
  };
  const before = state(places, lade);
  const counts = { senders: 0, readers: 0, calls: 0 };
  const samples: Sizes[] = [];
  const failures: string[] = [];
  for (let round = 0; round < rounds + warmUps; round++) {
    const calls = Math.ceil(options.calls / (rounds + warmUps));
    await Promise.race([oneRound(leaving, calls, counts), server.died]).catch(async (error) => {
      // Where the server died, its own words say more than a connection that broke.
      await Promise.race([server.died, delay(3000)]);
      throw error;
    });
    const sizes = await server.sizes();
    if (round >= warmUps) samples.push(sizes);
    log?.(`round ${round}: ${describe(sizes)}`);
    await settled(places);
    if (!server.isRunning) throw new Error("the server died");
  }
  const after = state(places, lade);
  for (const [name, value] of Object.entries(before)) {
    if (after[name] !== value) failures.push(`${name}: was ${value}, is ${after[name]}`);
  }
  const found = compare(samples);
  for (const { name, early, late } of found) {
    const most = name === "held" ? heldAllowance : allowance;
    if (late > early * most) failures.push(`${name}: ${early} in early rounds, ${late} later`);
  }
  const { body } = await server.request("POST", "/images/load", { body: inputs.archive });
  if (!body.includes("Loaded image: large:1")) failures.push(`not loaded at last: ${String(body)}`);
  lade("rm", "-f", containerName);
  return { rounds, ...counts, sizes: found, failures };
}

async function oneRound(
  leaving: Leaving,
  calls: number,
  counts: { senders: number; readers: number; calls: number },
): Promise<void> {
  const { archive, files, container } = leaving;
  const senders = [
    ...leavingPoints(archive.length).map(
      (size) => () => leaveWhileSending(leaving, "POST /images/load", archive.subarray(0, size)),
    ),
    ...leavingPoints(files.length).map((size) => () => {
      const request = `PUT /containers/${container}/archive?path=/app`;
      return leaveWhileSending(leaving, request, files.subarray(0, size));
    }),
  ];
  const reading = [...readers(leaving), ...readers(leaving)];
  const calling = Array.from({ length: calls }, () => () => anyCall(leaving));
  counts.senders += senders.length;
  counts.readers += reading.length;
  counts.calls += calls;
  await inParallel([...senders, ...reading, ...calling]);
}

async function inParallel(work: readonly (() => Promise<void>)[]): Promise<void> {
  const queue = [...work];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await next();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** What is started in a container ends on its own time. */
async function settled(places: StorePlaces): Promise<void> {
  const busy = () =>
    readdirSync(join(places.root, "ingest")).length > 0 ||
    processesWith(places.runRoot).some(({ command }) => command.includes("exec"));
  const end = Date.now() + 20_000;
  while (busy() && Date.now() < end) await delay(50);
}

function runLade(program: string, { root, runRoot }: StorePlaces, args: readonly string[]): string {
  return execFileSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", program, ...args],
    {
      env: { ...process.env, LADE_ROOT: root, LADE_RUN_ROOT: runRoot },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
}

/** All that clients who leave must not change. */
function state(
  places: StorePlaces,
  lade: (...args: string[]) => string,
): Readonly<Record<string, string>> {
  const listed = (folder: string) => readdirSync(join(places.root, folder)).sort().join(" ");
  return {
    images: lade("images", "-a", "--no-trunc"),
    containers: lade("ps", "-a", "--format", "{{.Names}} {{.State}}"),
    "processes in the container": String(lade("top", containerName).split("\n").length),
    "system check": lade("system", "check").includes("No problems found") ? "sound" : "not sound",
    blobs: listed("blobs/sha256"),
    indexes: listed("indexes/sha256"),
    ingest: listed("ingest"),
    processes: processesWith(places.runRoot)
      .map(({ command }) => command.slice(0, 40))
      .sort()
      .join(", "),
  };
}

function describe({ descriptors, threads, resident, held }: Sizes): string {
  const mib = (size: number) => `${(size / 1024 / 1024).toFixed(1)} MiB`;
  return `${descriptors} descriptors, ${threads} threads, ${mib(resident)}, held ${mib(held)}`;
}

/** Medians, so that one round in which something was still under way says nothing. */
function compare(samples: readonly Sizes[]): LeavingResult["sizes"] {
  const half = Math.floor(samples.length / 2);
  const median = (list: readonly Sizes[], key: keyof Sizes) =>
    summarize(list.map((sizes) => sizes[key]))?.median ?? Number.NaN;
  const names = { descriptors: "", threads: "", resident: "", held: "" };
  return (Object.keys(names) as (keyof Sizes)[]).map((name) => ({
    name,
    early: median(samples.slice(0, half), name),
    late: median(samples.slice(-half), name),
  }));
}
