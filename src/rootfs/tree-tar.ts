// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { LadeError } from "../base/errors.ts";
import { sniffCompression } from "../content/compression.ts";
import { openBeneath } from "../sys/file.ts";
import { dataRuns } from "../sys/holes.ts";
import { type FileStatus, statusOf } from "../sys/status.ts";
import { type ByteString, byteStringToText, type SparseRun } from "../tar/entry.ts";
import { encodeMember, endOfArchive, type NewMember, paddingOf } from "../tar/writer.ts";
import type { OpenFile, TarPart } from "./tar-stream.ts";
import { isPortableXattr, type PlacedNode, type TarContent, type TreeNode } from "./tree.ts";
import { isGone } from "./upper.ts";

/** A layer's tar, open, and where it begins in its file. */
export interface LayerFile {
  readonly file: OpenFile;
  readonly offset: number;
  /** What errors call it. */
  readonly place: string;
}

export interface TreeTarOptions {
  /** By the number that nodes have; empty where no node's bytes lie in a layer. */
  readonly layers: readonly LayerFile[];
  /** The open upper folder, where nodes' bytes lie there. */
  readonly upperFd?: number | undefined;
}

/**
 * The parts of a tar of a tree's nodes, in the order in which they come.
 *
 * The first name of a hard-linked file takes its bytes, the others name the first. Holes of sparse
 * files become zeros, as in Docker's tars, without being read. Files of an upper folder are opened
 * when it is their turn; what a running container has removed until then is left out.
 *
 * @throws LadeError UNSUPPORTED for whiteouts, IO_FAILED for a file that became shorter meanwhile
 */
export function* treeTarParts(
  nodes: Iterable<PlacedNode>,
  options: TreeTarOptions,
): Generator<TarPart> {
  const names = new Map<TreeNode, ByteString>();
  const layers = options.layers.map(openLayer);
  let isFirst = true;
  for (const placed of nodes) {
    const { node } = placed;
    const path = isFirst ? soundStart(placed.path) : placed.path;
    isFirst = false;
    const first = node.isShared ? names.get(node) : undefined;
    if (first !== undefined) {
      yield linkHeader({ path, node }, first);
      continue;
    }
    const { content } = node;
    if (content?.type === "upper") {
      const isThere = yield* upperFileParts({ path, node }, options);
      if (!isThere) continue;
    } else {
      yield headerOf(path, node, node.size);
      if (content !== undefined) {
        // Most of all members: no generator of their own.
        const layer = layers[content.layer] as OpenLayer;
        if (content.sparse !== undefined) yield* sparseParts(node, content, layer);
        else if (node.size > 0) yield rangeOf(layer, content.offset, node.size);
        const padding = paddingOf(node.size);
        if (padding > 0) yield { type: "zeros", size: padding };
      }
    }
    if (node.isShared) names.set(node, path);
  }
  yield { type: "bytes", bytes: endOfArchive };
}

/**
 * A tar begins with a name, and readers tell by the first bytes whether it is compressed: a file
 * that is called `BZhello` gets a name that means the same and looks like none.
 */
function soundStart(path: ByteString): ByteString {
  const isMistakable = sniffCompression(Buffer.from(path, "latin1")) !== "none";
  return isMistakable ? `./${path}` : path;
}

/** The header of anything but a hard link. */
function headerOf(path: ByteString, node: TreeNode, size: number): TarPart {
  return { type: "bytes", bytes: encodeMember(memberOf(path, node, size)) };
}

/** What a header says of a node. */
export function memberOf(path: ByteString, node: TreeNode, size: number): NewMember {
  if (node.type === "whiteout") throw new Error(`a whiteout as a member: ${path}`);
  const { xattrs } = node;
  return {
    path,
    type: node.type,
    size,
    mode: node.mode,
    uid: node.uid,
    gid: node.gid,
    mtimeSeconds: node.mtimeSeconds,
    mtimeNanoseconds: node.mtimeNanoseconds,
    linkPath: node.linkPath,
    deviceMajor: node.deviceMajor,
    deviceMinor: node.deviceMinor,
    xattrs: xattrs.length === 0 ? xattrs : xattrs.filter(([name]) => isPortableXattr(name)),
  };
}

