// SPDX-License-Identifier: Apache-2.0

import { buildLayerTree, type LayerTree, whiteoutNode } from "../erofs/layer-tree.ts";
import { type NodeFacts, namesIn, nodeFacts } from "../erofs/node-facts.ts";
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
    const children = new Map<ByteString, TreeNode>();
    for (const { name, node: child } of namesIn(this.#tree, node)) {
      children.set(name, this.#child(child));
    }
    const isOpaque = this.#tree.opaque.has(node);
    return { ...this.#plain(nodeFacts(this.#tree, node)), type: "directory", isOpaque, children };
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
    const facts = nodeFacts(this.#tree, node);
    const { type, size, linkPath, deviceMajor, deviceMinor } = facts;
    const plain = this.#plain(facts);
    switch (type) {
      case "file":
        return { ...plain, type, size, content: this.#content(facts) };
      case "symlink":
        return { ...plain, type, linkPath };
      case "character":
      case "block":
        return { ...plain, type, deviceMajor, deviceMinor };
      case "directory":
        throw new Error("a folder is no other node");
      case "fifo":
        return { ...plain, type };
    }
  }

  #content({ sparse, size, dataOffset }: NodeFacts): TreeNode["content"] {
    return {
      type: "tar",
      layer: this.#layer,
      offset: dataOffset,
      storedSize: sparse === undefined ? size : sparse.reduce((sum, run) => sum + run.size, 0),
      sparse,
    };
  }

  #plain(facts: NodeFacts): Omit<TreeNode, "type"> {
    const { mode, uid, gid, mtimeSeconds, mtimeNanoseconds, xattrs: list } = facts;
    return {
      ...plainNode,
      mode,
      uid,
      gid,
      mtimeSeconds,
      mtimeNanoseconds,
      xattrs: list.length < 2 ? list : list.toSorted(([a], [b]) => compareNames(a, b)),
    };
  }
}
