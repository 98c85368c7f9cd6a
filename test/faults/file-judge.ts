// SPDX-License-Identifier: Apache-2.0

/** Judges what lade did with files, from a trace of it, by where the kernel says they are. */

import { basename, posix } from "node:path";
import { type Access, type NamedPlace, placesOf, plainPath } from "./file-calls.ts";
import { descriptorOf, parseLines, stringOf, type TracedLine } from "./strace-lines.ts";

export interface Bounds {
  /** Node; what starts it is lade again, whoever starts it. */
  readonly node: string;
  /** A folder that no call may name. */
  readonly victim: string;
  /** Folders in which lade may do everything. */
  readonly own: readonly string[];
  /** Elsewhere, what may be read or written, each with its reason. */
  readonly known: readonly KnownPlace[];
  /** Folders whose names an archive chose: the kernel may resolve one name at a time there. */
  readonly foreign: RegExp;
  /** Names of the programs that lade may start. */
  readonly programs: readonly string[];
}

export interface KnownPlace {
  /** Matches whole paths. */
  readonly path: RegExp;
  readonly access: "read" | "write";
  readonly reason: string;
}

export interface Verdict {
  /** Calls of lade's own processes that named a place. */
  readonly calls: number;
  /** Those outside of lade's folders, by reason. */
  readonly outside: ReadonlyMap<string, number>;
  /** Programs that lade started, by name. */
  readonly programs: ReadonlyMap<string, number>;
  readonly failures: readonly string[];
}

/** What threads share. */
interface Process {
  /** What it runs is lade, not another program or what a container runs. */
  isLade: boolean;
  /** The last known real path of each descriptor, and of the working folder. */
  readonly paths: Map<string, string>;
}

interface Birth {
  readonly child: string;
  readonly parent: string;
  readonly start: number;
  readonly isThread: boolean;
  isKnown: boolean;
}

/**
 * Judges a trace of a lade command.
 *
 * @throws Error for lines that it can't read: what is not understood is not judged to be harmless
 */
export function judgeTrace(text: string, bounds: Bounds): Verdict {
  const lines = [...parseLines(text)];
  const family = new Family(lines.filter((line) => line.kind === "call"));
  const judge = new Judge(bounds);
  for (const line of lines) {
    if (line.kind === "end") {
      family.end(line.thread);
      continue;
    }
    const process = family.processOf(line);
    if (process.isLade) judge.look(line, process);
    if (line.isDone && line.name.startsWith("execve")) process.isLade = isLade(line, bounds);
  }
  return judge;
}

/** Which threads are which process, and what each took over from the one that made it. */
class Family {
  readonly #births: readonly Birth[];
  readonly #processes = new Map<string, Process>();

  constructor(lines: readonly TracedLine[]) {
    this.#births = lines.flatMap(birthOf);
  }

  end(thread: string): void {
    this.#processes.delete(thread);
  }

  processOf(line: TracedLine): Process {
    // The first line is the command's own.
    if (line.start === 0) this.#processes.set(line.thread, { isLade: true, paths: new Map() });
    // A child may make its first call before its parent comes back, or after its parent's end.
    for (const { child } of birthOf(line)) {
      const birth = this.#births.find((one) => one.start === line.start && one.child === child);
      if (birth?.isKnown === false) this.#bear(birth);
    }
    if (!this.#processes.has(line.thread)) {
      const births = this.#births.filter(({ child, isKnown }) => child === line.thread && !isKnown);
      const birth = births.find(({ start }) => start < line.start);
      if (birth !== undefined) this.#bear(birth);
    }
    const process = this.#processes.get(line.thread);
    if (process === undefined) throw new Error(`strace: who is ${line.thread}? ${line.text}`);
    return process;
  }

  #bear(birth: Birth): void {
    birth.isKnown = true;
    const parent = this.#processes.get(birth.parent);
    if (parent === undefined) throw new Error(`strace: who started ${birth.child}?`);
    const child = { isLade: parent.isLade, paths: new Map(parent.paths) };
    this.#processes.set(birth.child, birth.isThread ? parent : child);
  }
}

