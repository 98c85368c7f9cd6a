// SPDX-License-Identifier: Apache-2.0

/** G12 for others: one byte of a stored layer is another; who tells, and does loading heal it? */

import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noiseLayer } from "../archives.ts";
import { type PeerArchive, writePeerArchive } from "../peer-archives.ts";
import { allSubjects, type PeerSubject, type RunningPeer, type SaveOutcome } from "../peers.ts";
import { type Random, seededRandom } from "../random.ts";
import type { Goal, GoalOptions, GoalResult } from "../result.ts";
import { copyLade } from "../source-copy.ts";

const usualFlips = 20;

/** What the tool can see of a flip but for the byte itself. */
const flipKinds = [
  "the file's time changes",
  "size and time stay, same boot",
  "size and time stay, then a reboot",
] as const;
type FlipKind = (typeof flipKinds)[number];

interface Seen {
  readonly saves: Record<SaveOutcome, number>;
  /** What `save` gives after the same archive was loaded again, or that `load` failed. */
  readonly healed: { yes: number; no: number; refused: number };
}

async function run(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  const folder = fs.mkdtempSync(join(tmpdir(), "lade-peers-"));
  const rows: (string | number)[][] = [];
  const failures: string[] = [];
  try {
    using lade = await copyLade();
    const layers = ["one", "two", "three"].map((name) => noiseLayer(name, 200_000));
    const image = writePeerArchive(folder, "rotting:1", layers);
    for (const subject of allSubjects(lade.program)) {
      const random = seededRandom(options.seed);
      const flips = options.count ?? usualFlips;
      const seen = await rotAll(subject, { folder, image, random, flips });
      for (const kind of flipKinds) {
        const { saves, healed } = seen[kind];
        const row = [
          ...[await subject.version(), kind, flips, saves.told, saves.wrong, saves.right],
          ...[healed.yes, healed.no, healed.refused],
        ];
        rows.push(row);
        options.log(row.join("  "));
        if (subject.name === "lade") failures.push(...failuresOf(kind, seen[kind]));
      }
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return {
    goal: peerBitRot.name,
    title: peerBitRot.title,
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: [
      ...["tool", "flip", "flips", "`save` tells", "wrong bytes, exit 0", "right bytes"],
      ...["`load` heals", "says it loaded, does not heal", "`load` fails"],
    ],
    rows,
    failures,
  };
}

/** Of a flip that leaves size and time lade promises nothing before the next boot. */
function failuresOf(kind: FlipKind, { saves, healed }: Seen): string[] {
  if (kind === "size and time stay, same boot") return [];
  const unhealed = healed.no + healed.refused;
  return [
    ...(saves.wrong > 0 ? [`lade, ${kind}: ${saves.wrong} saves gave wrong bytes`] : []),
    ...(unhealed > 0 ? [`lade, ${kind}: ${unhealed} loads did not heal`] : []),
  ];
}

interface Rotting {
  readonly folder: string;
  readonly image: PeerArchive;
  readonly random: Random;
  readonly flips: number;
}

async function rotAll(subject: PeerSubject, rotting: Rotting): Promise<Record<FlipKind, Seen>> {
  const scratch = fs.mkdtempSync(join(rotting.folder, `${subject.name}-`));
  const root = join(scratch, "store");
  const nothing = (): Seen => ({
    saves: { told: 0, wrong: 0, right: 0 },
    healed: { yes: 0, no: 0, refused: 0 },
  });
  const seen = Object.fromEntries(flipKinds.map((kind) => [kind, nothing()]));
  try {
    await using peer = await subject.start({ root, scratch });
    await peer.load(rotting.image.path);
    for (let flip = 0; flip < rotting.flips; flip++) {
      for (const kind of flipKinds) {
        const files = subject.dataFiles(root, rotting.image);
        await rotOnce(peer, { ...rotting, kind, files }, seen[kind] as Seen);
      }
    }
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
  return seen as Record<FlipKind, Seen>;
}

interface Flip extends Rotting {
  readonly kind: FlipKind;
  readonly files: readonly string[];
}

/** @throws Error where the image can't be made whole again even by removing and loading it */
async function rotOnce(peer: RunningPeer, flip: Flip, { saves, healed }: Seen): Promise<void> {
  const { image } = flip;
  flipByte(flip);
  if (flip.kind === "size and time stay, then a reboot") await peer.reboot();
  saves[await peer.save(image)]++;
  const loaded = await peer.command(["load", "-q", "-i", image.path]);
  if (loaded.code !== 0) healed.refused++;
  else if ((await peer.look(image)) === "whole") healed.yes++;
  else healed.no++;
  await makeWhole(peer, image);
}

function flipByte({ files, random, kind, folder }: Flip): void {
  const path = random.pick(files.filter((file) => fs.statSync(file).size > 0));
  const times = join(folder, "times");
  execFileSync("touch", ["-r", path, times]);
  const fd = fs.openSync(path, "r+");
  try {
    const at = random.below(fs.fstatSync(fd).size);
    const byte = Buffer.alloc(1);
    fs.readSync(fd, byte, 0, 1, at);
    byte[0] = ((byte[0] as number) + 1 + random.below(255)) % 256;
    fs.writeSync(fd, byte, 0, 1, at);
  } finally {
    fs.closeSync(fd);
  }
  // To the nanosecond, which Node's own calls can't.
  if (kind !== "the file's time changes") execFileSync("touch", ["-r", times, path]);
}

/** Whether the healing went well or not, the next flip begins with an image that is whole. */
async function makeWhole(peer: RunningPeer, image: PeerArchive): Promise<void> {
  await peer.command(["rmi", "-f", image.tag]);
  await peer.load(image.path);
  if ((await peer.look(image)) !== "whole") throw new Error("not whole after it was loaded anew");
}

export const peerBitRot: Goal = {
  name: "G12-peers",
  title: "Bit rot: one byte of a stored layer, then `save`, and `load` of the same archive",
  isDefault: false,
  run,
};
