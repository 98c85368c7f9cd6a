// SPDX-License-Identifier: Apache-2.0

import type { ByteString, SparseRun, TarEntry } from "../tar/entry.ts";
import { layerPath, whiteoutKind } from "../tar/layer-path.ts";
import {
  addedXattrs,
  checkOwner,
  checkTarget,
  dataBlock,
  deviceNumber,
  invalid,
  nameMax,
  type Place,
  quoted,
  tooLongName,
} from "./entry-facts.ts";
import { FolderFinder, passedOver, tooLong } from "./folder-finder.ts";
import { NameTable, newLast, noNode } from "./name-table.ts";
import {
  inlineTargetMax,
  modeTypes,
  NodeTable,
  nodeFields,
  nodeFormats,
  nodeStride,
  two32,
  typeOfMode,
} from "./node-table.ts";
import { settleLinks } from "./settle-links.ts";
import { TargetList } from "./target-list.ts";
import type { Xattr } from "./xattrs.ts";

export const rootNode = 0;
/** Stands for every whiteout of a layer: a character device 0:0, as overlayfs wants it. */
export const whiteoutNode = 1;

/** What a layer holds once all its entries were applied, one after the other. */
export interface LayerTree {
  /** What errors call the layer. */
  readonly name: string;
  readonly nodes: NodeTable;
  readonly names: NameTable;
  readonly targets: TargetList;
  /** The nodes of folders, those first that were made first; some may be in no folder any more. */
  readonly folders: readonly number[];
  /** Other nodes that need more room than a record has; a node may come twice. */
  readonly large: readonly number[];
  /** By node. */
  readonly xattrs: ReadonlyMap<number, readonly Xattr[]>;
  /** The runs of sparse files, by node. */
  readonly sparse: ReadonlyMap<number, readonly SparseRun[]>;
  /** Where the data of all files ends in the tar. */
  readonly dataEnd: number;
  /** Folders that hide what lower layers have in their place. */
  readonly opaque: ReadonlySet<number>;
}

export interface LayerTreeOptions {
  /** What errors call the layer. */
  readonly name: string;
}

/**
 * Applies the entries of a layer in order, as Docker does when it unpacks the layer.
 *
 * @param entries paths below the root, as a layer's index has them
 * @throws LadeError LAYER_INVALID, LIMIT_EXCEEDED, NAME_ESCAPES, UNSUPPORTED
 */
export function buildLayerTree(entries: Iterable<TarEntry>, options: LayerTreeOptions): LayerTree {
  const builder = new LayerTreeBuilder(options.name);
  for (const entry of entries) {
    builder.add(
      entry,
      layerPath(entry.path, () => options.name),
    );
  }
  return builder.finish();
}

/** Makes a layer's tree entry by entry; keeps nothing of an entry. */
export class LayerTreeBuilder {
  readonly #name: string;
  readonly #nodes = new NodeTable();
  readonly #names: NameTable = new NameTable(this.#nodes);
  readonly #targets = new TargetList();
  readonly #finder: FolderFinder;
  readonly #folders: number[] = [rootNode];
  readonly #large: number[] = [];
  readonly #xattrs = new Map<number, readonly Xattr[]>();
  readonly #sparse = new Map<number, readonly SparseRun[]>();
  readonly #opaque = new Set<number>();
  /** Names that the layer hides in those below. */
  readonly #whiteouts = new Set<number>();
  /** Files that aufs kept for its hard links, by path. */
  readonly #aufsLinks = new Map<ByteString, number>();
  /** A folder with all in it went out of the tree. */
  #hasRemoved = false;
  #dataEnd = 0;
  /** The entry that is being added: its path, folder, where its name starts, and what is there. */
  #path: ByteString = "";
  #folder = rootNode;
  #start = 0;
  #found = -1;

