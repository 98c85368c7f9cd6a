// SPDX-License-Identifier: Apache-2.0

/**
 * A layer's tree as real files in a new folder.
 *
 * Nothing from the archive is a path here: each name is one part, which the tree has checked; it is
 * made in an open folder that was made here before, and must not be there yet. Symlinks are made
 * and never followed, so nothing outside the folder is reached.
 */

import * as fs from "node:fs";
import { LadeError } from "../base/errors.ts";
import { type LayerTree, rootNode, whiteoutNode } from "../erofs/layer-tree.ts";
import { noNode } from "../erofs/name-table.ts";
import { type NodeFacts, nameFacts, newestName, nodeFacts } from "../erofs/node-facts.ts";
import { dataRuns } from "../erofs/sparse-runs.ts";
import * as file from "../sys/file.ts";
import { statusOf } from "../sys/status.ts";
import { setXattr } from "../sys/xattr.ts";
import type { ByteString } from "../tar/entry.ts";
import { describeName, describeOpen } from "./unpack-metadata.ts";

export interface UnpackTarget {
  /** An open, empty folder that becomes the layer's root. */
  readonly root: number;
  /** An open, empty folder of the same file system, for files with several names. */
  readonly links: number;
}

/** An open file with the layer's tar in it. */
export interface OpenTar {
  readonly fd: number;
  readonly offset: number;
  readonly size: number;
}

/** How many steps, of about one file or one read each, are done at a stretch. */
const stepsAtOnce = 256;
const copySize = 1024 * 1024;

/**
 * Makes all files of a tree.
 *
 * @returns steps, so that the caller can let other work go on, and stop, between them
 * @throws SystemError, LadeError STORE_DAMAGED where the tar is too short
 */
export function* unpackTree(tree: LayerTree, tar: OpenTar, target: UnpackTarget): Generator<void> {
  const unpacker = new Unpacker(tree, tar, target.links);
  try {
    for (;;) {
      for (let step = 0; step < stepsAtOnce; step++) {
        if (!unpacker.step(target.root)) return;
      }
      yield;
    }
  } finally {
    unpacker[Symbol.dispose]();
  }
}

/** A folder that is being filled. */
interface Frame {
  readonly node: number;
  readonly inode: bigint;
  /** The name to make next, or -1. */
  next: number;
}

interface Copying {
  readonly fd: number;
  readonly runs: { readonly offset: number; readonly size: number; readonly source: number }[];
  readonly done: () => void;
}

class Unpacker implements Disposable {
  readonly #tree: LayerTree;
  readonly #tar: OpenTar;
  readonly #links: number;
  /** How many names each node has, where that is more than one. */
  readonly #nameCounts: Uint32Array;
  readonly #linked = new Set<number>();
  readonly #frames: Frame[] = [];
  readonly #buffer: Buffer = Buffer.allocUnsafe(copySize);
  /** The folder of the last frame. */
  #fd = -1;
  #copying: Copying | undefined;
  #isStarted = false;

  constructor(tree: LayerTree, tar: OpenTar, links: number) {
    this.#tree = tree;
    this.#tar = tar;
    this.#links = links;
    this.#nameCounts = new Uint32Array(tree.nodes.count);
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) fs.closeSync(this.#fd);
    if (this.#copying !== undefined) fs.closeSync(this.#copying.fd);
    this.#fd = -1;
    this.#copying = undefined;
  }

  /** @returns false when all is done */
  step(root: number): boolean {
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#countNames();
      this.#enter(file.openAt(root, ".", folderFlags), rootNode);
      return true;
    }
    if (this.#copying !== undefined) {
      this.#copy(this.#copying);
      return true;
    }
    const frame = this.#frames.at(-1);
    if (frame === undefined) return false;
    if (frame.next < 0) {
      this.#leave(frame);
      return true;
    }
    const { name, node, next } = nameFacts(this.#tree, frame.next);
    frame.next = next;
    if (node !== noNode) this.#make(name, node);
    return true;
  }

  #countNames(): void {
    const { names } = this.#tree;
    for (let name = 0; name < names.count; name++) {
      const node = names.node(name);
      if (node > whiteoutNode) this.#nameCounts[node] = (this.#nameCounts[node] as number) + 1;
    }
  }

