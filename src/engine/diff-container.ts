// SPDX-License-Identifier: Apache-2.0

import { compareTrees } from "../rootfs/compare-trees.ts";
import { byteStringToText } from "../tar/entry.ts";
import { openChanges, startTree } from "./container-tree.ts";
import type { ContainerChange } from "./container-types.ts";
import { currentContainer } from "./current.ts";
import type { Engine } from "./engine.ts";

/**
 * What a container changed in its file system, in the order of paths.
 *
 * @throws LadeError CONTAINER_NOT_FOUND
 */
export async function diffContainer(engine: Engine, name: string): Promise<ContainerChange[]> {
  const row = await currentContainer(engine, name);
  using changes = await openChanges(engine, row);
  if (changes.upper.children.size === 0) return [];
  return compareTrees(startTree(changes.plan, row), changes.upper).map(({ path, kind }) => ({
    path: `/${byteStringToText(path)}`,
    kind,
  }));
}
