// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { StagedLayer } from "../content/stage.ts";
import { byteStringToText, type TarEntry } from "../tar/entry.ts";

/** Where the bytes of a member are. */
export type MemberContent =
  /** In an open file. */
  | { readonly type: "range"; readonly fd: number; readonly offset: number }
  /** In memory, for small members of a stream. */
  | { readonly type: "bytes"; readonly bytes: Buffer }
  /** In a lease's folder, for large members of a stream. */
  | {
      readonly type: "staged";
      readonly staged: StagedLayer;
      /** The file with the bytes as they came. */
      readonly path: string;
    };

/** A file in an archive. */
export interface Member {
  readonly name: string;
  readonly size: number;
  readonly content: MemberContent;
}

/** The files of an archive, by name. Names are keys in a table and never paths on this machine. */
export interface MemberSet {
  /** What errors call the archive. */
  readonly place: string;
  /**
   * Finds a file, through symlinks and hard links inside the archive.
   *
   * @param name as another document of the archive writes it
   * @param wantedBy what errors say asked for it
   * @returns undefined where there is none
   * @throws LadeError NAME_ESCAPES for a name, or a link, that leads out of the archive, UNSUPPORTED
   *   for a file with holes
   */
  lookup(name: string, wantedBy: string): Member | undefined;
  /** Names of all files, links and folders, normalised. */
  names(): Iterable<string>;
}

/** A name in an archive and what it is. */
export type MemberRecord =
  | { readonly type: "file"; readonly member: Member }
  | { readonly type: "symlink" | "hardlink"; readonly target: string }
  /** A file with holes, whose bytes do not lie in one piece. */
  | { readonly type: "sparse" }
  | { readonly type: "other" };

/**
 * What a member of a tar is.
 *
 * @param keep makes the member of a plain file
 */
export async function recordOf(
  entry: TarEntry,
  keep: () => Member | Promise<Member>,
): Promise<MemberRecord> {
  if (hasHoles(entry)) return { type: "sparse" };
  switch (entry.type) {
    case "file":
      return { type: "file", member: await keep() };
    case "symlink":
    case "hardlink":
      return { type: entry.type, target: byteStringToText(entry.linkPath) };
    default:
      return { type: "other" };
  }
}

/** The documents by which an archive is read; they must be there once, as plain files. */
const documentNames = new Set(["manifest.json", "index.json", "oci-layout", "repositories"]);

/**
 * Collects the names of an archive.
 *
 * A name that comes again takes the place of the first, as when a tar is unpacked; layers and
 * configs are checked by their digests anyway.
 */
export class MemberTable implements MemberSet {
  readonly place: string;
  readonly #records = new Map<string, MemberRecord>();

  constructor(place: string) {
    this.place = place;
  }

  /** @param name as the archive has it */
  add(name: string, record: MemberRecord): void {
    if (this.#records.size >= limits.archiveMembers) {
      throw new LadeError(
        "LIMIT_EXCEEDED",
        `${this.place}: more than ${limits.archiveMembers} members`,
      );
    }
    const normal = normalizeName(name, this.place);
    if (documentNames.has(normal) && this.#records.has(normal)) {
      throw new LadeError(
        "ARCHIVE_AMBIGUOUS",
        `${this.place}: ${normal} is in the archive twice: which one counts would depend on the reader`,
        { hint: "No sound image archive has it twice: do not trust where it comes from." },
      );
    }
    this.#records.set(normal, record);
  }

  names(): Iterable<string> {
    return this.#records.keys();
  }

  lookup(name: string, wantedBy: string): Member | undefined {
    const asker = `${this.place}: ${wantedBy}`;
    let current = normalizeName(name, asker);
    for (let links = 0; links <= limits.memberLinks; links++) {
      const record = this.#records.get(current);
      if (record === undefined || record.type === "other") return undefined;
      if (record.type === "sparse") throw unsupportedSparse(current, this.place);
      const isLink = record.type !== "file";
      if (isLink && documentNames.has(current)) {
        throw new LadeError(
          "DOCUMENT_INVALID",
          `${this.place}: ${current} is a link to ${JSON.stringify(record.target)}, expected a file`,
          { hint: "No sound image archive has such a link: do not trust where it comes from." },
        );
      }
      if (record.type === "file") return record.member;
      const isRelative = record.type === "symlink" && !record.target.startsWith("/");
      const base = isRelative ? current.slice(0, current.lastIndexOf("/") + 1) : "";
      current = normalizeName(`${base}${record.target}`, `${this.place}: link ${current}`);
    }
    throw new LadeError("LIMIT_EXCEEDED", `${asker}: ${name} leads from link to link`);
  }
}

/** True for a file with holes: what lies in the tar is not what the file holds. */
function hasHoles(entry: TarEntry): boolean {
  return entry.sparse !== undefined && entry.storedSize !== entry.size;
}

function unsupportedSparse(name: string, place: string): LadeError {
  return new LadeError("UNSUPPORTED", `${place}: ${name} is a sparse file, expected a plain one`, {
    hint: "Pack the archive again without `--sparse`.",
  });
}

/**
 * The name without `./`, doubled slashes and inner `..`.
 *
 * @throws LadeError NAME_ESCAPES for absolute names and names that climb out: an archive that has
 *   them was made to reach files of the machine that reads it (CVE-2014-9356)
 */
export function normalizeName(name: string, place: string): string {
  if (name.startsWith("/")) throw escapes(name, place, "is an absolute name");
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) throw escapes(name, place, "climbs out of the archive");
  }
  return parts.join("/");
}

function escapes(name: string, place: string, what: string): LadeError {
  return new LadeError("NAME_ESCAPES", `${place}: ${JSON.stringify(name)} ${what}`, {
    hint: "No sound image archive has such a name: do not trust where it comes from.",
  });
}
