// SPDX-License-Identifier: Apache-2.0

/** G5 and G6 for others: which archives of the corpus each tool takes, and which it refuses. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { debatableArchives } from "../../fixtures/debatable.ts";
import { escapingLayers } from "../../fixtures/escaping-layers.ts";
import { honestArchives } from "../../fixtures/honest.ts";
import { hostileArchives } from "../../fixtures/hostile.ts";
import { dockerEdited } from "../../fixtures/hostile-base.ts";
import { makers } from "../../fixtures/makers.ts";
import { baseLayer, layerOfBytes } from "../../fixtures/sample-image.ts";
import { tar } from "../../fixtures/tar-builder.ts";
import { makeMemoryGroup } from "../memory-group.ts";
import { allSubjects, type PeerSubject, type RunningPeer } from "../peers.ts";
import type { Goal, GoalOptions, GoalResult } from "../result.ts";
import { type ShelteredVar, shelterVar } from "../sheltered-var.ts";
import { copyLade } from "../source-copy.ts";
import { makeVictim } from "../victim.ts";

/** What a tool may have, so that the machine survives what it is given. */
const memoryLimit = 1024 ** 3;
/** On a busy machine an honest image of 125 layers takes Docker twenty seconds. */
const hungMs = 60_000;

/** What lade wants of a group; of others nothing is wanted. */
type Wanted = "taken" | "refused" | "either";

interface Group {
  readonly name: string;
  readonly wanted: Wanted;
  readonly archives: readonly Archive[];
}

interface Archive {
  readonly name: string;
  /** @param victim absolute path of a folder outside */
  readonly build: (victim: string) => Buffer;
  /** IDs of the images that their maker meant, of honest ones. */
  readonly ids?: () => readonly string[];
}

/** `other`: taken, with the images' IDs not being those that their maker meant. */
type Verdict = "taken" | "other" | "refused" | "died or hung";

/** Bombs are left out: they are for memory limits. */
function groupsOf(count: number | undefined): readonly Group[] {
  const hostile = hostileArchives.filter(
    ({ row, outer }) => !row.startsWith("D") && outer !== "unread",
  );
  const ofRows = (letters: string) => hostile.filter(({ row }) => letters.includes(row.charAt(0)));
  const groups: readonly Group[] = [
    {
      name: "honest: as their makers write them",
      wanted: "taken",
      archives: makers.map(({ name, make }) => ({
        name,
        build: () => make().archive,
        ids: () => make().expected.map(({ imageId }) => imageId),
      })),
    },
    {
      name: "honest: odd shapes",
      wanted: "taken",
      archives: honestArchives.map(({ name, build, expected }) => ({
        name,
        build,
        ids: () => expected().map(({ imageId }) => imageId),
      })),
    },
    { name: "debatable: careful readers differ", wanted: "either", archives: debatableArchives },
    { name: "hostile: tar and pax", wanted: "refused", archives: ofRows("T") },
    { name: "hostile: paths, links, whiteouts", wanted: "refused", archives: ofRows("PW") },
    { name: "hostile: archives and documents", wanted: "refused", archives: ofRows("AC") },
    { name: "hostile: shapes, damage of every day", wanted: "refused", archives: ofRows("MB") },
    {
      name: "layers that try to get out",
      wanted: "either",
      archives: escapingLayers.map(({ row, layers }) => ({
        name: row,
        build: (victim) => {
          const own = layers(victim).map((parts) => layerOfBytes(tar(parts)));
          return dockerEdited({ layers: [baseLayer(), ...own] });
        },
      })),
    },
  ];
  const known = groups.reduce((sum, { archives }) => sum + archives.length, 0);
  const all = makers.length + honestArchives.length + debatableArchives.length;
  if (known !== all + hostile.length + escapingLayers.length) throw new Error("a row is forgotten");
  return groups.map((group) => ({ ...group, archives: group.archives.slice(0, count) }));
}

