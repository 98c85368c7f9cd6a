// SPDX-License-Identifier: Apache-2.0

import { buildLayerTree, type LayerTree, whiteoutNode } from "../erofs/layer-tree.ts";
import { noNode } from "../erofs/name-table.ts";
import { type NodeFacts, namesIn, nodeFacts } from "../erofs/node-facts.ts";
import type { ByteString, TarEntry } from "../tar/entry.ts";
import { plainLayerTree } from "./plain-layer.ts";
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
  readonly index: () => Iterable<TarEntry>;
}

/**
 * The tree that an image's layers make together, as overlayfs shows it when they are mounted: the
 * same per-layer trees, laid over each other in the same way.
 *
 * @param layers lowest first
 * @throws LadeError LAYER_INVALID, LIMIT_EXCEEDED, NAME_ESCAPES
 */
export function mergeLayers(layers: readonly IndexedLayer[]): FolderNode {
  return overlayTrees(
    layers.map(({ name, index }, layer) => {
      const plain = plainLayerTree(index(), layer);
      return plain ?? treeOfLayer(buildLayerTree(index(), { name }), layer);
    }),
  );
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
    if (node.type === "whiteout") {
      children.delete(name);
    } else if (isFolder(node)) {
      const clean = withoutWhiteouts(node);
      if (clean !== node) children.set(name, clean);
    }
  }
  return folder.isOpaque ? { ...folder, isOpaque: false } : folder;
}

/** A layer's tree as nodes; whiteouts are still whiteouts. */
export function treeOfLayer(tree: LayerTree, layer: number): FolderNode {
  return new NodeMaker(tree, layer).folder(0);
}

function countNames({ nodes, names }: LayerTree): Uint8Array {
  const counts = new Uint8Array(nodes.count);
  for (let name = 0; name < names.count; name++) {
    const node = names.node(name);
    if (node !== noNode && counts[node] !== 255) counts[node] = (counts[node] as number) + 1;
  }
  return counts;
}

class NodeMaker {
  readonly #tree: LayerTree;
  readonly #layer: number;
  /** How many names each node has, up to 255. */
  readonly #names: Uint8Array;
  /** By number: the names of a hard-linked file share one. */
  readonly #shared = new Map<number, TreeNode>();

  constructor(tree: LayerTree, layer: number) {
    this.#tree = tree;
    this.#layer = layer;
    this.#names = countNames(tree);
  }

  folder(node: number): FolderNode {
    const children = new Map<ByteString, TreeNode>();
    // Newest first; the other way round they mostly are in the order of their names.
    const names = [...namesIn(this.#tree, node)].reverse();
    for (const { name, node: child } of names) children.set(name, this.#child(child));
    const facts = nodeFacts(this.#tree, node);
    const isOpaque = this.#tree.opaque.has(node);
    return { ...this.#make(facts, false), type: "directory", isOpaque, children };
  }

  #child(node: number): TreeNode {
    if (node === whiteoutNode) return { ...plainNode, type: "whiteout", mode: 0 };
    if (this.#tree.nodes.isDirectory(node)) return this.folder(node);
    if (this.#names[node] === 1) return this.#make(nodeFacts(this.#tree, node), false);
    let made = this.#shared.get(node);
    if (made === undefined) {
      made = this.#make(nodeFacts(this.#tree, node), true);
      this.#shared.set(node, made);
    }
    return made;
  }

  /** All members in one literal: an image has tens of thousands of nodes. */
  #make(facts: NodeFacts, isShared: boolean): TreeNode {
    const { type, xattrs } = facts;
    return {
      type,
      mode: facts.mode,
      uid: facts.uid,
      gid: facts.gid,
      mtimeSeconds: facts.mtimeSeconds,
      mtimeNanoseconds: facts.mtimeNanoseconds,
      size: type === "file" ? facts.size : 0,
      linkPath: facts.linkPath,
      deviceMajor: facts.deviceMajor,
      deviceMinor: facts.deviceMinor,
      xattrs: xattrs.length < 2 ? xattrs : xattrs.toSorted(([a], [b]) => compareNames(a, b)),
      content: type === "file" ? this.#content(facts) : undefined,
      isShared,
      isOpaque: false,
      children: undefined,
    };
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
}
