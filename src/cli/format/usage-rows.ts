// SPDX-License-Identifier: Apache-2.0

import type { ContainerSummary } from "../../engine/container-types.ts";
import type { DiskUsage } from "../../engine/types.ts";
import { type ImageRow, imageRows } from "./image-view.ts";

/** One row for each image, with its first name. */
export function usageImageRows({ images }: DiskUsage): ImageRow[] {
  return images.flatMap((image) => {
    const [row] = imageRows(image, { hasDigests: false });
    const { sharedSize, containers } = image;
    return row === undefined ? [] : [{ ...row, digest: "", sharedSize, containers }];
  });
}

/** A container whose size is its own: its image's is shown with images. */
export function ownSize(container: ContainerSummary): ContainerSummary {
  return { ...container, SizeRootFs: 0 };
}
