// SPDX-License-Identifier: Apache-2.0

/** The images that the harnesses load: small, of shared layers, plain and compressed. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { annotationKeys, blobPath, indexOf, ociImage } from "../fixtures/archive-parts.ts";
import { digestOf } from "../fixtures/digests.ts";
import { dockerSave25 } from "../fixtures/docker-oci.ts";
import {
  dir,
  file,
  type SampleImage,
  type SampleLayer,
  sampleImage,
  sampleLayer,
} from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { plainArchive } from "../fixtures/variants.ts";
import { noise } from "../helpers/bytes.ts";

export interface Archive {
  readonly path: string;
  /** Docker's short form. */
  readonly tag: string;
  readonly imageId: string;
  /** Digests of the layers' tars. */
  readonly layers: readonly string[];
}

export interface Archives {
  readonly images: readonly Archive[];
  /** An archive of which one byte of a layer is wrong. */
  readonly damaged: Archive;
  /** Root file systems, for `import`. */
  readonly trees: readonly string[];
  /** Files, for `cp`. */
  readonly files: readonly string[];
}

/** Two files: one of so many bytes, and a small one. */
export function noiseLayer(name: string, size: number): SampleLayer {
  return sampleLayer([
    dir(`${name}/`),
    file(`${name}/data`, noise(size, name)),
    file(`${name}/name`, `${name}\n`),
  ]);
}

interface Plan {
  readonly tag: string;
  readonly layers: readonly SampleLayer[];
  readonly form: "plain" | "docker25" | "oci-gzip";
}

/**
 * Writes the archives.
 *
 * @param sizes bytes of a layer's file; more than 2 MiB is written with O_DIRECT
 */
export function makeArchives(folder: string, sizes: readonly number[]): Archives {
  const base = noiseLayer("base", sizes[0] ?? 1000);
  const plans = sizes.map((size, index): Plan => {
    const forms = ["plain", "oci-gzip", "docker25"] as const;
    // The last two are two versions under one name.
    const version = Math.min(index, sizes.length - 2);
    return {
      tag: `app${version}:1`,
      layers: [base, noiseLayer(`app${index}`, size)],
      form: forms[index % forms.length] ?? "plain",
    };
  });
  const images = plans.map((plan, index) => {
    const image = sampleImage({ layers: plan.layers });
    const path = join(folder, `image${index}.tar`);
    writeFileSync(path, archiveOf(image, plan));
    return { path, tag: plan.tag, imageId: image.imageId, layers: image.diffIds };
  });
  return {
    images,
    damaged: makeDamaged(folder),
    trees: [0, 1].map((index) => {
      const path = join(folder, `tree${index}.tar`);
      writeFileSync(path, noiseLayer(`tree${index}`, sizes[index] ?? 1000).tar);
      return path;
    }),
    files: [0, 1].map((index) => {
      const path = join(folder, `file${index}`);
      writeFileSync(path, noise(30_000 * (index + 1), `file${index}`));
      return path;
    }),
  };
}

function archiveOf(image: SampleImage, { tag, form }: Plan): Buffer {
  if (form === "plain") return plainArchive([image], { tags: [tag] }).archive;
  if (form === "docker25") return dockerSave25([{ image, tags: [tag] }]).archive;
  const oci = ociImage(image, { compression: "gzip" });
  const descriptor = {
    ...oci.descriptor,
    annotations: {
      [annotationKeys.imageName]: `docker.io/library/${tag}`,
      [annotationKeys.refName]: "1",
    },
  };
  return tar([
    { name: "oci-layout", body: '{"imageLayoutVersion": "1.0.0"}' },
    { name: "index.json", body: indexOf([descriptor]) },
    ...[...oci.blobs].map(([digest, body]) => ({ name: blobPath(digest), body })),
  ]);
}

/** The layer's bytes are not what the config says of them. */
function makeDamaged(folder: string): Archive {
  const sound = noiseLayer("damaged", 5000);
  const bytes = Buffer.from(sound.tar);
  // In the content of the file: the tar itself stays sound.
  bytes[2000] = (bytes[2000] ?? 0) ^ 1;
  const image = sampleImage({ layers: [sound] });
  const wrong = { ...image, layers: [{ ...sound, tar: bytes }] };
  const path = join(folder, "damaged.tar");
  writeFileSync(path, plainArchive([wrong], { tags: ["damaged:1"] }).archive);
  if (digestOf(bytes) === sound.diffId) throw new Error("the damaged layer is sound");
  return { path, tag: "damaged:1", imageId: image.imageId, layers: image.diffIds };
}
