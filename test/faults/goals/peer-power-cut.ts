// SPDX-License-Identifier: Apache-2.0

/** G1 for others: they load an image, say so, and the power is cut some time later. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { makeArchives } from "../archives.ts";
import {
  dockerSubject,
  ladeSubject,
  type PeerSubject,
  podmanSubject,
  type SavedImage,
} from "../peers.ts";
import { type DiskKind, diskKinds, makePowerDisk } from "../power-disk.ts";
import { seededRandom } from "../random.ts";
import type { Goal, GoalOptions, GoalResult } from "../result.ts";
import { copyLade } from "../source-copy.ts";

const usualCuts = 10;
/** How long after the tool reported success: ext4 writes its journal every five seconds. */
const longestWaitMs = 8000;
const layerSizes = [40_000, 3_000, 300_000];

async function run(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  const cuts = options.count ?? usualCuts;
  const folder = mkdtempSync(join(tmpdir(), "lade-peers-"));
  const rows: (string | number)[][] = [];
  const failures: string[] = [];
  try {
    const [archive] = makeArchives(folder, layerSizes).images;
    if (archive === undefined) throw new Error("no archive");
    using lade = await copyLade();
    const subjects = [ladeSubject(lade.program), dockerSubject(), podmanSubject()];
    const disks = [diskKinds[0], diskKinds[3]] as readonly DiskKind[];
    for (const disk of disks) {
      for (const subject of subjects) {
        const counts: Record<SavedImage, number> = { whole: 0, damaged: 0, gone: 0 };
        const random = seededRandom(options.seed);
        for (let cut = 0; cut < cuts; cut++) {
          const waitMs = Math.round(random.fraction() * longestWaitMs);
          counts[await cutOnce(subject, { disk, folder, archive, waitMs })]++;
        }
        const row = [
          await subject.version(),
          disk.name,
          cuts,
          counts.whole,
          counts.damaged,
          counts.gone,
        ];
        rows.push(row);
        options.log(row.join("  "));
        const lost = counts.damaged + counts.gone;
        if (subject.name === "lade" && lost > 0) failures.push(`${disk.name}: ${lost} images lost`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    goal: peerPowerCut.name,
    title: peerPowerCut.title,
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: ["tool", "file system", "cuts", "whole", "listed but damaged", "not there"],
    rows,
    failures,
  };
}

interface Cut {
  readonly disk: DiskKind;
  readonly folder: string;
  readonly archive: {
    readonly path: string;
    readonly tag: string;
    readonly layers: readonly string[];
  };
  readonly waitMs: number;
}

async function cutOnce(subject: PeerSubject, cut: Cut): Promise<SavedImage> {
  await using disk = await makePowerDisk(cut.disk);
  const places = { root: join(disk.folder, "store"), scratch: cut.folder };
  {
    await using running = await subject.start(places);
    await running.load(cut.archive.path);
    await delay(cut.waitMs);
    disk.cut();
  }
  await disk.restart();
  await using running = await subject.start(places);
  return await running.look(cut.archive);
}

export const peerPowerCut: Goal = {
  name: "G1-peers",
  title: "Power cut within eight seconds after `load` reported success",
  isDefault: false,
  run,
};
