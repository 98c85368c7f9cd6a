// SPDX-License-Identifier: Apache-2.0

/** G3 for others: what does the work is killed while it loads an image. */

import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatSize } from "../../../bench/stats.ts";
import { type PeerArchive, peerArchives } from "../peer-archives.ts";
import { allSubjects, type PeerSubject, type RunningPeer, temporaryFolder } from "../peers.ts";
import { type Random, seededRandom } from "../random.ts";
import type { Goal, GoalOptions, GoalResult } from "../result.ts";
import { copyLade } from "../source-copy.ts";

const usualKills = 30;

/** What was seen of one tool, over all kills. */
interface Seen {
  kills: number;
  worksAgain: number;
  otherWhole: number;
  absent: number;
  whole: number;
  /** Listed but damaged, or gone after success was reported. */
  damaged: number;
  loadedAgain: number;
  /** Rounds after which more was there than before. */
  leaks: number;
  bytes: number;
  folders: number;
}

async function run(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  const folder = mkdtempSync(join(tmpdir(), "lade-peers-"));
  const rows: (string | number)[][] = [];
  const failures: string[] = [];
  try {
    using lade = await copyLade();
    const images = peerArchives(folder);
    for (const subject of allSubjects(lade.program)) {
      const kills = options.count ?? usualKills;
      const random = seededRandom(options.seed);
      const seen = await killAll(subject, { folder, images, kills, random, log: options.log });
      rows.push(await rowOf(subject, seen));
      options.log(rows.at(-1)?.join("  ") ?? "");
      if (subject.name === "lade") failures.push(...failuresOf(seen));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    goal: peerKill.name,
    title: peerKill.title,
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: [
      ...["tool", "kills", "works again", "the other image whole", "interrupted one absent"],
      ...["whole", "damaged or lost", "loaded again", "kills that left something"],
      ...["folders left", "bytes left"],
    ],
    rows,
    failures,
  };
}

async function rowOf(subject: PeerSubject, seen: Seen): Promise<(string | number)[]> {
  return [
    ...[await subject.version(), seen.kills, seen.worksAgain, seen.otherWhole, seen.absent],
    ...[seen.whole, seen.damaged, seen.loadedAgain, seen.leaks],
    ...[seen.folders, formatSize(seen.bytes)],
  ];
}

function failuresOf(seen: Seen): string[] {
  const { kills } = seen;
  const wrong = {
    "does not work again": kills - seen.worksAgain,
    "other image damaged": kills - seen.otherWhole,
    "damaged or lost": seen.damaged,
    "does not load again": kills - seen.loadedAgain,
    "leaves something": seen.leaks,
  };
  return Object.entries(wrong)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `lade ${what}: ${count} of ${kills}`);
}

interface Killing {
  readonly folder: string;
  readonly images: readonly [other: PeerArchive, loaded: PeerArchive];
  readonly kills: number;
  readonly random: Random;
  readonly log: (line: string) => void;
}

async function killAll(subject: PeerSubject, killing: Killing): Promise<Seen> {
  const seen: Seen = {
    ...{ kills: 0, worksAgain: 0, otherWhole: 0, absent: 0, whole: 0, damaged: 0 },
    ...{ loadedAgain: 0, leaks: 0, bytes: 0, folders: 0 },
  };
  while (seen.kills < killing.kills) await killInOneStore(subject, killing, seen);
  return seen;
}

