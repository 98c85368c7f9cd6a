// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { readMember } from "./document.ts";
import type { MemberSet } from "./member.ts";

export type ArchiveFormat =
  /** `manifest.json`: Docker 1.10 to 24, podman, skopeo, kaniko, jib, nix. */
  | "docker-archive"
  /** `index.json` and blobs: OCI layout. */
  | "oci-layout"
  /** Both in one: Docker from 25 on, lade. */
  | "docker-archive+oci-layout"
  /** `repositories` and a folder for each layer: Docker before 1.10. */
  | "docker-legacy";

/** Folders at the top of a Linux system, none of which an image archive has. */
const filesystemTops = new Set(
  (
    "bin boot dev etc home lib lib32 lib64 libx32 media mnt opt proc root run sbin srv sys tmp " +
    "usr var .dockerenv"
  ).split(" "),
);

/** As many of them make a file system; fewer could be odd names in an image archive. */
const enoughTops = 3;

/** Tells a container's file system (`docker export`) from an image archive by its names. */
export class FilesystemDetector {
  readonly #place: string;
  readonly #tops = new Set<string>();

  constructor(place: string) {
    this.#place = place;
  }

  /** True once the names can only be those of a file system. */
  get isFilesystem(): boolean {
    return this.#tops.size >= enoughTops;
  }

  /** True once any of the names belongs to a file system. */
  get isLikely(): boolean {
    return this.#tops.size > 0;
  }

  /** @throws LadeError ARCHIVE_IS_FILESYSTEM at the name that makes it certain */
  see(name: string): void {
    this.note(name);
    if (this.isFilesystem) throw this.#error();
  }

  note(name: string): void {
    const start = name.startsWith("./") ? 2 : name.startsWith("/") ? 1 : 0;
    const slash = name.indexOf("/", start);
    const top = name.slice(start, slash < 0 ? undefined : slash);
    if (filesystemTops.has(top)) this.#tops.add(top);
  }

  /** @throws LadeError ARCHIVE_IS_FILESYSTEM for a small one that holds nothing else */
  finish(members: MemberSet): void {
    if (this.#tops.size > 0 && formatOf(members) === undefined) throw this.#error();
  }

  #error(): LadeError {
    return new LadeError(
      "ARCHIVE_IS_FILESYSTEM",
      `${this.#place}: this is a container's file system, as \`docker export\` writes it, and no image archive`,
      { hint: "Use `lade import FILE NAME:TAG`, which makes an image of a file system." },
    );
  }
}

/** @throws LadeError ARCHIVE_IS_FILESYSTEM */
export function refuseFilesystem(members: MemberSet): void {
  const detector = new FilesystemDetector(members.place);
  for (const name of members.names()) detector.see(name);
  detector.finish(members);
}

/**
 * Refuses a folder of containers/image's `dir:` transport, whose `manifest.json` is another kind of
 * document than an archive's.
 *
 * @throws LadeError UNSUPPORTED
 */
export function refuseDirTransport(members: MemberSet): void {
  const member = members.lookup("version", "archive");
  if (member === undefined || member.size > dirVersionSize) return;
  const version = readMember(members, "version", { wantedBy: "archive" });
  if (!version.toString("latin1").startsWith("Directory Transport Version:")) return;
  throw new LadeError(
    "UNSUPPORTED",
    `${members.place}: this is a \`dir:\` folder, as \`skopeo copy\` and \`podman save --format docker-dir\` write it, and no image archive`,
    {
      hint: `Make an archive of it: skopeo copy dir:${members.place} docker-archive:FILE:NAME:TAG`,
    },
  );
}

/** A line such as `Directory Transport Version: 1.1`. */
const dirVersionSize = 100;

/** The format by which the archive can be read; undefined where it is none. */
export function formatOf(members: MemberSet): ArchiveFormat | undefined {
  const has = (name: string) => members.lookup(name, "archive") !== undefined;
  const isDocker = has("manifest.json");
  const isOci = has("index.json");
  if (isDocker && isOci) return "docker-archive+oci-layout";
  if (isDocker) return "docker-archive";
  if (isOci) return "oci-layout";
  if (has("repositories")) return "docker-legacy";
  return has("oci-layout") ? "oci-layout" : undefined;
}

/** @throws LadeError ARCHIVE_UNRECOGNIZED, with Docker's words */
export function unrecognized(members: MemberSet): LadeError {
  const some = [...members.names()].slice(0, 3).join(", ");
  return new LadeError(
    "ARCHIVE_UNRECOGNIZED",
    `${members.place}: invalid archive: does not contain a manifest.json, an index.json or repositories${some === "" ? ": it is empty" : ` (it begins with ${some})`}`,
    { hint: "Give a file made by `docker save`, `podman save`, `skopeo copy` or `lade save`." },
  );
}
