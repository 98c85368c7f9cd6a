// SPDX-License-Identifier: Apache-2.0

/** What a layer's tree says of its nodes, for those who do not write an EROFS image of it. */

import type { ByteString, SparseRun, TarEntryType } from "../tar/entry.ts";
import type { LayerTree } from "./layer-tree.ts";
import { noNode } from "./name-table.ts";
import { modeTypes, nodeFields, nodeStride, two32, typeOfMode } from "./node-table.ts";
import { blockSize } from "./superblock.ts";
import type { Xattr } from "./xattrs.ts";

export interface NodeFacts {
  readonly type: Exclude<TarEntryType, "hardlink">;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly xattrs: readonly Xattr[];
  /** Bytes of a file as a reader sees them, or of a symlink's target; else 0. */
  readonly size: number;
  /** Where a file's data starts in the tar; else 0. */
  readonly dataOffset: number;
  /** Runs of a sparse file. */
  readonly sparse: readonly SparseRun[] | undefined;
  /** Target of a symlink, else empty. */
  readonly linkPath: ByteString;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

const types: Readonly<Record<number, NodeFacts["type"]>> = {
  [modeTypes.fifo]: "fifo",
  [modeTypes.character]: "character",
  [modeTypes.directory]: "directory",
  [modeTypes.block]: "block",
  [modeTypes.file]: "file",
  [modeTypes.symlink]: "symlink",
};

export function nodeFacts(tree: LayerTree, node: number): NodeFacts {
  const { nodes, targets, xattrs, sparse } = tree;
  const word = (field: number) => nodes.words[node * nodeStride + field] as number;
  const mode = nodes.mode(node);
  const type = types[typeOfMode(mode)] ?? "fifo";
  const detail = word(nodeFields.detail);
  const hasSize = type === "file" || type === "symlink";
  const size = hasSize ? nodes.size(node) : 0;
  const isDevice = type === "character" || type === "block";
  return {
    type,
    mode: mode - typeOfMode(mode),
    uid: word(nodeFields.uid),
    gid: word(nodeFields.gid),
    // The upper word carries the sign.
    mtimeSeconds: (word(nodeFields.mtimeHigh) | 0) * two32 + word(nodeFields.mtimeLow),
    mtimeNanoseconds: word(nodeFields.mtimeNanoseconds),
    xattrs: xattrs.get(node) ?? [],
    size,
    dataOffset: type === "file" ? word(nodeFields.block) * blockSize : 0,
    sparse: sparse.get(node),
    linkPath: type === "symlink" ? targets.text(detail, size) : "",
    ...decodeDevice(isDevice ? detail : 0),
  };
}

/** The kernel's 32-bit form of a device number: 12 bits of major within 20 of minor. */
function decodeDevice(number: number): { deviceMajor: number; deviceMinor: number } {
  return {
    deviceMajor: (number >>> 8) & 0xfff,
    deviceMinor: (number & 0xff) | ((number >>> 12) & 0xfff00),
  };
}

/** The newest name in a folder, or -1. */
export function newestName({ nodes }: LayerTree, folder: number): number {
  return nodes.field(folder, nodeFields.detail) - 1;
}

/** A name and what it stands for; `next` is the one that the same folder got before it, or -1. */
export interface NameFacts {
  readonly name: ByteString;
  /** `noNode` where what it stood for was left out. */
  readonly node: number;
  readonly next: number;
}

export function nameFacts({ names }: LayerTree, name: number): NameFacts {
  return {
    name: names.text(name),
    node: names.node(name),
    next: names.previous(name) - 1,
  };
}

/** What a folder holds, newest first. */
export function* namesIn(tree: LayerTree, folder: number): Generator<NameFacts> {
  for (let name = newestName(tree, folder); name >= 0; ) {
    const facts = nameFacts(tree, name);
    if (facts.node !== noNode) yield facts;
    name = facts.next;
  }
}
