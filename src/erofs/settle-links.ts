// SPDX-License-Identifier: Apache-2.0

import type { LayerTree } from "./layer-tree.ts";
import { noNode } from "./name-table.ts";
import { nodeFields, nodeStride } from "./node-table.ts";

/**
 * Counts the names of all nodes anew, for a tree from which folders were taken with all that they
 * held: what no path leads to has none.
 */
export function settleLinks({ nodes, names }: LayerTree, root: number): void {
  const { words } = nodes;
  for (let node = 0; node < nodes.count; node++) nodes.setField(node, nodeFields.links, 0);
  nodes.setField(root, nodeFields.links, 1);
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (let next = nodes.field(folder, nodeFields.detail); next > 0; ) {
      const node = names.node(next - 1);
      if (node !== noNode) {
        const at = node * nodeStride + nodeFields.links;
        words[at] = (words[at] as number) + 1;
        if (nodes.isDirectory(node)) folders.push(node);
      }
      next = names.previous(next - 1);
    }
  }
}
