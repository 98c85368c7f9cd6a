// SPDX-License-Identifier: Apache-2.0

/**
 * Which files lade touches while layers that try to get out come in: every command and the server
 * run under strace, and each of their calls is judged by where the kernel says it ended.
 */

import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { boxArchive } from "../engine/containers/box.ts";
import { type EscapingLayers, escapingLayers } from "../fixtures/escaping-layers.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { startLadeServe } from "../helpers/lade-serve.ts";
import { unmountBelow } from "../helpers/mounts.ts";
import { endProcesses } from "../helpers/processes.ts";
import { type RunResult, requireTool, run } from "../helpers/tools.ts";
import { type AuditedFolders, boundsOf } from "./audit-bounds.ts";
import {
  archiveOf,
  type EntryPoint,
  type Layers,
  reads,
  rootTarOf,
  servedWays,
} from "./entry-points.ts";
import { auditedCalls } from "./file-calls.ts";
import { judgeTrace, type Verdict } from "./file-judge.ts";
import { makeVictim, secret } from "./victim.ts";

/** What was found out about one way in. */
export interface AuditedWay {
  readonly name: string;
  readonly layers: number;
  readonly calls: number;
  /** Calls on known places outside of lade's folders, by reason. */
  readonly outside: Readonly<Record<string, number>>;
  readonly programs: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

export interface AuditOptions {
  /** What Node starts: a bundle. */
  readonly program: string;
  /** Which layers come in by which way; all by all where undefined. */
  readonly takes?: (layer: number, way: number) => boolean;
  readonly stopsEarly?: boolean;
}

/** How many ways are tried at the same time, each in a folder of its own. */
const sideBySide = 2;

/** @throws Error where strace is not there */
export async function auditFiles(options: AuditOptions): Promise<AuditedWay[]> {
  const audits = [
    ...commandWays.map((way) => (taken: Taken) => auditCommands(way, taken, options)),
    ...servedWays.map((way) => (taken: Taken) => auditServer(way, taken, options)),
  ];
  const ways: AuditedWay[] = [];
  const queue = audits.entries();
  const work = async () => {
    for (const [index, audit] of queue) {
      const taken = escapingLayers.filter((_, layer) => options.takes?.(layer, index) ?? true);
      if (taken.length > 0) ways[index] = await audit(taken);
      if (options.stopsEarly && ways[index]?.failures.length) return;
    }
  };
  await Promise.all(Array.from({ length: sideBySide }, work));
  return ways.filter((way) => way !== undefined);
}

type Taken = readonly EscapingLayers[];
type ServedWay = (typeof servedWays)[number];
type CommandWay = (typeof commandWays)[number];

function tracing(file: string): string[] {
  const how = ["-f", "-q", "-y", "--seccomp-bpf", "--decode-pids=pidns", "-s", "65536"];
  const what = ["-e", `trace=${auditedCalls.join(",")}`, "-e", "signal=none", "-o", file];
  return [requireTool("strace", "strace"), ...how, ...what];
}

class Findings {
  calls = 0;
  readonly outside: Record<string, number> = {};
  readonly programs: Record<string, number> = {};
  readonly failures: string[] = [];

  add(verdict: Verdict, where: string): void {
    this.calls += verdict.calls;
    sum(this.outside, verdict.outside);
    sum(this.programs, verdict.programs);
    this.failures.push(...verdict.failures.map((failure) => `${where}: ${failure}`));
  }
}

function sum(into: Record<string, number>, from: ReadonlyMap<string, number>): void {
  for (const [key, count] of from) into[key] = (into[key] ?? 0) + count;
}

/** A store of its own, with a folder beside it that nothing may reach. */
class Bench implements Disposable {
  readonly base: Buffer = boxArchive();
  readonly places: AuditedFolders;
  readonly findings = new Findings();
  /** The row of the layers that come in now. */
  row = "";
  /** How layers become folders; as the kernel can best where empty. */
  driver = "";
  readonly #remove: () => void;

  constructor(program: string) {
    const folder = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "lade-audit-")));
    this.#remove = () => {
      endProcesses(folder);
      unmountBelow(folder);
      fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    };
    process.once("exit", this.#remove);
    const [root, runRoot] = [join(folder, "store"), join(folder, "run")];
    const files = join(folder, "files");
    fs.mkdirSync(files);
    const victim = makeVictim(folder).path;
    this.places = { folder, root, runRoot, files, victim, program };
  }

  file(name: string, bytes?: Buffer): string {
    const path = join(this.places.files, name);
    if (bytes !== undefined) fs.writeFileSync(path, bytes);
    return path;
  }

  /** Runs a command that may fail, and judges what it did. */
  async lade(args: readonly string[], input?: Buffer): Promise<RunResult> {
    const { folder, root, runRoot, files, program } = this.places;
    const file = join(folder, "trace");
    const [strace = "", ...words] = tracing(file);
    const node = [process.execPath, "--disable-warning=ExperimentalWarning", program];
    // Calls that a ring carries are no system calls of their own.
    const own = { LADE_ROOT: root, LADE_RUN_ROOT: runRoot, LADE_STORAGE_DRIVER: this.driver };
    const env = { ...own, UV_USE_IO_URING: "0", LC_ALL: "C" };
    const options = { env, cwd: files, timeoutMs: 60_000, ...(input && { input }) };
    const result = await run(strace, [...words, ...node, ...args], options);
    const where = `${this.row}: lade ${args.join(" ")}`;
    this.findings.add(judgeTrace(fs.readFileSync(file, "latin1"), boundsOf(this.places)), where);
    const { stdout, stderr, code } = result;
    if (stdout.includes(secret)) this.findings.failures.push(`${where}: the secret came out`);
    if (/mistake in lade/i.test(stderr) || code > 128) {
      this.findings.failures.push(`${where}: exit ${code}: ${stderr.slice(-500)}`);
    }
    return result;
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#remove);
    this.#remove();
  }
}

