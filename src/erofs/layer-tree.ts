// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { type ByteString, byteStringToText, type SparseRun, type TarEntry } from "../tar/entry.ts";
import { layerPath, whiteoutKind } from "../tar/layer-path.ts";
import { FolderFinder, nameMax, passedOver, tooLong } from "./folder-finder.ts";
import { NameTable, noNode } from "./name-table.ts";
import { modeTypes, NodeTable, nodeFields, nodeStride, two32, typeOfMode } from "./node-table.ts";
import { opaqueXattr, xattrBodyMax, xattrBodySize } from "./xattr-body.ts";
import { keptXattrs, mergeXattrs, type Xattr } from "./xattrs.ts";

export const rootNode = 0;
/** Stands for every whiteout of a layer: a character device 0:0, as overlayfs wants it. */
export const whiteoutNode = 1;

/** What a layer holds once all its entries were applied, one after the other. */
export interface LayerTree {
  /** What errors call the layer. */
  readonly name: string;
  readonly nodes: NodeTable;
  readonly names: NameTable;
  /** By a node's `xattrs` less one. */
  readonly xattrs: readonly (readonly Xattr[])[];
  /** The runs of sparse files, by node. */
  readonly sparse: ReadonlyMap<number, readonly SparseRun[]>;
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
 * @throws LadeError LAYER_INVALID, LIMIT_EXCEEDED, NAME_ESCAPES
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
  readonly #folders: FolderFinder;
  readonly #xattrs: (readonly Xattr[])[] = [];
  readonly #sparse = new Map<number, readonly SparseRun[]>();
  readonly #opaque = new Set<number>();
  /** Names that the layer hides in those below. */
  readonly #whiteouts = new Set<number>();
  /** Files that aufs kept for its hard links, by path. */
  readonly #aufsLinks = new Map<ByteString, number>();
  /** The entry that is being added: its folder, where its name starts, and its name if known. */
  #folder = rootNode;
  #start = 0;
  #found = -1;