  #make(text: ByteString, node: number): void {
    if (node === whiteoutNode) {
      file.makeNodeAt(this.#fd, text, { type: "character", mode: 0 });
    } else if (this.#tree.nodes.isDirectory(node)) {
      file.makeFolderAt(this.#fd, text, 0o700);
      this.#enter(file.openAt(this.#fd, text, folderFlags), node);
    } else if ((this.#nameCounts[node] as number) > 1) {
      this.#makeLinked(text, node);
    } else {
      this.#makeFile(this.#fd, text, node);
    }
  }

  #enter(fd: number, node: number): void {
    if (this.#fd >= 0) fs.closeSync(this.#fd);
    this.#fd = fd;
    const next = newestName(this.#tree, node);
    this.#frames.push({ node, inode: statusOf(fd).inode, next });
  }

  /** Only one folder is open at a time, however deep they lie in each other. */
  #leave(frame: Frame): void {
    if (this.#tree.opaque.has(frame.node)) {
      setXattr(this.#fd, "trusted.overlay.opaque", Buffer.from("y"));
    }
    describeOpen(nodeFacts(this.#tree, frame.node), this.#fd);
    this.#frames.pop();
    const outer = this.#frames.at(-1);
    const inner = this.#fd;
    if (outer !== undefined) {
      this.#fd = file.openAt(inner, "..", folderFlags);
      if (statusOf(this.#fd).inode !== outer.inode) {
        throw new Error("a folder was moved while it was being unpacked");
      }
    } else {
      this.#fd = -1;
    }
    fs.closeSync(inner);
  }

  /** Files with several names are made apart, under a number, and linked to each name. */
  #makeLinked(name: ByteString, node: number): void {
    const place = String(node);
    const folder = this.#fd;
    const link = () => file.linkAt(this.#links, place, folder, name);
    if (this.#linked.has(node)) {
      link();
      return;
    }
    this.#linked.add(node);
    this.#makeFile(this.#links, place, node, link);
  }

  #makeFile(folder: number, name: ByteString, node: number, done?: () => void): void {
    const facts = nodeFacts(this.#tree, node);
    const { type, deviceMajor: major, deviceMinor: minor } = facts;
    if (type === "file") {
      this.#makeData(file.openAt(folder, name, newFile, 0o600), facts, done);
      return;
    }
    if (type === "symlink") file.symlinkAt(facts.linkPath, folder, name);
    else if (type === "directory") throw new Error("a folder is no file");
    else file.makeNodeAt(folder, name, { type, mode: 0, major, minor });
    describeName(facts, folder, name);
    done?.();
  }

  #makeData(fd: number, facts: NodeFacts, done?: () => void): void {
    const { size, dataOffset: source, sparse } = facts;
    const runs =
      sparse === undefined ? [{ offset: 0, size, source }] : dataRuns(sparse, size, source);
    this.#copying = {
      fd,
      runs: runs ?? [],
      done: () => {
        if (sparse !== undefined) fs.ftruncateSync(fd, size);
        describeOpen(facts, fd);
        done?.();
      },
    };
    if (runs === undefined) {
      throw new LadeError("TAR_FIELD", `${this.#tree.name}: sparse file with runs in no order`);
    }
    // A small file takes one step.
    this.#copy(this.#copying);
  }

  /** One buffer of a file, and its end with the last. */
  #copy(copying: Copying): void {
    const { fd, runs, done } = copying;
    const run = runs[0];
    if (run !== undefined && run.size > 0) {
      const count = this.#read(run);
      writeAll(fd, this.#buffer.subarray(0, count), run.offset);
      runs[0] = {
        offset: run.offset + count,
        size: run.size - count,
        source: run.source + count,
      };
    }
    while (runs[0]?.size === 0) runs.shift();
    if (runs.length > 0) return;
    done();
    this.#copying = undefined;
    fs.closeSync(fd);
  }

  #read(run: { readonly size: number; readonly source: number }): number {
    const { fd, offset, size } = this.#tar;
    const wanted = Math.min(run.size, copySize, size - run.source);
    const count = wanted <= 0 ? 0 : fs.readSync(fd, this.#buffer, 0, wanted, offset + run.source);
    if (count > 0) return count;
    throw new LadeError("STORE_DAMAGED", `${this.#tree.name}: the tar ends before a file's data`, {
      hint: "Load the image again.",
    });
  }
}

const folderFlags: number = fs.constants.O_RDONLY | fs.constants.O_DIRECTORY;
const newFile: number = fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL;

function writeAll(fd: number, bytes: Buffer, offset: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += fs.writeSync(fd, bytes, done, bytes.length - done, offset + done);
  }
}
