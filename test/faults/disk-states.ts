// SPDX-License-Identifier: Apache-2.0

/** The states that a disk may be in after a crash. */

import { type Change, type Effect, type Node, topNode } from "./disk-record.ts";
import type { Random } from "./random.ts";

/**
 * What a crash does to changes that nobody synced.
 *
 * - `kept`: nothing: a process was killed.
 * - `lost`: all of them are gone.
 * - `ordered`: names are as a journal keeps them, up to some moment, and bytes are there or not.
 * - `mixed`: each is there or not, in whatever order: as little as POSIX promises.
 */
export type CrashMode = "kept" | "lost" | "ordered" | "mixed";

export interface CrashState {
  readonly mode: CrashMode;
  /** Bytes by path; folders end with a slash. */
  readonly files: ReadonlyMap<string, Buffer>;
}

export interface CrashPlan {
  /** Which nodes are folders. */
  readonly folders: ReadonlySet<Node> | ReadonlyMap<Node, unknown>;
  readonly mode: CrashMode;
  /** The moment of the crash. */
  readonly cut: number;
  readonly random: Random;
}

const sectors = [512, 4096];

/** Works out one state. What was synced before the crash is there in every one. */
export function crashState(effects: readonly Effect[], plan: CrashPlan): CrashState {
  const { mode, cut, random } = plan;
  const done = effects.filter((effect) => effect.start <= cut);
  const probability = random.pick([0.1, 0.5, 0.9]);
  const lastName = mode === "ordered" ? journalEnd(done, plan) : Infinity;
  const disk = new Disk(plan.folders);
  for (const [index, { change, end, syncedAt }] of done.entries()) {
    const isName = change.kind !== "write" && change.kind !== "size";
    if (syncedAt <= cut || (mode === "kept" && end <= cut)) disk.apply(change);
    else if (mode === "lost" || mode === "kept") continue;
    else if (isName && mode === "ordered") {
      if (index <= lastName) disk.apply(change);
    } else if (isName) {
      if (random.chance(probability)) disk.apply(change);
    } else {
      applyPart(disk, change, { random, probability });
    }
  }
  return { mode, files: disk.files() };
}

/** How far the journal was written: at least as far as anything that was synced. */
function journalEnd(done: readonly Effect[], { cut, random }: CrashPlan): number {
  const least = done.findLastIndex(({ change, syncedAt }) => {
    return change.kind !== "write" && change.kind !== "size" && syncedAt <= cut;
  });
  return least + random.below(done.length - least + 1);
}

/** A write that nobody synced: whole, gone, torn, or room for it and no bytes. */
function applyPart(
  disk: Disk,
  change: Change,
  { random, probability }: { readonly random: Random; readonly probability: number },
): void {
  if (change.kind !== "write") {
    if (random.chance(probability)) disk.apply(change);
    return;
  }
  const fate = random.fraction();
  if (fate < probability) disk.apply(change);
  else if (fate < probability + (1 - probability) * 0.4) return;
  else if (fate < probability + (1 - probability) * 0.6) {
    disk.apply({ ...change, bytes: Buffer.alloc(change.bytes.length) });
  } else {
    const unit = random.pick(sectors);
    for (let at = 0; at < change.bytes.length; ) {
      // Sectors are where they are on the disk, not in the write.
      const end = Math.min(change.bytes.length, at + unit - ((change.offset + at) % unit));
      if (random.chance(0.5)) {
        disk.apply({
          ...change,
          offset: change.offset + at,
          bytes: change.bytes.subarray(at, end),
        });
      }
      at = end;
    }
  }
}

class Disk {
  readonly #names = new Map<Node, Map<string, Node>>();
  readonly #bytes = new Map<Node, GrowingFile>();
  readonly #folders: CrashPlan["folders"];

  constructor(folders: CrashPlan["folders"]) {
    this.#folders = folders;
  }

  apply(change: Change): void {
    switch (change.kind) {
      case "name":
        this.#namesOf(change.folder).set(change.name, change.node);
        return;
      case "unname":
        this.#namesOf(change.folder).delete(change.name);
        return;
      case "rename":
        this.#namesOf(change.from.folder).delete(change.from.name);
        this.#namesOf(change.to.folder).set(change.to.name, change.node);
        return;
      case "write":
        this.#fileOf(change.node).write(change.offset, change.bytes);
        return;
      case "size":
        this.#fileOf(change.node).resize(change.size);
        return;
    }
  }

  files(): Map<string, Buffer> {
    const found = new Map<string, Buffer>();
    this.#collect(topNode, "", found);
    return found;
  }

  #collect(folder: Node, prefix: string, found: Map<string, Buffer>): void {
    for (const [name, node] of this.#names.get(folder) ?? []) {
      const path = prefix + name;
      if (this.#folders.has(node)) {
        found.set(`${path}/`, Buffer.alloc(0));
        this.#collect(node, `${path}/`, found);
      } else {
        found.set(path, this.#bytes.get(node)?.content() ?? Buffer.alloc(0));
      }
    }
  }

  #namesOf(folder: Node): Map<string, Node> {
    const names = this.#names.get(folder) ?? new Map<string, Node>();
    this.#names.set(folder, names);
    return names;
  }

  #fileOf(node: Node): GrowingFile {
    const file = this.#bytes.get(node) ?? new GrowingFile();
    this.#bytes.set(node, file);
    return file;
  }
}

class GrowingFile {
  #bytes = Buffer.alloc(0);
  #size = 0;

  write(offset: number, bytes: Uint8Array): void {
    this.#reserve(offset + bytes.length);
    this.#bytes.set(bytes, offset);
    this.#size = Math.max(this.#size, offset + bytes.length);
  }

  resize(size: number): void {
    this.#reserve(size);
    if (size < this.#size) this.#bytes.fill(0, size, this.#size);
    this.#size = size;
  }

  content(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(size, this.#bytes.length * 2));
    this.#bytes.copy(larger);
    this.#bytes = larger;
  }
}