/** The header of another name of a file; its attributes came with the first. */
export function linkMember(path: ByteString, node: TreeNode, first: ByteString): NewMember {
  return { ...memberOf(path, node, 0), type: "hardlink", linkPath: first, xattrs: [] };
}

function linkHeader({ path, node }: PlacedNode, first: ByteString): TarPart {
  return { type: "bytes", bytes: encodeMember(linkMember(path, node, first)) };
}

interface OpenLayer {
  readonly file: OpenFile;
  readonly offset: number;
  readonly onShort: () => LadeError;
}

function openLayer({ file, offset, place }: LayerFile): OpenLayer {
  const onShort = () =>
    new LadeError("DIGEST_MISMATCH", `${place}: shorter than its index says`, {
      hint: "Load the image again: `lade load` replaces what is damaged.",
    });
  return { file, offset, onShort };
}

function rangeOf(layer: OpenLayer, offset: number, size: number): TarPart {
  const { file, onShort } = layer;
  return { type: "range", file, offset: layer.offset + offset, size, onShort };
}

function sparseParts(
  { size }: TreeNode,
  { offset, sparse }: TarContent,
  { file, offset: start, onShort }: OpenLayer,
): Generator<TarPart> {
  return runParts(storedRuns(sparse ?? [], start + offset), size, { file, onShort });
}

interface PlacedRun extends SparseRun {
  /** Where the run's bytes lie in the file that they are read from. */
  readonly from: number;
}

/** In a tar, the runs of a sparse file lie one behind the other. */
function* storedRuns(runs: readonly SparseRun[], from: number): Generator<PlacedRun> {
  let stored = from;
  for (const run of runs) {
    yield { ...run, from: stored };
    stored += run.size;
  }
}

function* runParts(
  runs: Iterable<PlacedRun>,
  size: number,
  source: { readonly file: OpenFile; readonly onShort: () => LadeError },
): Generator<TarPart> {
  let at = 0;
  for (const run of runs) {
    if (run.offset > at) yield { type: "zeros", size: run.offset - at };
    if (run.size > 0) yield { type: "range", ...source, offset: run.from, size: run.size };
    at = run.offset + run.size;
  }
  if (size > at) yield { type: "zeros", size: size - at };
}

// O_NONBLOCK: what was a file a moment ago may have become a pipe that nobody writes to.
const fileFlags = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY;

/** @returns false where the file is gone */
function* upperFileParts(placed: PlacedNode, options: TreeTarOptions): Generator<TarPart, boolean> {
  const { path } = placed;
  if (options.upperFd === undefined) throw new Error("no upper folder is open");
  let fd: number;
  try {
    fd = openBeneath(options.upperFd, path, fileFlags);
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
  try {
    const status = statusOf(fd);
    if (status.type !== "file") return false;
    const node = current(placed.node, status);
    yield headerOf(path, node, node.size);
    yield* contentParts(fd, status, () => shrunk(path));
    return true;
  } finally {
    fs.closeSync(fd);
  }
}

/** The file as it is now: a running container may have written to it since it was listed. */
function current(node: TreeNode, status: FileStatus): TreeNode {
  const { mode, uid, gid, size, modified } = status;
  const times = { mtimeSeconds: modified.seconds, mtimeNanoseconds: modified.nanoseconds };
  return { ...node, mode, uid, gid, size, ...times };
}

/** The bytes of an open file, with padding; holes are not read. */
export function* contentParts(
  fd: number,
  status: FileStatus,
  onShort: () => LadeError,
): Generator<TarPart> {
  const { size, stored } = status;
  const source = { file: { fd }, onShort };
  if (stored < size) {
    yield* runParts(placedRuns(dataRuns(fd, size)), size, source);
  } else if (size > 0) {
    yield { type: "range", ...source, offset: 0, size };
  }
  if (paddingOf(size) > 0) yield { type: "zeros", size: paddingOf(size) };
}

function* placedRuns(runs: Iterable<SparseRun>): Generator<PlacedRun> {
  for (const run of runs) yield { ...run, from: run.offset };
}

/** @param path below the root */
export function shrunk(path: ByteString): LadeError {
  return new LadeError(
    "IO_FAILED",
    `/${byteStringToText(path)}: became shorter while it was read`,
    { hint: "Pause or stop the container first, then run the command again." },
  );
}
