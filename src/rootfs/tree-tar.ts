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
  /** Told how many bytes of files have been asked for. */
  readonly onContent?: ((size: number) => void) | undefined;
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
  for (const { path, node } of soundStart(nodes)) {
    if (node.children !== undefined) {
      yield headerOf({ path, node });
      continue;
    }
    const first = names.get(node);
    if (first !== undefined) {
      yield linkHeader({ path, node }, first);
      continue;
    }
    let isThere = true;
    if (node.content === undefined) yield headerOf({ path, node });
    else if (node.content.type === "tar") yield* layerFileParts({ path, node }, options);
    else isThere = yield* upperFileParts({ path, node }, options);
    if (isThere) names.set(node, path);
  }
  yield { type: "bytes", bytes: endOfArchive };
}

/**
 * A tar begins with a name, and readers tell by the first bytes whether it is compressed: a file
 * that is called `BZhello` gets a name that means the same and looks like none.
 */
function* soundStart(nodes: Iterable<PlacedNode>): Generator<PlacedNode> {
  let isFirst = true;
  for (const { path, node } of nodes) {
    const isMistakable = isFirst && sniffCompression(Buffer.from(path, "latin1")) !== "none";
    yield { path: isMistakable ? `./${path}` : path, node };
    isFirst = false;
  }
}

/** The header of anything but a hard link. */
function headerOf({ path, node }: PlacedNode, size: number = node.size): TarPart {
  return { type: "bytes", bytes: encodeMember({ ...memberOf({ path, node }), size }) };
}

/** What a header says of a node, without a size. */
export function memberOf({ path, node }: PlacedNode): NewMember {
  if (node.type === "whiteout") throw new Error(`a whiteout as a member: ${path}`);
  const { type, mode, uid, gid, mtimeSeconds, mtimeNanoseconds, linkPath } = node;
  const { deviceMajor, deviceMinor } = node;
  const xattrs = node.xattrs.filter(([name]) => isPortableXattr(name));
  const owner = { mode, uid, gid, mtimeSeconds, mtimeNanoseconds };
  return { path, type, ...owner, linkPath, deviceMajor, deviceMinor, xattrs };
}

function linkHeader(placed: PlacedNode, first: ByteString): TarPart {
  const member = memberOf(placed);
  const bytes = encodeMember({ ...member, type: "hardlink", linkPath: first, xattrs: [] });
  return { type: "bytes", bytes };
}

function* layerFileParts(placed: PlacedNode, options: TreeTarOptions): Generator<TarPart> {
  const content = placed.node.content as TarContent;
  const { size } = placed.node;
  yield headerOf(placed);
  options.onContent?.(size);
  const layer = options.layers[content.layer];
  if (layer === undefined) throw new Error(`no layer ${content.layer}`);
  const from = layer.offset + content.offset;
  if (content.sparse !== undefined) {
    yield* runParts(storedRuns(content.sparse, from), size, { file: layer.file, onShort });
  } else if (size > 0) {
    yield { type: "range", file: layer.file, offset: from, size, onShort };
  }
  if (paddingOf(size) > 0) yield { type: "zeros", size: paddingOf(size) };
  function onShort(): LadeError {
    return new LadeError("DIGEST_MISMATCH", `${layer?.place}: shorter than its index says`, {
      hint: "Load the image again: `lade load` replaces what is damaged.",
    });
  }
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
    yield headerOf({ path, node });
    options.onContent?.(node.size);
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
