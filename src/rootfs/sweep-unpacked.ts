// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { ioError } from "../base/io-error.ts";
import { listNames } from "./layer-mounts.ts";
import { readLayerKeys, withMounts } from "./mount-lock.ts";
import type { RunPaths } from "./run-paths.ts";
import { removeRetired, retireUnpacked } from "./unpack.ts";

/**
 * Removes unpacked layers that no mounted container has and that nobody needs, with what processes
 * left that were killed. Does nothing where no layer was ever unpacked.
 *
 * @param isNeeded by the layer's key
 * @throws LadeError IO_FAILED, STORE_DENIED
 */
export function sweepUnpacked(
  run: RunPaths,
  unpackedRoot: string,
  isNeeded: (key: string) => boolean,
): void {
  if (!fs.existsSync(unpackedRoot)) return;
  try {
    // Under the lock, since a mount says that it uses a layer before it relies on it.
    withMounts(run, () => {
      const used = new Set(listNames(run.containers).flatMap((id) => readLayerKeys(run, id)));
      retireUnpacked(unpackedRoot, (key) => used.has(key) || isNeeded(key));
    });
    removeRetired(unpackedRoot);
  } catch (error) {
    throw ioError(error, `remove unpacked layers from ${unpackedRoot}`);
  }
}
