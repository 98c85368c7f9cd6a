// SPDX-License-Identifier: Apache-2.0

import type { DiskUsage } from "../../engine/types.ts";
import { type ImageRow, imageRows } from "./image-view.ts";

/** One row for each image, with its first name. */
export function usageImageRows({ images }: DiskUsage): ImageRow[] {
  return images.flatMap((image) => {
    const [row] = imageRows(image, { hasDigests: false });
    return row === undefined ? [] : [{ ...row, digest: "", sharedSize: image.sharedSize }];
  });
}
