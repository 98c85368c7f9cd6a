// SPDX-License-Identifier: Apache-2.0

import { isSwapped } from "./image-region.ts";
import { type NodeTable, nodeFields, nodeFormats, nodeStride } from "./node-table.ts";

/**
 * The records of all nodes as they go into an image: as they are, but that files lie where the tar
 * does. Records of folders, and of others that lie elsewhere, are in it and nothing refers to them.
 *
 * @param tarBlock the block of the device where the tar starts
 */
export function encodeRecords(nodes: NodeTable, tarBlock: number): Buffer {
  const { count, words } = nodes;
  const size = count * nodeStride;
  if (tarBlock === 0 && !isSwapped) return Buffer.from(words.buffer, 0, size * 4);
  const copy = words.slice(0, size);
  const bytes = Buffer.from(copy.buffer);
  for (let at = 0; at < size; at += nodeStride) {
    const isChunk = copy[at + nodeFields.format] === nodeFormats.chunks;
    if (isChunk) copy[at + nodeFields.block] = (copy[at + nodeFields.block] as number) + tarBlock;
    // Behind the inode of a symlink lies text.
    const hasText = copy[at + nodeFields.format] === nodeFormats.inline;
    const end = at + (hasText ? nodeFields.data : nodeStride);
    if (isSwapped) bytes.subarray(at * 4, end * 4).swap32();
  }
  return bytes;
}
