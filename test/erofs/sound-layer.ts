// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { readLayerIndex } from "../../src/tar/layer-index.ts";
import { type TarEntry, tar } from "../fixtures/tar-builder.ts";
import { simulateDocker } from "./docker-rules.ts";
import { indexOf } from "./lab.ts";

/** The layer without the entries that Docker refuses, which is unpacked into the folder. */
export function soundLayer(entries: readonly TarEntry[], folder: string): Buffer {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder);
  const bytes = tar(entries);
  const bad = simulateDocker(folder, treeEntries(bytes));
  return bad === undefined ? bytes : soundLayer(entries.toSpliced(bad, 1), folder);
}

function treeEntries(bytes: Buffer): ReturnType<typeof readLayerIndex> {
  return readLayerIndex(indexOf(bytes));
}
