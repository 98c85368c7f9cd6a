// SPDX-License-Identifier: Apache-2.0

/**
 * Mistakes that power cuts and crash states must bring to light: each takes out one step of what
 * makes the store last. That files without a row are swept is for `call-mistakes.ts`: after a crash
 * such files may be left.
 */

import { checkCrashStates } from "./crash-states.ts";
import { cutPower } from "./power-cut.ts";
import { type DiskKind, diskKinds } from "./power-disk.ts";
import { type Finding, type Mistake, notFound, proofOf } from "./proof.ts";
import { seededRandom } from "./random.ts";
import type { GoalOptions } from "./result.ts";
import type { Replacement } from "./source-copy.ts";

function without(file: string, find: string): Replacement {
  return { file, find, replace: "" };
}

const commit = "src/content/commit.ts";

const mistakes: readonly Mistake[] = [
  {
    name: "a layer's tar is not synced",
    replacements: [without("src/content/file-writer.ts", "      await fdatasync(file.fd);\n")],
  },
  {
    name: "a layer's compressed form is not synced",
    replacements: [
      without("src/content/stage.ts", "      if (fd !== undefined) await fdatasync(fd);\n"),
    ],
  },
  {
    name: "configs and manifests are not synced",
    replacements: [without(commit, "      await fdatasync(fd);\n")],
  },
  {
    name: "the folder of blobs is not synced",
    replacements: [without(commit, "      syncNames(store);\n")],
  },
  {
    name: "the folder of blobs is synced before the names are in it",
    replacements: [
      {
        file: commit,
        find: `      for (const blob of input.blobs) placeBlob(store, input.lease, blob);
      syncNames(store);`,
        replace: `      syncNames(store);
      for (const blob of input.blobs) placeBlob(store, input.lease, blob);`,
      },
    ],
  },
  {
    name: "a damaged blob is written over in its place",
    replacements: [
      {
        file: commit,
        find: `    fs.linkSync(leased, \`\${leased}.new\`);
    fs.renameSync(\`\${leased}.new\`, path);`,
        replace: `    fs.rmSync(path);
    fs.writeFileSync(path, fs.readFileSync(leased));`,
      },
    ],
  },
  {
    name: "rows are written before the files are in place",
    replacements: [
      {
        file: commit,
        find: `    return store.database.transaction(() => {
      for (const blob of input.blobs) placeBlob(store, input.lease, blob);
      syncNames(store);
      for (const blob of input.blobs) recordBlob(store, blob);
      return describe();
    });`,
        replace: `    const early = (digest) => fs.statSync(input.lease.pathOf(digest)).size;
    const result = store.database.transaction(() => {
      for (const { digest, layer } of input.blobs) {
        const sql = "INSERT OR IGNORE INTO blob (digest, size) VALUES (?, ?)";
        store.database.run(sql, digest, early(digest));
        if (layer === undefined) continue;
        store.database.run(
          "INSERT OR REPLACE INTO layer (diff_id, content_size, entries) VALUES (?, ?, ?)",
          digest, layer.contentSize, layer.entries,
        );
      }
      return describe();
    });
    for (const blob of input.blobs) placeBlob(store, input.lease, blob);
    syncNames(store);
    return result;`,
      },
    ],
  },
  {
    name: "a layer's digest is not checked",
    replacements: [
      without(
        "src/engine/take-layers.ts",
        "  for (const layer of group.layers) checkDigests(layer, staged);\n",
      ),
    ],
  },
  {
    name: "the database does not sync what it commits",
    replacements: [
      {
        file: "src/content/database.ts",
        find: '"PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"',
        replace: '"PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON"',
      },
    ],
  },
  {
    name: "the names of a new store's folders are not synced",
    replacements: [
      without(
        "src/content/store.ts",
        "    for (const folder of [paths.blobs, paths.indexes, paths.ingest]) syncUpTo(folder, paths.root);\n",
      ),
    ],
  },
  {
    name: "files are removed before the rows that name them are gone for good",
    replacements: [
      {
        file: "src/engine/remove.ts",
        find: "    if (deletion.blobs.length > 0) noteSweep(store);\n  });\n",
        replace: "  }, { isDurable: false });\n",
      },
    ],
  },
  {
    name: "rows go before the removal of their files is synced",
    replacements: [
      without("src/content/sweep.ts", "    if (swept.length > 0) syncRemoval(store);\n"),
    ],
  },
  {
    name: "what a crashed command staged is not swept",
    replacements: [
      {
        file: "src/content/lease.ts",
        find: "  for (const id of new Set(ids)) sweepLease(store, id);\n",
        replace: "  void ids;\n  void sweepLease;\n",
      },
    ],
  },
  {
    name: "a container's folder is not synced",
    replacements: [
      without(
        "src/engine/create.ts",
        "      if (isDurable(container)) await syncFolders(store, folder);\n",
      ),
    ],
  },
];

const statesPerStory = 1500;
const cuts = 40;

/** How much was looked at, and what was found there. */
interface Sight {
  readonly looked: string;
  readonly failure: string | undefined;
}

async function lookAtStates(program: string, { seed }: GoalOptions): Promise<Sight> {
  let looked = 0;
  for (const story of ["images", "containers", "large"] as const) {
    const states = story === "large" ? statesPerStory / 5 : statesPerStory;
    const how = { story, states, seed, program, stopsEarly: true };
    const { failures, states: count } = await checkCrashStates(how);
    looked += count;
    if (failures[0] !== undefined) return { looked: `${looked} states`, failure: failures[0] };
  }
  return { looked: `${looked} states`, failure: undefined };
}

/** The file system that keeps things to itself for longest. */
async function lookAtCuts(program: string, { seed }: GoalOptions): Promise<Sight> {
  const disk = diskKinds[1] as DiskKind;
  const how = { disk, cuts, random: seededRandom(seed), program, stopsEarly: true };
  const { failures, cuts: count } = await cutPower(how);
  return { looked: `${count} cuts`, failure: failures[0] };
}

/** Found where either of the two finds it. */
async function look(_: Mistake, program: string, options: GoalOptions): Promise<Finding> {
  const sights = [await lookAtStates(program, options), await lookAtCuts(program, options)];
  return {
    cells: sights.map(({ looked, failure }) =>
      failure === undefined ? notFound : `found in ${looked}`,
    ),
    found: sights.find(({ failure }) => failure !== undefined)?.failure,
  };
}

export const diskProof = proofOf({
  goals: ["G1", "G2"],
  name: "proof",
  title: "Mistakes that were planted for G1 and G2",
  head: ["crash states", "power cuts"],
  mistakes,
  look,
});