  /** @param name what errors call the layer */
  constructor(name: string) {
    this.#name = name;
    this.#nodes.add(modeTypes.directory + 0o755);
    this.#nodes.add(modeTypes.character);
    this.#folders = new FolderFinder(this.#nodes, this.#names, {
      root: rootNode,
      whiteout: whiteoutNode,
      makeFolder: (name) => this.#makeFolder(name),
    });
  }

  /**
   * @param path the entry's, below the root
   * @throws LadeError LAYER_INVALID, LIMIT_EXCEEDED, NAME_ESCAPES
   */
  add(entry: TarEntry, path: ByteString): void {
    if (path === "") {
      if (entry.type !== "directory") throw this.#invalid(path, "is the root and no folder");
      this.#describe(rootNode, entry, path);
      return;
    }
    const start = path.lastIndexOf("/") + 1;
    const folder = this.#folderOf(path, start);
    if (folder === passedOver) {
      this.#keepAufsLink(entry, path);
      return;
    }
    // ".wh." and no other prefix has a meaning.
    if (path.charCodeAt(start) === dot && this.#addWhiteout(entry, path, folder)) return;
    if (path.length - start > nameMax) throw this.#longName(path);
    this.#folder = folder;
    this.#start = start;
    this.#found = this.#names.find(folder, path, start, path.length);
    if (entry.type === "directory") this.#addFolder(entry, path);
    else if (entry.type === "hardlink") this.#addLink(entry, path);
    else this.#addNode(entry, path, modeTypes[entry.type]);
  }

  finish(): LayerTree {
    this.#names.release();
    return {
      name: this.#name,
      nodes: this.#nodes,
      names: this.#names,
      xattrs: this.#xattrs,
      sparse: this.#sparse,
      opaque: this.#opaque,
    };
  }

  #folderOf(path: ByteString, start: number): number {
    if (start === 0) return rootNode;
    const folder = this.#folders.find(path, start - 1);
    if (folder === tooLong) throw this.#longName(path);
    if (folder >= 0 || folder === passedOver) return folder;
    throw this.#invalid(path, "lies in what is no folder");
  }

  #addFolder(entry: TarEntry, path: ByteString): void {
    const name = this.#ownName(path);
    const old = this.#names.node(name);
    // A folder over a folder is one folder, with what both held.
    const isMerged = old !== noNode && this.#nodes.isDirectory(old);
    const node = isMerged ? old : this.#makeFolder(name);
    this.#describe(node, entry, path);
    this.#folders.expect(path, node);
  }

  #ownName(path: ByteString): number {
    if (this.#found >= 0) return this.#found;
    return this.#names.add(this.#folder, path, this.#start, path.length);
  }

  /** A folder with nothing in it, as one that the tar never names is: 0755, root's, of 1970. */
  #makeFolder(name: number): number {
    const node = this.#nodes.add(modeTypes.directory + 0o755);
    // What a whiteout of this layer hides stays hidden, which only an opaque folder does.
    if (this.#whiteouts.has(name)) this.#opaque.add(node);
    this.#setNode(name, node);
    return node;
  }

  #addNode(entry: TarEntry, path: ByteString, type: number): void {
    const isDevice = type === modeTypes.character || type === modeTypes.block;
    if (isDevice && this.#leaveOut(entry)) return;
    const name = this.#ownName(path);
    const node = this.#nodes.add(type);
    if (type === modeTypes.file) this.#addData(node, entry, path);
    else if (type === modeTypes.symlink) this.#addTarget(node, entry.linkPath, path);
    else if (isDevice) this.#nodes.setPlace(node, this.#device(entry, path));
    this.#describe(node, entry, path);
    this.#setNode(name, node);
  }

  /** A character device 0:0 is a whiteout to overlayfs, which only `.wh.` may make. */
  #leaveOut({ type, deviceMajor, deviceMinor }: TarEntry): boolean {
    if (type !== "character" || deviceMajor !== 0 || deviceMinor !== 0) return false;
    const found = this.#found;
    if (found >= 0) this.#setNode(found, this.#whiteouts.has(found) ? whiteoutNode : noNode);
    return true;
  }

  #addData(node: number, entry: TarEntry, path: ByteString): void {
    const { size, storedSize, dataOffset, sparse } = entry;
    const block = dataOffset / dataUnit;
    const isSound = block >= 0 && Number.isInteger(block) && Number.isSafeInteger(size);
    if (!isSound || (sparse === undefined && size !== storedSize)) {
      throw this.#invalid(path, `has its data at byte ${dataOffset}, which is no place for it`);
    }
    if (block >= two32) {
      throw new LadeError(
        "UNSUPPORTED",
        `${this.#name}: ${quote(path)}: at byte ${dataOffset}, expected at most ${two32 * dataUnit}`,
      );
    }
    this.#nodes.setSize(node, size);
    this.#nodes.setPlace(node, block);
    if (sparse !== undefined) this.#sparse.set(node, sparse);
  }

  #addTarget(node: number, target: ByteString, path: ByteString): void {
    if (target === "") throw this.#invalid(path, "is a symlink to nothing");
    if (target.length > targetMax) {
      throw new LadeError(
        "LIMIT_EXCEEDED",
        `${this.#name}: ${quote(path)}: symlink target of ${target.length} bytes, expected at most ${targetMax}`,
      );
    }
    if (target.includes("\0")) throw this.#invalid(path, "is a symlink to a name with a NUL byte");
    this.#nodes.setSize(node, target.length);
    this.#nodes.setPlace(node, this.#names.addBytes(target));
  }

  /** A device number in the kernel's new 32-bit form: 12 bits of major, 20 of minor. */
  #device({ deviceMajor, deviceMinor }: TarEntry, path: ByteString): number {
    if (deviceMajor < 2 ** 12 && deviceMinor < 2 ** 20) {
      const low = deviceMinor % 256;
      return low + deviceMajor * 256 + (deviceMinor - low) * 4096;
    }
    throw new LadeError(
      "LIMIT_EXCEEDED",
      `${this.#name}: ${quote(path)}: device ${deviceMajor}:${deviceMinor}, expected at most 4095:1048575`,
    );
  }

  /** Gives another name to what an earlier entry made, and that entry's owner, mode and time. */
  #addLink(entry: TarEntry, path: ByteString): void {
    const target = layerPath(entry.linkPath, () => `${this.#name}: ${quote(path)}`);
    const node = this.#linkTarget(target, path);
    this.#setNode(this.#ownName(path), node);
    if (!this.#nodes.isSymlink(node)) this.#describe(node, entry, path);
  }

  /** The node that a hard link means. */
  #linkTarget(target: ByteString, path: ByteString): number {
    const aufs = this.#aufsLinks.get(target);
    if (aufs !== undefined) return aufs;
    const start = target.lastIndexOf("/") + 1;
    const folder = start === 0 ? rootNode : this.#folders.findExisting(target, start - 1);
    const name = folder < 0 ? -1 : this.#names.find(folder, target, start, target.length);
    const node = name < 0 ? noNode : this.#names.node(name);
    const isOther = target !== path && node !== noNode && node !== whiteoutNode;
    if (isOther && !this.#nodes.isDirectory(node)) return node;
    throw this.#invalid(
      path,
      `is a hard link to ${quote(target)}, which is no earlier file of this layer`,
    );
  }

  /** aufs kept files with several names under `.wh..wh.plnk/`; the links come after them. */
  #keepAufsLink(entry: TarEntry, path: ByteString): void {
    if (entry.type !== "file") return;
    const node = this.#nodes.add(modeTypes.file);
    this.#addData(node, entry, path);
    this.#describe(node, entry, path);
    this.#aufsLinks.set(path, node);
  }

  /** @returns false for an ordinary name */
  #addWhiteout(entry: TarEntry, path: ByteString, folder: number): boolean {
    const kind = whiteoutKind(path, () => this.#name);
    if (kind === "none") return false;
    if (kind === "metadata") this.#keepAufsLink(entry, path);
    if (kind === "opaque") this.#opaque.add(folder);
    if (kind !== "whiteout") return true;
    const start = path.lastIndexOf("/") + 1 + whiteoutPrefixSize;
    if (path.length - start > nameMax) throw this.#longName(path);
    const found = this.#names.find(folder, path, start, path.length);
    const node = found < 0 ? noNode : this.#names.node(found);
    // A whiteout only hides what lower layers have: what this layer puts there stays.
    const name = found < 0 ? this.#names.add(folder, path, start, path.length) : found;
    this.#whiteouts.add(name);
    if (node === noNode) this.#setNode(name, whiteoutNode);
    else if (this.#nodes.isDirectory(node)) this.#opaque.add(node);
    return true;
  }

  #setNode(name: number, node: number): void {
    const old = this.#names.node(name);
    const isPath = old !== noNode && (this.#nodes.isDirectory(old) || this.#nodes.isSymlink(old));
    if (isPath) this.#folders.forget();
    this.#names.setNode(name, node);
  }

  /** Gives a node what an entry says of it: permissions, owner, time, xattrs. */
  #describe(node: number, entry: TarEntry, path: ByteString): void {
    const { uid, gid, mtimeSeconds } = entry;
    if (uid > idMax || gid > idMax) {
      throw new LadeError(
        "LIMIT_EXCEEDED",
        `${this.#name}: ${quote(path)}: owner ${uid}:${gid}, expected at most ${idMax}`,
      );
    }
    const { words } = this.#nodes;
    const at = node * nodeStride;
    const type = typeOfMode(words[at + nodeFields.mode] as number);
    // Linux knows no permissions of symlinks.
    const permissions = type === modeTypes.symlink ? 0o777 : entry.mode % 0o10000;
    words[at + nodeFields.mode] = type + permissions;
    words[at + nodeFields.uid] = uid;
    words[at + nodeFields.gid] = gid;
    // What is too much for a word is cut off from above.
    words[at + nodeFields.mtimeLow] = mtimeSeconds;
    words[at + nodeFields.mtimeHigh] = Math.floor(mtimeSeconds / two32);
    words[at + nodeFields.mtimeNanoseconds] = entry.mtimeNanoseconds % 1e9;
    const list = words[at + nodeFields.xattrs] as number;
    if (entry.xattrs.length === 0 && list === 0) return;
    this.#addXattrs(node, mergeXattrs(this.#xattrs[list - 1] ?? [], entry.xattrs), path);
  }

  #addXattrs(node: number, xattrs: readonly Xattr[], path: ByteString): void {
    const kept = keptXattrs(xattrs, this.#nodes.mode(node));
    if (!Array.isArray(kept)) {
      throw new LadeError(kept.code, `${this.#name}: ${quote(path)}: ${kept.message}`);
    }
    const size = xattrBodySize([...kept, opaqueXattr]);
    if (size > xattrBodyMax) {
      throw new LadeError(
        "LIMIT_EXCEEDED",
        `${this.#name}: ${quote(path)}: xattrs of ${size} bytes, expected at most ${xattrBodyMax}`,
      );
    }
    this.#nodes.setXattrs(node, kept.length === 0 ? 0 : this.#xattrs.push(kept));
  }

  #longName(path: ByteString): LadeError {
    const size = Math.max(...path.split("/").map((part) => part.length));
    return new LadeError(
      "LIMIT_EXCEEDED",
      `${this.#name}: ${quote(path)}: name of ${size} bytes, expected at most ${nameMax}`,
      { hint: "No file system of Linux takes a longer name." },
    );
  }

  #invalid(path: ByteString, what: string): LadeError {
    return new LadeError("LAYER_INVALID", `${this.#name}: ${quote(path)} ${what}`);
  }
}

const dot = 0x2e;
const whiteoutPrefixSize = 4;
/** PATH_MAX of <linux/limits.h>, less the NUL behind a path. */
const targetMax = 4095;
/** 2^32 - 1 is "no owner" to the kernel. */
const idMax = 2 ** 32 - 2;
/** Data in a tar starts at whole blocks. */
const dataUnit = 512;

function quote(path: ByteString): string {
  return JSON.stringify(byteStringToText(path));
}
