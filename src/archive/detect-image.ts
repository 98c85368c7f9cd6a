// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { FilesystemDetector } from "./detect.ts";

/** Documents of image archives, which may also lie at the top of a small file system. */
const documentNames = new Set(["manifest.json", "oci-layout", "repositories", "index.json"]);

/**
 * Blobs of an OCI layout; layers and configs of Docker archives, old and new. They come first, and
 * the documents last.
 */
const contentName =
  /^(?:blobs\/sha256\/[0-9a-f]{64}|[0-9a-f]{64}\/(?:layer\.tar|json|VERSION)|[0-9a-f]{64}\.(?:tar|json))$/;

/** Tells an image archive from a container's file system by its names, as soon as they tell. */
export class ImageArchiveDetector {
  readonly #place: string;
  readonly #filesystem: FilesystemDetector;
  #document: string | undefined;

  constructor(place: string) {
    this.#place = place;
    this.#filesystem = new FilesystemDetector(place);
  }

  /** @throws LadeError ARCHIVE_IS_IMAGE at the name that makes it certain */
  see(name: string): void {
    if (this.#filesystem.isFilesystem) return;
    this.#filesystem.note(name);
    const plain = name.startsWith("./") ? name.slice(2) : name;
    if (documentNames.has(plain)) this.#document ??= plain;
    if (!this.#filesystem.isLikely && contentName.test(plain)) throw this.#error(plain);
  }

  /** @throws LadeError ARCHIVE_IS_IMAGE for one that has its documents */
  finish(): void {
    if (this.#document === undefined || this.#filesystem.isFilesystem) return;
    throw this.#error(this.#document);
  }

  #error(name: string): LadeError {
    return new LadeError(
      "ARCHIVE_IS_IMAGE",
      `${this.#place}: this is an image archive (it has ${name}), as \`docker save\` writes it, and no file system`,
      { hint: "Use `lade load -i FILE`, or --force to import it as it is." },
    );
  }
}