async function run(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  const folder = mkdtempSync(join(tmpdir(), "lade-peers-"));
  const rows: (string | number)[][] = [];
  const failures: string[] = [];
  try {
    using lade = await copyLade();
    await using group = makeMemoryGroup(memoryLimit);
    using machine = shelterVar();
    const place = { folder, machine, enter: group.enter, log: options.log };
    const groups = groupsOf(options.count);
    const subjects = allSubjects(lade.program);
    const judged: Judged[][] = [];
    for (const subject of subjects) {
      const all = await judgeAll(subject, groups, place);
      judged.push(all);
      if (subject.name === "lade") failures.push(...all.flatMap(failuresOf));
    }
    options.log(`killed for memory: ${group.kills()}, peak ${group.peak()}`);
    for (const [index] of groups.entries()) {
      for (const [which, subject] of subjects.entries()) {
        rows.push(rowOf(await subject.version(), judged[which]?.[index] as Judged));
        options.log(rows.at(-1)?.join("  ") ?? "");
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    goal: peerCorpus.name,
    title: peerCorpus.title,
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: [
      ...["archives", "tool", "number", "taken", "taken as another image", "refused"],
      ...["died or hung", "reached a folder outside"],
    ],
    rows,
    failures,
  };
}

interface Judged {
  readonly group: Group;
  readonly verdicts: readonly (readonly [name: string, verdict: Verdict])[];
  /** Names of archives after which the folder outside was another. */
  readonly reached: readonly string[];
}

function rowOf(version: string, { group, verdicts, reached }: Judged): (string | number)[] {
  const count = (wanted: Verdict) => verdicts.filter(([, verdict]) => verdict === wanted).length;
  return [
    ...[group.name, version, verdicts.length, count("taken"), count("other"), count("refused")],
    ...[count("died or hung"), reached.length],
  ];
}

function failuresOf({ group, verdicts, reached }: Judged): string[] {
  const isRight = (verdict: Verdict) =>
    group.wanted === "either" ? verdict !== "died or hung" : verdict === group.wanted;
  return [
    ...verdicts
      .filter(([, verdict]) => !isRight(verdict))
      .map(([name, verdict]) => `lade, ${group.name}: ${name}: ${verdict}`),
    ...reached.map((name) => `lade, ${group.name}: ${name}: reached a folder outside`),
  ];
}

interface Place {
  readonly folder: string;
  readonly machine: ShelteredVar;
  readonly enter: readonly string[];
  readonly log: (line: string) => void;
}

async function judgeAll(
  subject: PeerSubject,
  groups: readonly Group[],
  { folder, machine, enter, log }: Place,
): Promise<Judged[]> {
  const scratch = mkdtempSync(join(folder, `${subject.name}-`));
  const path = join(scratch, "image.tar");
  const victim = makeVictim(scratch);
  const judged: Judged[] = [];
  let [root, stores] = [join(scratch, "store0"), 0];
  let peer = await subject.start({ root, scratch, enter });
  try {
    for (const group of groups) {
      const verdicts: [string, Verdict][] = [];
      const reached: string[] = [];
      for (const archive of group.archives) {
        writeFileSync(path, archive.build(victim.path));
        const facts = victim.facts();
        const verdict = await judge(peer, { path, ids: archive.ids?.() ?? [], log });
        verdicts.push([archive.name, verdict]);
        if (!machine.isWhole() || victim.facts() !== facts) {
          reached.push(archive.name);
          log(`${subject.name}: reached a folder outside: ${archive.name}`);
        }
        if (verdict !== "taken") log(`${subject.name}: ${verdict}: ${archive.name}`);
        if (verdict !== "died or hung" && (await isEmptied(peer))) continue;
        log(`${subject.name}: a new store after ${archive.name}`);
        await peer[Symbol.asyncDispose]();
        rmSync(root, { recursive: true, force: true });
        root = join(scratch, `store${++stores}`);
        peer = await subject.start({ root, scratch, enter });
      }
      judged.push({ group, verdicts, reached });
    }
    return judged;
  } finally {
    await peer[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  }
}

interface Case {
  readonly path: string;
  readonly ids: readonly string[];
  readonly log: (line: string) => void;
}

async function judge(peer: RunningPeer, { path, ids, log }: Case): Promise<Verdict> {
  const started = performance.now();
  try {
    const load = ["load", "-q", "-i", path];
    const { code, stderr } = await peer.command(load, { timeoutMs: hungMs });
    const hasDied = code >= 128 || /^(panic|fatal error): /m.test(stderr) || !peer.isRunning();
    if (hasDied) {
      log(`exit ${code}: ${stderr.slice(0, 500)}`);
      return "died or hung";
    }
    if (code !== 0) return "refused";
    const listed = await peer.ids();
    return ids.every((id) => listed.includes(id)) ? "taken" : "other";
  } catch (error) {
    if (performance.now() - started < hungMs) throw error;
    return "died or hung";
  }
}

/** Removes all images, so that no layer of one archive serves another. */
async function isEmptied(peer: RunningPeer): Promise<boolean> {
  const ids = await peer.ids();
  if (ids.length === 0) return true;
  await peer.command(["rmi", "-f", ...ids]);
  return (await peer.ids()).length === 0;
}

export const peerCorpus: Goal = {
  name: "G5-peers",
  title: "Hostile and honest archives: which of them `load` takes",
  isDefault: false,
  run,
};
