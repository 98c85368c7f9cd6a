// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import type { PlacedLayer } from "../content/containers.ts";
import { diffIdsOf, findImage as imageRow } from "../content/images.ts";
import type { Store } from "../content/store.ts";
import type { Digest } from "../spec/digest.ts";
import type { ImageConfigSection } from "../spec/image-config.ts";
import { formatPlatform, hostPlatform } from "../spec/platform.ts";
import type { ArchiveImageOptions } from "./archive-image.ts";
import { isArchivePath } from "./archive-path.ts";
import type { Engine } from "./engine.ts";
import { findImage } from "./find-image.ts";
import { readConfig } from "./read-config.ts";
import { readImages } from "./read-image.ts";

/** What a container is made of: an image of the store, or one that is run where it lies. */
export interface BaseImage {
  readonly id: Digest;
  readonly config: ImageConfigSection;
  /** `os/architecture[/variant]` */
  readonly platform: string;
  /** Layers that lie in an archive; undefined for an image of the store. */
  readonly placed: readonly PlacedLayer[] | undefined;
}

/**
 * Finds the image that a container is to be made of.
 *
 * @param name of an image in the store, or the path of an archive or folder
 * @throws LadeError what `findImage` and `openArchiveImage` throw
 */
export async function findBaseImage(
  engine: Engine,
  name: string,
  options: ArchiveImageOptions,
): Promise<BaseImage> {
  if (isArchivePath(name)) {
    // Half of what reads archives, which most containers do without.
    const { openArchiveImage } = await import("./archive-image.ts");
    const { id, config, layers } = await openArchiveImage(engine, name, options);
    return { id, config: config.config ?? {}, platform: formatPlatform(config), placed: layers };
  }
  const { store } = engine;
  return readImages(store, () => {
    const id = findImage(store, name, { platform: options.platform });
    return {
      id,
      config: readConfig(store, id).config ?? {},
      platform: imageRow(store.database, id)?.platform ?? formatPlatform(hostPlatform()),
      placed: undefined,
    };
  });
}

/**
 * The layers of the store that the container has to hold; inside the transaction that makes it.
 *
 * @throws LadeError IMAGE_NOT_FOUND for an image that was removed meanwhile
 */
export function layersToHold(store: Store, image: BaseImage, name: string): readonly Digest[] {
  if (image.placed !== undefined) return [];
  if (imageRow(store.database, image.id) === undefined) {
    findImage(store, name);
    // The name is another image's by now: a container without layers would be nobody's wish.
    throw new LadeError("IMAGE_NOT_FOUND", `No such image: ${image.id}`, {
      hint: `It was removed just now: ${name} stands for another image. Try again.`,
    });
  }
  return diffIdsOf(store.database, image.id);
}
