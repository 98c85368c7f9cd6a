// SPDX-License-Identifier: Apache-2.0

/** The images that many clients work on at once: each can run, and they share a layer. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dockerSave25 } from "../fixtures/docker-oci.ts";
import { dir, file, type SampleImage, sampleImage, sampleLayer } from "../fixtures/sample-image.ts";
import { packed, plainArchive } from "../fixtures/variants.ts";
import { noise } from "../helpers/bytes.ts";
import { requireTool } from "../helpers/tools.ts";

export interface CrowdArchive {
  readonly path: string;
  readonly tag: string;
  readonly imageId: string;
}

/** The last two are two versions under one name. */
const tags = ["reg0:1", "reg1:1", "reg2:1", "reg3:1", "reg3:1"];

export function makeCrowdArchives(folder: string): readonly CrowdArchive[] {
  const busybox = readFileSync(requireTool("busybox", "busybox-static"));
  const base = sampleLayer([dir("bin/"), file("bin/busybox", busybox, { mode: 0o755 })]);
  return tags.map((tag, index) => {
    const text = `image ${index}`;
    const own = sampleLayer([dir("own/"), file("own/data", noise(90_000 * (index + 1), text))]);
    const image = sampleImage({ layers: [base, own] });
    const path = join(folder, `crowd${index}.tar`);
    writeFileSync(path, archiveOf(image, tag, index));
    return { path, tag, imageId: image.imageId };
  });
}

function archiveOf(image: SampleImage, tag: string, index: number): Buffer {
  if (index % 3 === 1) return dockerSave25([{ image, tags: [tag] }]).archive;
  const plain = plainArchive([image], { tags: [tag] });
  return index % 3 === 2 ? packed(plain, "gzip").archive : plain.archive;
}

/** An archive of which one byte of a layer is wrong. */
export function makeDamagedArchive(folder: string): string {
  const sound = sampleLayer([dir("bad/"), file("bad/data", noise(50_000, "bad"))]);
  const bytes = Buffer.from(sound.tar);
  bytes[20_000] = ((bytes[20_000] ?? 0) + 1) % 256;
  const image = sampleImage({ layers: [sound] });
  const path = join(folder, "damaged.tar");
  const wrong = { ...image, layers: [{ ...sound, tar: bytes }] };
  writeFileSync(path, plainArchive([wrong], { tags: ["damaged:1"] }).archive);
  return path;
}

/** A tar of many small files in a few folders. */
export function makeManyFiles(folder: string): string {
  const folders = ["many0", "many1", "many2"];
  const entries = folders.flatMap((name) => [
    dir(`${name}/`),
    ...Array.from({ length: 100 }, (_, index) => file(`${name}/file${index}`, `${index}\n`)),
  ]);
  const path = join(folder, "files.tar");
  writeFileSync(path, sampleLayer(entries).tar);
  return path;
}