const commandWays: readonly EntryPoint<Bench>[] = [
  { name: "load and run", take: (bench, layers) => loadAndRun(bench, layers) },
  {
    name: "load and run, unpacked",
    async take(bench, layers) {
      bench.driver = "unpacked";
      await loadAndRun(bench, layers);
    },
  },
  {
    name: "import and run",
    async take(bench, layers) {
      const tarFile = bench.file("root.tar", rootTarOf(bench, layers));
      if ((await bench.lade(["import", tarFile, "imported:1"])).code !== 0) return;
      await runOf(bench, "imported:1");
    },
  },
  {
    name: "run in place",
    take: (bench, layers) => runOf(bench, bench.file("place.tar", archiveOf(bench, layers))),
  },
  {
    name: "cp",
    async take(bench, layers) {
      await bench.lade(["create", "--name", "made", "--network", "none", "base:1", "true"]);
      for (const members of layers) {
        await bench.lade(["cp", "-", "made:/data"], tar(members));
        await bench.lade(["cp", "-", "made:/"], tar(members));
      }
      await takeOut(bench, "made");
      await bench.lade(["commit", "made", "committed:1"]);
      await bench.lade(["rm", "-f", "made"]);
    },
  },
];

/** In how many ways layers come in. */
export const wayCount: number = commandWays.length + servedWays.length;

async function loadAndRun(bench: Bench, layers: Layers): Promise<void> {
  const archive = bench.file("image.tar", archiveOf(bench, layers));
  if ((await bench.lade(["load", "-q", "-i", archive])).code !== 0) return;
  await runOf(bench, "demo:1");
  await bench.lade(["rmi", "-f", "demo:1"]);
}

async function runOf(bench: Bench, image: string): Promise<void> {
  const words = ["run", "--name", "ran", "--network", "none", image, "sh", "-c", reads];
  await bench.lade(words);
  await takeOut(bench, "ran");
  await bench.lade(["rm", "-f", "ran"]);
}

/** Names that the archive chose become files of the host here. */
async function takeOut(bench: Bench, container: string): Promise<void> {
  await bench.lade(["export", "-o", bench.file("exported.tar"), container]);
  const out = bench.file("out");
  fs.mkdirSync(out);
  await bench.lade(["cp", "-q", `${container}:/`, out]);
  fs.rmSync(out, { recursive: true });
}

async function auditCommands(
  way: CommandWay,
  taken: Taken,
  { program, stopsEarly = false }: AuditOptions,
): Promise<AuditedWay> {
  using bench = new Bench(program);
  const { findings, places } = bench;
  await bench.lade(["import", bench.file("base.tar", bench.base), "base:1"]);
  for (const { row, layers } of taken) {
    bench.row = `${way.name}, ${row}`;
    await way.take(bench, layers(places.victim));
    if (stopsEarly && findings.failures.length > 0) break;
  }
  return { name: way.name, layers: taken.length, ...found(findings) };
}

function found({ calls, outside, programs, failures }: Findings) {
  return { calls, outside, programs, failures };
}

async function auditServer(
  way: ServedWay,
  taken: Taken,
  { program }: AuditOptions,
): Promise<AuditedWay> {
  const findings = new Findings();
  const traces = fs.mkdtempSync(join(tmpdir(), "lade-audit-"));
  try {
    const file = join(traces, "trace");
    // The tracer is nobody's parent, so that signals reach the server.
    const [strace = "", ...words] = tracing(file);
    const places = await serveAll(way, taken, { program, before: [strace, "-D", ...words] });
    findings.add(judgeTrace(fs.readFileSync(file, "latin1"), boundsOf(places)), way.name);
  } finally {
    fs.rmSync(traces, { recursive: true });
  }
  return { name: way.name, layers: taken.length, ...found(findings) };
}

async function serveAll(
  way: ServedWay,
  taken: Taken,
  { program, before }: { readonly program: string; readonly before: readonly string[] },
): Promise<AuditedFolders> {
  let tracer: string | undefined;
  try {
    await using serve = await startLadeServe([], program, before);
    const { folder, root, runRoot } = serve;
    const status = fs.readFileSync(`/proc/${serve.pid}/status`, "utf8");
    tracer = /^TracerPid:\s+([1-9]\d*)$/m.exec(status)?.[1];
    if (tracer === undefined) throw new Error("strace does not trace the server");
    const base = boxArchive();
    const body = { body: base };
    const made = await serve.request("POST", "/images/create?fromSrc=-&repo=base&tag=1", body);
    if (made.status !== 200) throw new Error(made.body.toString());
    const victim = makeVictim(folder).path;
    for (const { row, layers } of taken) {
      await way.take({ serve, base }, layers(victim)).catch((cause: unknown) => {
        throw new Error(`${way.name}, ${row}: ${String(cause)}`, { cause });
      });
    }
    return { folder, root, runRoot, files: join(folder, "files"), victim, program };
  } finally {
    if (tracer !== undefined) await endOf(tracer);
  }
}

/** Waits until a tracer has written all. */
async function endOf(tracer: string): Promise<void> {
  for (let tries = 0; fs.existsSync(`/proc/${tracer}`); tries++) {
    if (tries === 600) throw new Error("strace does not come to an end");
    await delay(50);
  }
}
