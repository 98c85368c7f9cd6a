// SPDX-License-Identifier: Apache-2.0

import { buildLayerTree, type LayerTree, whiteoutNode } from "../erofs/layer-tree.ts";
import { noNode } from "../erofs/name-table.ts";
import { modeTypes, typeOfMode } from "../erofs/node-table.ts";
import type { ByteString, TarEntry } from "../tar/entry.ts";
import {
  compareNames,
  type FolderNode,
  isFolder,
  plainFolder,
  plainNode,
  type TreeNode,
} from "./tree.ts";

/** A layer's index and what errors call the layer. */
export interface IndexedLayer {
  readonly name: string;
  readonly entries: Iterable<TarEntry>;
}

/**
 * The tree that an image's layers make together, as overlayfs shows it when they are mounted: the
 * same per-layer trees, laid over each other in the same way.
 *
 * @param layers lowest first
 * @throws LadeError LAYER_INVALID, LIMIT_EXCEEDED, NAME_ESCAPES
 */
export function mergeLayers(layers: readonly IndexedLayer[]): FolderNode {
  const trees = layers.map(({ name, entries }, layer) =>
    treeOfLayer(buildLayerTree(entries, { name }), layer),
  );
  return overlayTrees(trees);
}

/** Lays trees over each other, lowest first; whiteouts and opaque folders take effect and are gone. */
export function overlayTrees(trees: readonly FolderNode[]): FolderNode {
  const [lowest, ...others] = trees;
  const start = lowest === undefined ? plainFolder() : withoutWhiteouts(lowest);
  return others.reduce(overlayFolder, start);
}

/** @param lower has no whiteouts; its folders may be changed and become part of the result */
function overlayFolder(lower: FolderNode, upper: FolderNode): FolderNode {
  if (upper.isOpaque) return withoutWhiteouts(upper);
  const { children } = lower;
  for (const [name, node] of upper.children) {
    if (node.type === "whiteout") {
      children.delete(name);
      continue;
    }
    const below = children.get(name);
    if (!isFolder(node)) children.set(name, node);
    else children.set(name, isFolder(below) ? overlayFolder(below, node) : withoutWhiteouts(node));
  }
  return { ...upper, children };
}

function withoutWhiteouts(folder: FolderNode): FolderNode {
  const { children } = folder;
  for (const [name, node] of children) {
    if (node.type === "whiteout") children.delete(name);
    else if (isFolder(node)) children.set(name, withoutWhiteouts(node));
  }
  return folder.isOpaque ? { ...folder, isOpaque: false } : folder;
}

/** A layer's tree as nodes; whiteouts are still whiteouts. */
export function treeOfLayer(tree: LayerTree, layer: number): FolderNode {
  return new NodeMaker(tree, layer).folder(0);
}

class NodeMaker {
  readonly #tree: LayerTree;
  readonly #layer: number;
  /** By number, so that the names of a hard-linked file share one. */
  readonly #made = new Map<number, TreeNode>();

  constructor(tree: LayerTree, layer: number) {
    this.#tree = tree;
    this.#layer = layer;
  }

  folder(node: number): FolderNode {
    const { nodes, names, opaque } = this.#tree;
    const children = new Map<ByteString, TreeNode>();
    for (let name = nodes.detail[node] as number; name >= 0; ) {
      const child = names.node[name] as number;
      if (child !== noNode) {
        const text = names.text(names.offset[name] as number, names.length[name] as number);
        children.set(text, this.#child(child));
      }
      name = names.previous[name] as number;
    }
    const isOpaque = opaque.has(node);
    return { ...this.#facts(node), type: "directory", isOpaque, children };
  }

  #child(node: number): TreeNode {
    if (node === whiteoutNode) return { ...plainNode, type: "whiteout", mode: 0 };
    if (this.#tree.nodes.isDirectory(node)) return this.folder(node);
    let made = this.#made.get(node);
    if (made === undefined) {
      made = this.#other(node);
      this.#made.set(node, made);
    }
    return made;
  }

  #other(node: number): TreeNode {
    const { nodes, names } = this.#tree;
    const facts = this.#facts(node);
    const size = nodes.size[node] as number;
    const offset = nodes.offset[node] as number;
    const detail = nodes.detail[node] as number;
    switch (typeOfMode(nodes.mode[node] as number)) {
      case modeTypes.file:
        return { ...facts, type: "file", size, content: this.#content(node) };
      case modeTypes.symlink:
        return { ...facts, type: "symlink", linkPath: names.text(offset, size) };
      case modeTypes.character:
        return { ...facts, type: "character", ...deviceOf(detail) };
      case modeTypes.block:
        return { ...facts, type: "block", ...deviceOf(detail) };
      default:
        return { ...facts, type: "fifo" };
    }
  }

  #content(node: number): TreeNode["content"] {
    const { nodes, sparse } = this.#tree;
    const runs = sparse.get(node);
    const size = nodes.size[node] as number;
    return {
      type: "tar",
      layer: this.#layer,
      offset: nodes.offset[node] as number,
      storedSize: runs === undefined ? size : runs.reduce((sum, run) => sum + run.size, 0),
      sparse: runs,
    };
  }

  #facts(node: number): Omit<TreeNode, "type"> {
    const { nodes, xattrs } = this.#tree;
    const list = xattrs[(nodes.xattrs[node] as number) - 1] ?? [];
    return {
      ...plainNode,
      mode: (nodes.mode[node] as number) % 0o10000,
      uid: nodes.uid[node] as number,
      gid: nodes.gid[node] as number,
      mtimeSeconds: nodes.mtimeSeconds[node] as number,
      mtimeNanoseconds: nodes.mtimeNanoseconds[node] as number,
      xattrs: list.length < 2 ? list : list.toSorted(([a], [b]) => compareNames(a, b)),
    };
  }
}

/** The kernel's 32-bit form of a device number: 12 bits of major within 20 of minor. */
function deviceOf(number: number): { deviceMajor: number; deviceMinor: number } {
  return {
    deviceMajor: (number >>> 8) & 0xfff,
    deviceMinor: (number & 0xff) | ((number >>> 12) & 0xfff00),
  };
}
