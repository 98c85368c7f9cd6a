// SPDX-License-Identifier: Apache-2.0

/** What lade's commands do to a disk, one after the other, and what has to be there after each. */

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unmountBelow } from "../helpers/mounts.ts";
import { type Archives, makeArchives } from "./archives.ts";
import { DiskRecord, type Effect, type Node, readTree } from "./disk-record.ts";
import { crashState } from "./disk-states.ts";
import * as operations from "./operations.ts";
import { seededRandom } from "./random.ts";
import { emptyState, type StoreState } from "./store-state.ts";
import { trace } from "./trace.ts";

export interface RecordedCommand {
  readonly text: string;
  /** Moments of the recording. */
  readonly start: number;
  readonly end: number;
  readonly before: StoreState;
  readonly after: StoreState;
  /** A blob is damaged until the command has reported success. */
  readonly heals: boolean;
}

export interface Recording {
  readonly effects: readonly Effect[];
  readonly folders: ReadonlySet<Node>;
  readonly commands: readonly RecordedCommand[];
  /** Commands that did not do what they have to. */
  readonly problems: readonly string[];
}

const layerSizes = [6_000, 3_000, 30_000, 9_000];

/** One layer is written with O_DIRECT. */
const largeLayerSizes = [2_200_000, 3_000, 5_000];

export type Story = "images" | "containers" | "large";

/**
 * Runs the commands of a story and records them.
 *
 * @param program what Node starts as lade
 * @throws Error where the recording is not what the disk became: then a call is not understood
 */
export async function record(program: string, story: Story): Promise<Recording> {
  const top = mkdtempSync(join("/dev/shm", "lade-record-"));
  try {
    const disk = join(top, "disk");
    mkdirSync(disk);
    const archives = makeArchives(top, story === "large" ? largeLayerSizes : layerSizes);
    const recorder = new Recorder(program, { top, disk });
    for (const step of stories[story](archives)) await recorder.take(step);
    recorder.verify();
    return recorder.recording();
  } finally {
    unmountBelow(top);
    rmSync(top, { recursive: true, force: true });
  }
}

/** A command, or something that is done to the store's files between two of them. */
type Step = operations.Operation | ((recorder: Recorder) => void);

const stories: Readonly<Record<Story, (archives: Archives) => readonly Step[]>> = {
  images: ({ images, damaged, trees }) => [
    operations.load(images[0] as (typeof images)[number]),
    operations.load(images[1] as (typeof images)[number]),
    operations.loadDamaged(damaged),
    operations.tag("app0:1", "other:1"),
    operations.load(images[2] as (typeof images)[number]),
    operations.importTree(trees[0] as string, "tree:1"),
    // Another image under the same name, which leaves a nameless one.
    operations.load(images[3] as (typeof images)[number]),
    operations.prune(),
    operations.removeTag("app0:1"),
    operations.removeTag("other:1"),
    operations.load(images[0] as (typeof images)[number]),
    operations.removeTag("app1:1"),
    operations.load(images[1] as (typeof images)[number]),
  ],
  containers: ({ images }) => [
    operations.load(images[0] as (typeof images)[number]),
    operations.create("app0:1", "box"),
    (recorder) => recorder.writeUpper("written", Buffer.alloc(9000, "x")),
    operations.commit("box", "made:1"),
    operations.create("made:1", "second"),
    operations.removeContainer("box"),
    operations.removeContainer("second"),
    operations.removeTag("made:1"),
    operations.removeTag("app0:1"),
  ],
  large: ({ images }) => [
    operations.load(images[0] as (typeof images)[number]),
    operations.load(images[1] as (typeof images)[number]),
    (recorder) => recorder.damageLargest(),
    operations.load(images[0] as (typeof images)[number]),
    operations.removeTag("app0:1"),
  ],
};

class Recorder {
  readonly #program: string;
  readonly #top: string;
  readonly #disk: string;
  readonly #record: DiskRecord;
  readonly #commands: RecordedCommand[] = [];
  readonly #problems: string[] = [];
  #state = emptyState;
  #damagedAt: number | undefined;