function birthOf({ name, thread: parent, answer, args, start, isDone }: TracedLine): Birth[] {
  if (!isDone || !/^(clone3?|v?fork)$/.test(name)) return [];
  const [, inside, outside] = /^(\d+)(?: \/\* (\d+) in strace's PID NS \*\/)?/.exec(answer) ?? [];
  const child = outside ?? inside ?? "";
  const isThread = args.join(" ").includes("CLONE_THREAD");
  return [{ child, parent, start, isThread, isKnown: false }];
}

function isLade({ name, args }: TracedLine, { node }: Bounds): boolean {
  return name === "execve" && stringOf(args[0]) === node;
}

class Judge implements Verdict {
  calls = 0;
  readonly outside = new Map<string, number>();
  readonly programs = new Map<string, number>();
  readonly failures: string[] = [];
  readonly #bounds: Bounds;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  look(line: TracedLine, { paths }: Process): void {
    for (const argument of [...line.args, ...(line.isDone ? [line.answer] : [])]) {
      const open = descriptorOf(argument);
      if (open !== undefined) paths.set(open.number, open.path);
    }
    const places = placesOf(line, (number) => paths.get(number));
    if (line.name === "fchdir" && line.isDone) {
      paths.set("AT_FDCWD", descriptorOf(line.args[0])?.path ?? "/");
    }
    if (places === undefined) {
      this.#fail("a call that the audit does not know", line);
      return;
    }
    if (places.length === 0) return;
    if (line.isDone) this.calls++;
    const faults = places.map((place) => this.#faultOf(place, line));
    const fault = faults.find((found) => found !== undefined);
    if (fault !== undefined) this.#fail(fault, line);
    if (line.isDone && line.name.startsWith("execve")) this.#started(line);
  }

  #started(line: TracedLine): void {
    const path = stringOf(line.args[0]) ?? "";
    if (path === this.#bounds.node) return;
    const name = basename(path);
    this.programs.set(name, (this.programs.get(name) ?? 0) + 1);
    if (!this.#bounds.programs.includes(name)) this.#fail("a program that lade needs not", line);
  }

  #fail(what: string, line: TracedLine): void {
    this.failures.push(`${what}: ${line.text.slice(0, 600)}`);
  }

  #faultOf(place: NamedPlace, { isDone }: TracedLine): string | undefined {
    const { victim } = this.#bounds;
    const plain = plainPath(place);
    const real = place.real ?? plain;
    if (isWithin(plain, victim) || isWithin(real, victim)) return "the folder outside was reached";
    if (!isDone) return undefined;
    const entry = this.#faultOfNames(place);
    if (entry !== undefined) return entry;
    if (place.access === "look" || this.#bounds.own.some((folder) => isWithin(real, folder))) {
      return undefined;
    }
    const known = this.#bounds.known.find(
      ({ path, access }) => path.test(real) && (access === "write" || place.access === "read"),
    );
    if (known === undefined) return `${describe(place.access)} outside of lade's folders`;
    this.outside.set(known.reason, (this.outside.get(known.reason) ?? 0) + 1);
    return undefined;
  }

  /** The kernel knows where a name ended, but only opening tells: so nothing may lead elsewhere. */
  #faultOfNames(place: NamedPlace): string | undefined {
    if (place.isHeld === true || place.name === "") return undefined;
    const { base, name, follows } = place;
    const parts = name.split("/").filter((part) => part !== "" && part !== ".");
    let path = base;
    for (const [index, part] of parts.entries()) {
      path = posix.join(path, part);
      if (!this.#isForeign(path)) continue;
      if (index < parts.length - 1) return "the kernel resolves a name that an archive chose";
      if (follows) return "the kernel follows a name that an archive chose";
    }
    return undefined;
  }

  /** Whether the path lies in a folder whose names an archive chose, below its top. */
  #isForeign(path: string): boolean {
    return this.#bounds.foreign.test(path);
  }
}

function describe(access: Access): string {
  return access === "write" ? "something is changed" : "something is read";
}

export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
