// SPDX-License-Identifier: Apache-2.0

import type { Digest } from "../spec/digest.ts";
import type { ImageConfig } from "../spec/image-config.ts";
import type { Reference } from "../spec/reference.ts";
import type { Member } from "./member.ts";

/** A layer of an image in an archive. */
export interface ArchivedLayer {
  /** What errors call it. */
  readonly place: string;
  /** Undefined for a layer that the archive leaves out, since the receiver has it. */
  readonly member: Member | undefined;
  /** The digest that its uncompressed tar must have; undefined where only the tar tells. */
  readonly diffId: Digest | undefined;
  /** Digest and size that its bytes in the archive must have, where a manifest says so. */
  readonly blob: { readonly digest: Digest; readonly size: number } | undefined;
}

/** A manifest that came with an image. */
export interface ArchivedManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** An index that can go out again as it came: image and attestations, all there. */
export interface ArchivedIndex {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Buffer;
  /** Attestation manifests and the blobs that they name. */
  readonly documents: readonly Buffer[];
}

interface ArchivedBase {
  /** What errors call it. */
  readonly place: string;
  /** Names with tags. */
  readonly references: readonly Reference[];
  /** Lowest first. */
  readonly layers: readonly ArchivedLayer[];
}

/** An image in an archive, with all that is needed to take it in. */
export interface ArchivedImage extends ArchivedBase {
  readonly kind: "image";
  readonly id: Digest;
  readonly config: ImageConfig;
  readonly configBytes: Buffer;
  /** Image ID of the parent, where the archive names one. */
  readonly parent: Digest | undefined;
  readonly manifests: readonly ArchivedManifest[];
  /** Indexes through which the image was reached: names by which people know it, too. */
  readonly indexDigests: readonly Digest[];
  /** The index that names this image and no other, where all else that it names is there. */
  readonly index: ArchivedIndex | undefined;
}

/** An image of Docker before 1.10, whose config has to be made from its layers' documents. */
export interface ArchivedV1Image extends ArchivedBase {
  readonly kind: "v1";
  /** `<id>/json` of each layer, lowest first. */
  readonly documents: readonly { readonly bytes: Buffer; readonly place: string }[];
}

/** The images of an archive. */
export interface ArchivedImages {
  readonly images: readonly (ArchivedImage | ArchivedV1Image)[];
  /** What a user should know, such as a name that could not be told. */
  readonly warnings: readonly string[];
}
