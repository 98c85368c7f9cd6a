// SPDX-License-Identifier: Apache-2.0
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { startDockerd } from "../test/helpers/dockerd.ts";
import { unmountBelow } from "../test/helpers/mounts.ts";
import { requireTool, runOrThrow, shellQuote } from "../test/helpers/tools.ts";
import { apiCases } from "./api-cases.ts";
import { measureClients } from "./api-clients.ts";
import { type ApiProgram, startLadeServer } from "./api-programs.ts";
import { imageCases, overheadCase } from "./cases.ts";
import { missCauses } from "./causes.ts";
import { renderChart } from "./chart.ts";
import { containerCases } from "./container-cases.ts";
import { type Contenders, ladeWords, type Program, startContenders } from "./contenders.ts";
import { type GrowthInput, measureGrowth, measureList } from "./growth.ts";
import {
  type BenchImage,
  benchFolder,
  compress,
  describeImage,
  ensureBenchImage,
} from "./image.ts";
import { describeCommit, describeMachine } from "./machine.ts";
import { createSetUps, type MeasureOptions, measureInTurns } from "./measure.ts";
import { type BenchOptions, isWanted, parseOptions } from "./options.ts";
import { renderReport } from "./report.ts";
import { type BenchResults, mergeResults, timeOf } from "./results.ts";
import { endCommands, shell } from "./shell.ts";
import { writeSyntheticArchive } from "./synthetic.ts";
import { judge } from "./targets.ts";

const GROWTH_SIZES = [0.1e9, 0.4e9, 0.8e9, 3e9, 10e9];
const QUICK_SIZES = [2e6, 8e6];
const LIST_COUNTS = [10, 1_000, 10_000];
const QUICK_COUNTS = [10, 100];
const LATE_MS = 6 * 60_000;
/** Docker takes minutes to load more images than that. */
const DOCKER_COUNT = 1_000;

async function main(args: readonly string[]): Promise<void> {
  const options = parseOptions(args);
  const whole = !options.quick && options.only.length === 0 && options.contenders.size === 4;
  const docs = resolve(import.meta.dirname, "../docs");
  const out = resolve(
    options.out ?? (whole || options.render ? docs : join(benchFolder(), "last")),
  );
  await mkdir(out, { recursive: true });
  const figures = join(out, "benchmarks.json");
  const results: BenchResults = options.render
    ? await readResults(figures)
    : await measureAll(options, figures);
  await writeFile(join(out, "benchmarks.svg"), renderChart(results));
  const report = renderReport(results, { chart: "benchmarks.svg", causes: missCauses });
  await writeFile(join(out, "benchmarks.md"), report);
  for (const { target, want, got, verdict } of judge(results)) {
    console.log(`${verdict.padEnd(12)} ${target}: want ${want}, got ${got}`);
  }
  console.log(join(out, "benchmarks.md"));
}

async function readResults(path: string): Promise<BenchResults> {
  const results: BenchResults = JSON.parse(await readFile(path, "utf8"));
  // Figures of before there was an API have none.
  return { ...results, clients: results.clients ?? [] };
}

/** Keeps the figures so far, so that a run that is stopped was not for nothing. */
type Keep = (results: BenchResults) => Promise<BenchResults>;

async function keeper(figures: string, options: BenchOptions): Promise<Keep> {
  const older = options.add ? await readResults(figures) : null;
  return async (results) => {
    const merged = older === null ? results : mergeResults(older, results);
    await writeFile(figures, `${JSON.stringify(merged, null, 1)}\n`);
    return merged;
  };
}

async function measureAll(options: BenchOptions, figures: string): Promise<BenchResults> {
  const keep = await keeper(figures, options);
  requireTool("time", "time");
  const folder = benchFolder();
  await mkdir(folder, { recursive: true });
  const image = options.quick ? undefined : await ensureBenchImage(folder);
  const work = await mkdtemp(join(folder, "work-"));
  const discard = (): void => {
    endCommands();
    unmountBelow(work);
    rmSync(work, { recursive: true, force: true });
  };
  process.once("exit", discard);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));
  return await measureIn(work, image ?? (await quickImage(work)), { options, keep });
}

/** A tiny image for a smoke test; its archive of files serves as root file system. */
async function quickImage(work: string): Promise<BenchImage> {
  const [archive, gzip] = [join(work, "quick.tar"), join(work, "quick.tar.gz")];
  await writeSyntheticArchive({ path: archive, size: 20e6, name: "lade-bench:1", seed: 1 });
  await compress(archive, gzip);
  const rootfs = join(work, "rootfs.tar");
  await writeRootfs(archive, rootfs);
  return await describeImage({ archive, gzip, rootfs });
}

/** The first layer of an archive. */
async function writeRootfs(archive: string, target: string): Promise<void> {
  await runOrThrow("tar", ["-xOf", archive, "layer-0/layer.tar"], { stdoutFile: target });
}

