// SPDX-License-Identifier: Apache-2.0

/** From system calls to what they change on a disk: the names in folders and the bytes of files. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TracedCall, unquote } from "./trace.ts";

/** Files and folders by number, since names come and go. */
export type Node = number;

export type Change =
  | {
      readonly kind: "write";
      readonly node: Node;
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: "size"; readonly node: Node; readonly size: number }
  | { readonly kind: "name"; readonly folder: Node; readonly name: string; readonly node: Node }
  | { readonly kind: "unname"; readonly folder: Node; readonly name: string }
  | {
      readonly kind: "rename";
      readonly from: { readonly folder: Node; readonly name: string };
      readonly to: { readonly folder: Node; readonly name: string };
      readonly node: Node;
    };

export interface Effect {
  readonly change: Change;
  readonly start: number;
  readonly end: number;
  /** When the sync ended that made it last; Infinity where none did. */
  syncedAt: number;
}

interface OpenFile {
  readonly path: string;
  readonly node: Node | undefined;
  offset: number;
}

/** The folder that is recorded. */
export const topNode: Node = 0;

/** SQLite makes it anew at first use after a crash, and maps it, so that its writes are no calls. */
function isIgnored(name: string): boolean {
  return name.endsWith("-shm");
}

/** Records what commands do below one folder, one command after the other. */
export class DiskRecord {
  readonly effects: Effect[] = [];
  /** All nodes; folders with their names as they are now. */
  readonly folders = new Map<Node, Map<string, Node>>([[topNode, new Map()]]);
  now = 0;
  readonly #top: string;
  #nodes = 1;
  #open = new Map<number, OpenFile>();

  /** @param top a folder that is empty yet, and on the disk */
  constructor(top: string) {
    this.#top = top;
  }

  /** Takes the calls of one command. */
  addCommand(calls: readonly TracedCall[]): void {
    this.#open = new Map();
    const first = this.now;
    let last = first;
    for (const call of calls) {
      const when = { start: first + call.start, end: first + call.end };
      this.#take(call, when);
      last = Math.max(last, when.end);
    }
    this.now = last + 1;
  }

  /** Notes a file that was written from outside, on the disk at once. */
  addFile(path: string, bytes: Buffer): void {
    const { folder, name } = this.#place(path);
    const when = { start: this.now, end: this.now };
    this.now++;
    const names = this.#namesOf(folder);
    const known = names.get(name);
    const node = known ?? this.#nodes++;
    names.set(name, node);
    const changes: Change[] = [
      { kind: "name", folder, name, node },
      { kind: "size", node, size: 0 },
      { kind: "write", node, offset: 0, bytes },
    ];
    for (const change of changes) this.effects.push({ change, ...when, syncedAt: when.end });
  }

