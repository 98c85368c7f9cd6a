// SPDX-License-Identifier: Apache-2.0

/** The images that lade, Docker and podman load beside each other. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dir, file, type SampleLayer, sampleImage, sampleLayer } from "../fixtures/sample-image.ts";
import { plainArchive } from "../fixtures/variants.ts";
import { noise } from "../helpers/bytes.ts";
import { noiseLayer } from "./archives.ts";
import type { WantedImage } from "./peers.ts";

export interface PeerArchive extends WantedImage {
  readonly path: string;
}

export function writePeerArchive(
  folder: string,
  tag: string,
  layers: readonly SampleLayer[],
): PeerArchive {
  const image = sampleImage({ layers });
  const path = join(folder, `${tag.replace(":", "-")}.tar`);
  writeFileSync(path, plainArchive([image], { tags: [tag] }).archive);
  return { path, tag, layers: image.diffIds };
}

/**
 * Two images with a layer in common. Loading the second takes a while: it has layers of some
 * megabytes, and one of many files.
 */
export function peerArchives(folder: string): readonly [PeerArchive, PeerArchive] {
  const base = noiseLayer("base", 1_000_000);
  const names = Array.from({ length: 1500 }, (_, index) => `many/file${index}`);
  const many = sampleLayer([dir("many/"), ...names.map((name) => file(name, noise(2000, name)))]);
  return [
    writePeerArchive(folder, "other:1", [base, noiseLayer("other", 3_000_000)]),
    writePeerArchive(folder, "loaded:1", [
      ...[base, noiseLayer("first", 12_000_000), many],
      noiseLayer("last", 12_000_000),
    ]),
  ];
}
