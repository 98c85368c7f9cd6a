// SPDX-License-Identifier: Apache-2.0

/** Random archives, listed by lade and by others: GNU tar, Python's tarfile, skopeo. */

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { listArchive } from "../../src/engine/list-archive.ts";
import { dockerEdited } from "../fixtures/hostile-base.ts";
import {
  appLayer,
  baseLayer,
  type SampleLayer,
  sampleLayer,
  topLayer,
} from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { requireTool, runOrThrow } from "../helpers/tools.ts";
import { archiveParts } from "../tar/arbitrary.ts";
import { gnuTarMembers, listedMember, startPython } from "../tar/outside-lists.ts";
import { scan } from "../tar/scan.ts";

export interface ListingOptions {
  readonly seed: number;
  readonly runs: number;
}

/** @returns the report of what differs, where something does */
async function check(property: fc.IAsyncProperty<unknown>, { seed, runs }: ListingOptions) {
  const details = await fc.check(property, { seed, numRuns: runs });
  if (!details.failed) return [];
  const { errorInstance: error } = details;
  const report = (await fc.asyncDefaultReportMessage(details)) ?? "";
  return [`${error instanceof Error ? error.message : error}\n${report.slice(0, 3000)}`];
}

/** Members with all their facts, as GNU tar and Python list them. */
export async function compareTars(options: ListingOptions): Promise<readonly string[]> {
  using python = startPython();
  const file = join(tmpdir(), `lade-listing-${process.pid}.tar`);
  try {
    const ends = fc.constantFrom(0, 1, 2, 20);
    const property = fc.asyncProperty(archiveParts, ends, async (parts, trailerBlocks) => {
      // Both want to see a tar before they believe that an empty file is one.
      if (parts.length === 0) return;
      const bytes = tar(parts, { trailerBlocks });
      writeFileSync(file, bytes);
      const found = scan(bytes).map(listedMember);
      assert.deepEqual(gnuTarMembers(file), found);
      assert.deepEqual(await python.members(file), found);
    });
    return await check(property as fc.IAsyncProperty<unknown>, options);
  } finally {
    rmSync(file, { force: true });
  }
}

const part = fc.stringMatching(/^[a-z0-9]{1,8}(?:[._-][a-z0-9]{1,5})?$/);
const tag = fc
  .tuple(
    fc.constantFrom("", "", "reg.example/", "reg.example:5000/"),
    fc.array(part, { minLength: 1, maxLength: 3 }),
    fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/),
  )
  // The first part of several would be a registry's name if it had a dot.
  .map(
    ([registry, parts, version]) =>
      `${registry}${parts.join("/").replace(/^([^/]*)\.(?=[^/]*\/)/, "$1-")}:${version}`,
  );
const layers: fc.Arbitrary<SampleLayer[]> = fc.array(
  fc.oneof(
    fc.constantFrom(baseLayer(), appLayer(), topLayer()),
    archiveParts.filter((parts) => parts.length > 0).map((parts) => sampleLayer(parts)),
  ),
  { minLength: 1, maxLength: 4 },
);

/** Names, layers and time of images, as skopeo reads them. */
export async function compareImages(options: ListingOptions): Promise<readonly string[]> {
  const skopeo = requireTool("skopeo", "skopeo");
  const file = join(tmpdir(), `lade-listing-${process.pid}.image.tar`);
  const ask = async (...words: string[]) => JSON.parse((await runOrThrow(skopeo, words)).stdout);
  try {
    const tags = fc.uniqueArray(tag, { minLength: 1, maxLength: 3 });
    const property = fc.asyncProperty(tags, layers, async (RepoTags, all) => {
      writeFileSync(file, dockerEdited({ layers: all, item: (item) => ({ ...item, RepoTags }) }));
      const [image, ...more] = (await listArchive(file)).images;
      assert.ok(image !== undefined && more.length === 0);
      const { Tags } = (await ask("list-tags", `docker-archive:${file}`)) as { Tags: string[] };
      assert.deepEqual([...image.names].sort(), [...Tags].sort());
      const shown = (await ask("inspect", `docker-archive:${file}:${RepoTags[0]}`)) as {
        Layers: string[];
        Created: string;
        Os: string;
        Architecture: string;
      };
      assert.deepEqual(
        image.layers.map(({ digest }) => digest),
        shown.Layers,
      );
      assert.equal(image.created, shown.Created);
      assert.equal(image.platform, `${shown.Os}/${shown.Architecture}`);
    });
    return await check(property as fc.IAsyncProperty<unknown>, options);
  } finally {
    rmSync(file, { force: true });
  }
}