  /** @param name what errors call the layer */
  constructor(name: string) {
    this.#name = name;
    this.#nodes.add(modeTypes.directory + 0o755);
    this.#nodes.setField(rootNode, nodeFields.links, 1);
    this.#nodes.add(modeTypes.character);
    this.#finder = new FolderFinder(this.#nodes, this.#names, {
      root: rootNode,
      whiteout: whiteoutNode,
      targets: this.#targets,
      makeFolder: (found, parent) => this.#makeFolder(found, parent),
    });
  }

  /**
   * @param path the entry's, below the root
   * @throws LadeError LAYER_INVALID, LIMIT_EXCEEDED, NAME_ESCAPES, UNSUPPORTED
   */
  add(entry: TarEntry, path: ByteString): void {
    this.#path = path;
    if (path === "") {
      if (entry.type !== "directory") throw invalid(`${this.#place()} is the root and no folder`);
      this.#describe(rootNode, entry);
      return;
    }
    const start = path.lastIndexOf("/") + 1;
    const folder = start === 0 ? rootNode : this.#folderOf(path, start - 1);
    if (folder === passedOver) {
      this.#keepAufsLink(entry);
      return;
    }
    this.#folder = folder;
    this.#start = start;
    // ".wh." and no other prefix has a meaning.
    if (path.charCodeAt(start) === dot && this.#addWhiteout(entry)) return;
    if (path.length - start > nameMax) throw tooLongName(path, this.#place);
    this.#found = this.#names.find(folder, path, start, path.length);
    if (entry.type === "directory") this.#addFolder(entry);
    else if (entry.type === "hardlink") this.#addLink(entry);
    else this.#addNode(entry, modeTypes[entry.type]);
  }

  finish(): LayerTree {
    this.#names.release();
    const tree: LayerTree = {
      name: this.#name,
      nodes: this.#nodes,
      names: this.#names,
      targets: this.#targets,
      folders: this.#folders,
      large: this.#large,
      xattrs: this.#xattrs,
      sparse: this.#sparse,
      opaque: this.#opaque,
      dataEnd: this.#dataEnd,
    };
    if (this.#hasRemoved) settleLinks(tree, rootNode);
    return tree;
  }

  readonly #place: Place = () => `${this.#name}: ${quoted(this.#path)}`;

  #folderOf(path: ByteString, end: number): number {
    const folder = this.#finder.find(path, end);
    if (folder >= 0 || folder === passedOver) return folder;
    if (folder === tooLong) throw tooLongName(path, this.#place);
    throw invalid(`${this.#place()} lies in what is no folder`);
  }

  #addFolder(entry: TarEntry): void {
    const name = this.#ownName();
    const old = this.#names.node(name);
    // A folder over a folder is one folder, with what both held.
    const isMerged = old !== noNode && this.#nodes.isDirectory(old);
    const node = isMerged ? old : this.#makeFolder(name, this.#folder);
    this.#describe(node, entry);
    this.#finder.expect(this.#path, node);
  }

  /** The entry's name, which is new where nothing had it before. */
  #ownName(): number {
    const found = this.#found;
    if (found >= 0) return found;
    const path = this.#path;
    return this.#names.add(this.#folder, path, { start: this.#start, end: path.length, found });
  }

  /** A folder with nothing in it, as one that the tar never names is: 0755, root's, of 1970. */
  #makeFolder(name: number, parent: number): number {
    const node = this.#nodes.add(modeTypes.directory + 0o755);
    this.#folders.push(node);
    this.#nodes.setField(node, nodeFields.parent, parent);
    // What a whiteout of this layer hides stays hidden, which only an opaque folder does.
    if (this.#whiteouts.size > 0 && this.#whiteouts.has(name)) this.#opaque.add(node);
    this.#setNode(name, node);
    return node;
  }

  #addNode(entry: TarEntry, type: number): void {
    const isDevice = type === modeTypes.character || type === modeTypes.block;
    if (isDevice && this.#leaveOut(entry)) return;
    const node = this.#nodes.add(type);
    if (type === modeTypes.file) this.#setData(node, entry);
    else if (type === modeTypes.symlink) this.#setTarget(node, entry.linkPath);
    else if (isDevice) {
      this.#nodes.setField(node, nodeFields.detail, deviceNumber(entry, this.#place));
    }
    this.#describe(node, entry);
    this.#setNode(this.#ownName(), node);
  }

  /** A character device 0:0 is a whiteout to overlayfs, which only `.wh.` may make. */
  #leaveOut({ type, deviceMajor, deviceMinor }: TarEntry): boolean {
    if (type !== "character" || deviceMajor !== 0 || deviceMinor !== 0) return false;
    const found = this.#found;
    if (found >= 0) this.#setNode(found, this.#whiteouts.has(found) ? whiteoutNode : noNode);
    return true;
  }

  #setData(node: number, entry: TarEntry): void {
    const { words } = this.#nodes;
    const at = node * nodeStride;
    const { size, sparse } = entry;
    words[at + nodeFields.block] = dataBlock(entry, this.#place);
    if (size === 0) return;
    this.#dataEnd = Math.max(this.#dataEnd, entry.dataOffset + entry.storedSize);
    words[at + nodeFields.sizeLow] = size;
    words[at + nodeFields.sizeHigh] = Math.floor(size / two32);
    words[at + nodeFields.format] = nodeFormats.chunks;
    words[at + nodeFields.detail] = oneChunk(size);
    words[at + nodeFields.data] = tarDevice;
    const isWhole = sparse === undefined && size <= oneChunkMax;
    if (!isWhole) this.#setSparse(node, sparse ?? [{ offset: 0, size }]);
  }

  #setSparse(node: number, sparse: readonly SparseRun[]): void {
    this.#sparse.set(node, sparse);
    this.#large.push(node);
  }

  #setTarget(node: number, target: ByteString): void {
    checkTarget(target, this.#place);
    const nodes = this.#nodes;
    nodes.setSize(node, target.length);
    nodes.setField(node, nodeFields.format, nodeFormats.inline);
    nodes.setField(node, nodeFields.detail, this.#targets.add(target));
    if (target.length > inlineTargetMax) this.#large.push(node);
    else nodes.setText(node, target);
  }

  /** Gives another name to what an earlier entry made, and that entry's owner, mode and time. */
  #addLink(entry: TarEntry): void {
    const target = layerPath(entry.linkPath, this.#place);
    const node = this.#linkTarget(target);
    this.#setNode(this.#ownName(), node);
    if (!this.#nodes.isSymlink(node)) this.#describe(node, entry);
  }

  /** The node that a hard link means. */
  #linkTarget(target: ByteString): number {
    const aufs = this.#aufsLinks.get(target);
    if (aufs !== undefined) return aufs;
    const start = target.lastIndexOf("/") + 1;
    const folder = start === 0 ? rootNode : this.#finder.findExisting(target, start - 1);
    const name = folder < 0 ? newLast : this.#names.find(folder, target, start, target.length);
    const node = name < 0 ? noNode : this.#names.node(name);
    const isOther = target !== this.#path && node !== noNode && node !== whiteoutNode;
    if (isOther && !this.#nodes.isDirectory(node)) return node;
    throw invalid(
      `${this.#place()} is a hard link to ${quoted(target)}, which is no earlier file of this layer`,
    );
  }

  /** aufs kept files with several names under `.wh..wh.plnk/`; the links come after them. */
  #keepAufsLink(entry: TarEntry): void {
    if (entry.type !== "file") return;
    const node = this.#nodes.add(modeTypes.file);
    this.#setData(node, entry);
    this.#describe(node, entry);
    this.#aufsLinks.set(this.#path, node);
  }

  /** @returns false for an ordinary name */
  #addWhiteout(entry: TarEntry): boolean {
    const path = this.#path;
    const folder = this.#folder;
    const kind = whiteoutKind(path, this.#place);
    if (kind === "none") return false;
    if (kind === "metadata") this.#keepAufsLink(entry);
    if (kind === "opaque") this.#opaque.add(folder);
    if (kind !== "whiteout") return true;
    const start = this.#start + whiteoutPrefixSize;
    const end = path.length;
    if (end - start > nameMax) throw tooLongName(path, this.#place);
    const found = this.#names.find(folder, path, start, end);
    const node = found < 0 ? noNode : this.#names.node(found);
    const name = found < 0 ? this.#names.add(folder, path, { start, end, found }) : found;
    this.#whiteouts.add(name);
    // A whiteout only hides what lower layers have: what this layer puts there stays.
    if (node === noNode) this.#setNode(name, whiteoutNode);
    else if (this.#nodes.isDirectory(node)) this.#opaque.add(node);
    return true;
  }

  #setNode(name: number, node: number): void {
    const old = this.#names.node(name);
    if (old !== noNode) this.#removeLink(old);
    this.#names.setNode(name, node);
    if (node !== noNode) this.#addToLinks(node, 1);
  }

  #removeLink(node: number): void {
    this.#addToLinks(node, -1);
    const isFolder = this.#nodes.isDirectory(node);
    if (isFolder || this.#nodes.isSymlink(node)) this.#finder.forget();
    if (isFolder) this.#hasRemoved = true;
  }

  #addToLinks(node: number, count: number): void {
    const { words } = this.#nodes;
    const at = node * nodeStride + nodeFields.links;
    words[at] = (words[at] as number) + count;
  }

  /** Gives a node what an entry says of it: permissions, owner, time, xattrs. */
  #describe(node: number, entry: TarEntry): void {
    checkOwner(entry, this.#place);
    const { mtimeSeconds } = entry;
    const { words } = this.#nodes;
    const at = node * nodeStride;
    const type = typeOfMode(words[at + nodeFields.mode] as number);
    // Linux knows no permissions of symlinks.
    const permissions = type === modeTypes.symlink ? 0o777 : entry.mode % 0o10000;
    words[at + nodeFields.mode] = type + permissions;
    words[at + nodeFields.uid] = entry.uid;
    words[at + nodeFields.gid] = entry.gid;
    // What is too much for a word is cut off from above.
    words[at + nodeFields.mtimeLow] = mtimeSeconds;
    words[at + nodeFields.mtimeHigh] = Math.floor(mtimeSeconds / two32);
    words[at + nodeFields.mtimeNanoseconds] = entry.mtimeNanoseconds % 1e9;
    if (entry.xattrs.length > 0 || this.#xattrs.has(node)) this.#setXattrs(node, entry);
  }

  #setXattrs(node: number, entry: TarEntry): void {
    const earlier = this.#xattrs.get(node);
    const mode = this.#nodes.mode(node);
    const xattrs = addedXattrs(earlier, entry, { mode, place: this.#place });
    if (xattrs.length === 0) return;
    this.#xattrs.set(node, xattrs);
    if (earlier === undefined && !this.#nodes.isDirectory(node)) this.#large.push(node);
  }
}

const dot = 0x2e;
const whiteoutPrefixSize = 4;
/** In a chunk's first word: the second device is the tar. */
const tarDevice = 0x10000;
/** The largest chunk that EROFS knows. */
const oneChunkMax = 512 * 2 ** 31;
/** In the format of chunks: their indexes name a device. */
const withDevices = 32;

/** A format of chunks of which one holds the whole file. */
function oneChunk(size: number): number {
  const blocks = Math.ceil(size / 512);
  return withDevices + (blocks > 1 ? 32 - Math.clz32(blocks - 1) : 0);
}