/** Until all is done, or the store has become useless: then the caller goes on with a new one. */
async function killInOneStore(subject: PeerSubject, killing: Killing, seen: Seen): Promise<void> {
  const { images, kills, random } = killing;
  const scratch = mkdtempSync(join(killing.folder, `${subject.name}-`));
  const root = join(scratch, "store");
  const places = [root, temporaryFolder(scratch)];
  try {
    await using peer = await subject.start({ root, scratch });
    const [other, loaded] = images;
    await peer.load(other.path);
    const loadMs = await undisturbedMs(peer, loaded);
    // A second start makes folders that a first one does not.
    await peer.reboot();
    killing.log(`${subject.name}: a load takes ${Math.round(loadMs)} ms`);
    let before = measure(places);
    for (let isUsable = true; isUsable && seen.kills < kills; ) {
      seen.kills++;
      const afterMs = Math.round(random.fraction() * loadMs);
      isUsable = await killOnce(peer, { images, afterMs }, seen).catch((error: unknown) => {
        killing.log(`${subject.name}: killed after ${afterMs} ms: ${String(error)}`);
        return false;
      });
      const after = measure(places);
      const bytes = after.bytes - before.bytes;
      const left = [...after.folders].filter((path) => !before.folders.has(path));
      const folders = left.length;
      if (isUsable && (bytes > noticedBytes || folders > 0)) {
        killing.log(`${subject.name}: killed after ${afterMs} ms: ${bytes} B, ${left[0]}`);
        seen.leaks++;
        seen.bytes += Math.max(bytes, 0);
        seen.folders += folders;
      }
      before = after;
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Documents with times in them are some bytes longer or shorter each time. */
const noticedBytes = 512;

/** How long a load takes that nobody disturbs; leaves the store as it was, but for databases. */
async function undisturbedMs(peer: RunningPeer, image: PeerArchive): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < 3; turn++) {
    const start = performance.now();
    await peer.load(image.path);
    times.push(performance.now() - start);
    await cleanUp(peer, image);
  }
  return times.toSorted((a, b) => a - b)[1] as number;
}

/** What a user does: the image goes, and what is of no use. */
async function cleanUp(peer: RunningPeer, { tag }: PeerArchive): Promise<void> {
  const removed = await peer.command(["rmi", tag]);
  if (removed.code !== 0) throw new Error(`rmi: exit ${removed.code}: ${removed.stderr}`);
  const pruned = await peer.command(["image", "prune", "-f"]);
  if (pruned.code !== 0) throw new Error(`image prune: exit ${pruned.code}: ${pruned.stderr}`);
}

interface Kill {
  readonly images: readonly [other: PeerArchive, loaded: PeerArchive];
  readonly afterMs: number;
}

/**
 * @returns whether the store can be used for the next
 * @throws Error where a command that should work does not
 */
async function killOnce(peer: RunningPeer, kill: Kill, seen: Seen): Promise<boolean> {
  const [other, loaded] = kill.images;
  const wasReported = await peer.loadKilled(loaded.path, kill.afterMs);
  if ((await peer.command(["images"])).code === 0) seen.worksAgain++;
  const isOtherWhole = (await peer.look(other)) === "whole";
  if (isOtherWhole) seen.otherWhole++;
  const state = await peer.look(loaded);
  if (state === "whole") seen.whole++;
  else if (state === "gone" && !wasReported) seen.absent++;
  else seen.damaged++;
  await peer.load(loaded.path);
  const isLoaded = (await peer.look(loaded)) === "whole";
  if (isLoaded) seen.loadedAgain++;
  await cleanUp(peer, loaded);
  return isOtherWhole && isLoaded;
}

interface Measured {
  bytes: number;
  folders: Set<string>;
}

/** What lies in folders. Databases are left out: they keep room for what comes. */
function measure(folders: readonly string[]): Measured {
  const sum: Measured = { bytes: 0, folders: new Set() };
  const seen = new Set<number>();
  for (const folder of folders) {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (entry.isDirectory()) sum.folders.add(join(entry.parentPath, entry.name));
      if (!entry.isFile() || /\.(db|sql)(-wal|-shm)?$/.test(entry.name)) continue;
      const { ino, size } = lstatSync(join(entry.parentPath, entry.name));
      if (!seen.has(ino)) sum.bytes += size;
      seen.add(ino);
    }
  }
  return sum;
}

export const peerKill: Goal = {
  name: "G3-peers",
  title: "Killed (`kill -9`) at a random moment of `load`: lade, dockerd, podman",
  isDefault: false,
  run,
};