async function measureIn(
  work: string,
  image: BenchImage,
  { options, keep }: { readonly options: BenchOptions; readonly keep: Keep },
): Promise<BenchResults> {
  const [temp, output] = [join(work, "tmp"), join(work, "out")];
  for (const folder of [temp, output]) await mkdir(folder);
  const measuring: MeasureOptions = {
    folder: temp,
    // Where containers/image and others put temporary copies.
    env: { TMPDIR: temp },
    report: (line) => console.error(`${new Date().toISOString().slice(11, 19)} ${line}`),
  };
  const { rounds, cold } = options;
  const [overhead] = await measureInTurns(overheadCase(rounds), measuring);
  await using contenders = await startContenders(join(work, "stores"), options.contenders);
  const results: Mutable<BenchResults> = {
    date: new Date().toISOString(),
    commit: await describeCommit(),
    rounds,
    quick: options.quick,
    machine: await describeMachine(work),
    versions: contenders.versions,
    image: { layerCount: image.layerCount, size: image.archiveSize, gzipSize: image.gzipSize },
    overheadSeconds: timeOf(overhead?.measurements[0])?.median ?? 0,
    warnings: contenders.warnings,
    cases: [],
    growth: [],
    lists: [],
    clients: [],
  };
  const setUps = createSetUps(measuring);
  const input = { contenders, image, folder: output, rounds, cold };
  // The tiny image has no programs to run.
  const plans = [...imageCases(input), ...(options.quick ? [] : containerCases(input))];
  for (const plan of plans) {
    if (!isWanted(options, plan.id) && !isWanted(options, plan.next?.id ?? plan.id)) continue;
    results.cases = [...results.cases, ...(await measureInTurns(plan, { ...measuring, setUps }))];
    await keep(results);
  }
  await setUps.leaveAll();
  const growth: GrowthInput = {
    ...{ folder: output, rounds, options: measuring },
    keep: async (cases) => {
      results.growth = [...results.growth, ...cases];
      await keep(results);
    },
  };
  const warnings = await measureSizes(contenders, options, growth);
  results.warnings = [...results.warnings, ...warnings];
  const lists: GrowthInput = {
    ...growth,
    keep: async (cases) => {
      results.lists = [...results.lists, ...cases];
      await keep(results);
    },
  };
  if (options.growth && isWanted(options, "list")) await measureLists(work, options, lists);
  if (options.only.length === 0 || options.only.some((start) => start.startsWith("api"))) {
    await measureApi(image, { work, output, options, measuring }, async (part) => {
      results.cases = [...results.cases, ...(part.cases ?? [])];
      results.clients = [...results.clients, ...(part.clients ?? [])];
      results.idleMemory = part.idleMemory ?? results.idleMemory;
      await keep(results);
    });
  }
  return await keep(results);
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

async function measureSizes(
  contenders: Contenders,
  options: BenchOptions,
  input: GrowthInput,
): Promise<string[]> {
  const lade = contenders.programs.find((program) => program.name === "lade");
  if (lade === undefined || !options.growth || !isWanted(options, "growth")) return [];
  return await measureGrowth(lade, options.quick ? QUICK_SIZES : GROWTH_SIZES, input);
}

async function measureLists(
  work: string,
  { contenders, quick }: BenchOptions,
  input: GrowthInput,
): Promise<void> {
  for (const count of quick ? QUICK_COUNTS : LIST_COUNTS) {
    const stores = join(work, `list-${count}`);
    await mkdir(stores);
    const programs: Program[] = [];
    if (contenders.has("lade")) {
      programs.push({ name: "lade", words: ladeWords(join(stores, "lade")) });
    }
    await using daemon =
      contenders.has("docker") && count <= DOCKER_COUNT
        ? await startDockerd({ dataRoot: join(stores, "docker") })
        : undefined;
    if (daemon !== undefined) {
      const words = daemon.command.map(shellQuote).join(" ");
      programs.push({ name: "docker", words, daemonPid: daemon.pid });
    }
    await measureList(programs, count, input);
  }
}

interface ApiInput {
  readonly work: string;
  readonly output: string;
  readonly options: BenchOptions;
  readonly measuring: MeasureOptions;
}

/** What goes by way of the API, on lade's server and on a dockerd. */
async function measureApi(
  image: BenchImage,
  { work, output, options, measuring }: ApiInput,
  keep: (part: Partial<BenchResults>) => Promise<void>,
): Promise<void> {
  if (!options.contenders.has("lade")) return;
  const folder = join(work, "api");
  await mkdir(folder);
  await using server = await startLadeServer(join(folder, "lade"));
  await keep({ idleMemory: server.idleMemory });
  const programs: ApiProgram[] = [server.program];
  await using daemon = options.contenders.has("docker")
    ? await startDockerd({ dataRoot: join(folder, "docker") })
    : undefined;
  if (daemon !== undefined) {
    const words = daemon.command.map(shellQuote).join(" ");
    const socket = daemon.host.replace("unix://", "");
    programs.push({ name: "docker", words, daemonPid: daemon.pid, socket });
  }
  const setUps = createSetUps(measuring);
  for (const plan of apiCases({ programs, image, folder: output, rounds: options.rounds })) {
    // The tiny image has no programs to run.
    if (!isWanted(options, plan.id) || (options.quick && plan.id === "api-run")) continue;
    await keep({ cases: await measureInTurns(plan, { ...measuring, setUps }) });
  }
  await setUps.leaveAll();
  if (!isWanted(options, "api-clients")) return;
  const container = "bench";
  for (const { words } of programs) {
    const create = `${words} create --name ${container} --network none ${image.name} true`;
    const load = `${words} load -q -i ${shellQuote(image.archive)}`;
    await shell(`${load} && ${create}`, { env: measuring.env, timeoutMs: LATE_MS });
  }
  const { quick } = options;
  const { report } = measuring;
  await keep({
    clients: await measureClients({ programs, image: image.name, container, quick, report }),
  });
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? `bench: ${error.message}` : error);
  process.exitCode = 1;
}