  constructor(program: string, folders: { readonly top: string; readonly disk: string }) {
    this.#program = program;
    this.#top = folders.top;
    this.#disk = folders.disk;
    this.#record = new DiskRecord(folders.disk);
  }

  async take(step: Step): Promise<void> {
    if (typeof step === "function") step(this);
    else await this.#run(step);
  }

  async #run(operation: operations.Operation): Promise<void> {
    const node = [process.execPath, "--disable-warning=ExperimentalWarning", this.#program];
    const traced = await trace([...node, ...operation.args], {
      env: { LADE_ROOT: join(this.#disk, "store"), LADE_RUN_ROOT: join(this.#top, "run") },
      file: join(this.#top, "trace"),
    });
    const text = operation.args.join(" ").replaceAll(`${this.#top}/`, "");
    const isRight = (traced.code === 0) !== (operation.isRefused === true);
    if (!isRight) this.#problems.push(`${text}: exit ${traced.code}: ${traced.stderr}`);
    const start = this.#damagedAt ?? this.#record.now;
    this.#record.addCommand(traced.calls);
    const before = this.#state;
    const isDone = traced.code === 0;
    this.#state = isDone ? operation.apply(before, traced.stdout) : before;
    const end = this.#record.now - 1;
    const heals = this.#damagedAt !== undefined;
    this.#damagedAt = undefined;
    this.#commands.push({ text, start, end, before, after: this.#state, heals });
  }

  /** A file that a container wrote, and synced. */
  writeUpper(name: string, bytes: Buffer): void {
    const containers = join(this.#disk, "store", "containers");
    const [id = ""] = readdirSync(containers);
    this.#write(join(containers, id, "upper", name), bytes);
  }

  /** A disk that goes bad under a blob. */
  damageLargest(): void {
    const blobs = [...readTree(this.#disk)].filter(([path]) => path.includes("/blobs/sha256/"));
    const [path, bytes] = blobs.sort(([, a], [, b]) => b.length - a.length)[0] as [string, Buffer];
    const damaged = Buffer.from(bytes);
    damaged[5000] = (damaged[5000] ?? 0) ^ 1;
    this.#damagedAt = this.#record.now;
    this.#write(join(this.#disk, path), damaged);
  }

  #write(path: string, bytes: Buffer): void {
    writeFileSync(path, bytes);
    this.#record.addFile(path, bytes);
  }

  /** The recording, played back without a crash, must be what is there. */
  verify(): void {
    const { effects, folders, now } = this.#record;
    const random = seededRandom(1);
    const { files } = crashState(effects, { mode: "kept", cut: now, random, folders });
    const actual = readTree(this.#disk);
    const paths = new Set([...files.keys(), ...actual.keys()]);
    for (const path of paths) {
      const [recorded, real] = [files.get(path), actual.get(path)];
      if (recorded === undefined || real === undefined || !recorded.equals(real)) {
        throw new Error(`the recording of ${path} is not what is on the disk`);
      }
    }
  }

  recording(): Recording {
    const { effects, folders } = this.#record;
    return {
      effects,
      folders: new Set(folders.keys()),
      commands: this.#commands,
      problems: this.#problems,
    };
  }
}

/** What is wrong of what was found when the disk is as it was at this moment. */
export function wrongOf(
  commands: readonly RecordedCommand[],
  cut: number,
  problems: readonly string[],
): readonly string[] {
  const command = commands.findLast(({ start }) => start <= cut);
  const isDamaged = command?.heals === true && cut < command.end;
  return isDamaged ? problems.filter((problem) => !/^(blob|index|erofs)-/.test(problem)) : problems;
}

/** The states that are right when the disk is as it was at this moment. */
export function rightStates(commands: readonly RecordedCommand[], cut: number): StoreState[] {
  const command = commands.findLast(({ start }) => start <= cut);
  if (command === undefined) return [emptyState];
  return cut >= command.end ? [command.after] : [command.before, command.after];
}