  #take({ name, args, answer }: TracedCall, when: { start: number; end: number }): void {
    const add = (change: Change) => this.effects.push({ change, ...when, syncedAt: Infinity });
    const [a = "", b = "", c = "", d = ""] = args;
    switch (name) {
      case "open":
        this.#openFile(unquote(a).toString(), b, answer, add);
        break;
      case "openat":
        this.#openFile(this.#pathAt(a, b), c, answer, add);
        break;
      case "close":
        this.#open.delete(Number(a));
        break;
      case "write":
        this.#write(Number(a), undefined, unquote(b).subarray(0, answer), add);
        break;
      case "pwrite64":
        this.#write(Number(a), Number(d), unquote(b).subarray(0, answer), add);
        break;
      case "writev":
        this.#write(Number(a), undefined, vectorOf(args, answer), add);
        break;
      case "pwritev":
      case "pwritev2":
        this.#write(Number(a), offsetOf(name, args), vectorOf(args, answer), add);
        break;
      case "ftruncate": {
        const node = this.#open.get(Number(a))?.node;
        if (node !== undefined) add({ kind: "size", node, size: Number(b) });
        break;
      }
      case "fsync":
      case "fdatasync":
        this.#sync(this.#open.get(Number(a))?.node, when);
        break;
      case "mkdir":
        this.#make(unquote(a).toString(), "folder", add);
        break;
      case "mkdirat":
        this.#make(this.#pathAt(a, b), "folder", add);
        break;
      case "link":
        this.#link(unquote(a).toString(), unquote(b).toString(), add);
        break;
      case "rename":
        this.#rename(unquote(a).toString(), unquote(b).toString(), add);
        break;
      case "renameat":
      case "renameat2":
        this.#rename(this.#pathAt(a, b), this.#pathAt(c, d), add);
        break;
      case "unlink":
      case "rmdir":
        this.#unname(unquote(a).toString(), add);
        break;
      case "unlinkat":
        this.#unname(this.#pathAt(a, b), add);
        break;
      default:
        this.#refuse(name, args);
        break;
    }
  }

  /** Calls of which nobody knows yet what they would mean; better none than a wrong record. */
  #refuse(name: string, args: readonly string[]): void {
    const touches = args.some((arg) => {
      if (arg.startsWith('"')) return this.#isInside(unquote(arg).toString());
      return this.#open.get(Number(arg))?.node !== undefined;
    });
    if (touches)
      throw new Error(`a call that is not recorded: ${name}(${args.join(", ").slice(0, 200)})`);
  }

  #openFile(path: string, flags: string, fd: number, add: (change: Change) => void): void {
    let node: Node | undefined;
    if (this.#isInside(path)) {
      if (flags.includes("O_TMPFILE")) throw new Error("O_TMPFILE is not recorded");
      node = this.#find(path);
      if (node === undefined) node = this.#make(path, "file", add);
      else if (flags.includes("O_TRUNC")) add({ kind: "size", node, size: 0 });
    }
    this.#open.set(fd, { path, node, offset: 0 });
  }

  #write(
    fd: number,
    offset: number | undefined,
    bytes: Buffer,
    add: (change: Change) => void,
  ): void {
    const file = this.#open.get(fd);
    if (file?.node === undefined) return;
    add({ kind: "write", node: file.node, offset: offset ?? file.offset, bytes });
    if (offset === undefined) file.offset += bytes.length;
  }

  /** Whatever was done to the file's bytes, or the folder's names, before the sync began. */
  #sync(node: Node | undefined, when: { start: number; end: number }): void {
    if (node === undefined) return;
    for (const effect of this.effects) {
      const isBefore = effect.end < when.start && effect.syncedAt === Infinity;
      if (isBefore && touches(effect.change, node)) effect.syncedAt = when.end;
    }
  }

  #make(path: string, type: "file" | "folder", add: (change: Change) => void): Node | undefined {
    if (!this.#isInside(path)) return undefined;
    const { folder, name } = this.#place(path);
    const node = this.#nodes++;
    this.#namesOf(folder).set(name, node);
    if (type === "folder") this.folders.set(node, new Map());
    add({ kind: "name", folder, name, node });
    return node;
  }

  #link(from: string, to: string, add: (change: Change) => void): void {
    if (!this.#isInside(to)) return;
    const node = this.#find(from);
    if (node === undefined) throw new Error(`a link to ${from}, which is not recorded`);
    const { folder, name } = this.#place(to);
    this.#namesOf(folder).set(name, node);
    add({ kind: "name", folder, name, node });
  }

  #rename(source: string, target: string, add: (change: Change) => void): void {
    if (!this.#isInside(source)) return;
    const [from, to] = [this.#place(source), this.#place(target)];
    const node = this.#namesOf(from.folder).get(from.name);
    if (node === undefined) throw new Error(`a rename of ${source}, which is not recorded`);
    this.#namesOf(from.folder).delete(from.name);
    this.#namesOf(to.folder).set(to.name, node);
    add({ kind: "rename", from, to, node });
  }

  #unname(path: string, add: (change: Change) => void): void {
    if (!this.#isInside(path)) return;
    const { folder, name } = this.#place(path);
    this.#namesOf(folder).delete(name);
    add({ kind: "unname", folder, name });
  }

  #isInside(path: string): boolean {
    const isBelow = path === this.#top || path.startsWith(`${this.#top}/`);
    return isBelow && !isIgnored(path);
  }

  /** A path that a call takes relative to a descriptor's folder. */
  #pathAt(folder: string, name: string): string {
    const path = unquote(name).toString();
    if (path.startsWith("/") || folder === "AT_FDCWD") return path;
    const base = this.#open.get(Number(folder))?.path ?? "";
    return path === "" ? base : `${base}/${path}`;
  }

  #place(path: string): { folder: Node; name: string } {
    const slash = path.lastIndexOf("/");
    const folder = this.#find(path.slice(0, slash));
    if (folder === undefined) throw new Error(`${path}: its folder is not recorded`);
    return { folder, name: path.slice(slash + 1) };
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = topNode;
    for (const part of path.slice(this.#top.length).split("/")) {
      if (part !== "" && node !== undefined) node = this.folders.get(node)?.get(part);
    }
    return node;
  }

  #namesOf(folder: Node): Map<string, Node> {
    const names = this.folders.get(folder);
    if (names === undefined) throw new Error("no folder");
    return names;
  }
}

/** A sync of a file keeps its bytes, one of a folder its names; a rename is there whole or not. */
function touches(change: Change, node: Node): boolean {
  switch (change.kind) {
    case "write":
    case "size":
      return change.node === node;
    case "name":
    case "unname":
      return change.folder === node;
    case "rename":
      return change.from.folder === node || change.to.folder === node;
  }
}

function vectorOf(args: readonly string[], size: number): Buffer {
  const parts = args.join(", ").matchAll(/iov_base=("[^"]*")/g);
  return Buffer.concat([...parts].map(([, part = ""]) => unquote(part))).subarray(0, size);
}

function offsetOf(name: string, args: readonly string[]): number {
  return Number(args.at(name === "pwritev2" ? -2 : -1));
}

/** Every file of a folder by its path below it; folders with a slash at the end. */
export function readTree(folder: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(folder.length + 1);
    if (isIgnored(name)) continue;
    if (entry.isDirectory()) found.set(`${name}/`, Buffer.alloc(0));
    else if (entry.isFile()) found.set(name, readFileSync(path));
  }
  return found;
}
