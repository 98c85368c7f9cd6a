// SPDX-License-Identifier: Apache-2.0

import { limits } from "../base/limits.ts";
import { mediaTypes } from "../spec/media-types.ts";
import { type Descriptor, isAttestation, parseIndex, parseManifest } from "../spec/oci.ts";
import { blobName, readBlobDocument } from "./document.ts";
import type { ArchivedIndex } from "./image.ts";
import type { MemberSet } from "./member.ts";

/**
 * An index of one image with its attestations, as BuildKit makes it and Docker 29 saves it, where
 * the archive has all of it.
 *
 * The digest of such an index is what people know the image by; so it is kept. An index of several
 * platforms, or of parts that were left out, can't go out whole and is not.
 *
 * @returns undefined where anything that the index names is missing, large or another platform
 */
export function wholeIndex(
  members: MemberSet,
  descriptor: Descriptor,
  bytes: Buffer,
): ArchivedIndex | undefined {
  const place = `${members.place}: ${blobName(descriptor.digest)}`;
  const { manifests, mediaType } = parseIndex(bytes, place);
  const attestations = manifests.filter(isAttestation);
  if (manifests.length - attestations.length !== 1) return undefined;
  const documents: Buffer[] = [];
  for (const attestation of attestations) {
    const parts = readAttestation(members, attestation);
    if (parts === undefined) return undefined;
    documents.push(...parts);
  }
  return {
    digest: descriptor.digest,
    mediaType: descriptor.mediaType || mediaType || mediaTypes.ociIndex,
    bytes,
    documents,
  };
}

function readAttestation(members: MemberSet, attestation: Descriptor): Buffer[] | undefined {
  const manifest = readSmall(members, attestation, "index");
  if (manifest === undefined) return undefined;
  const name = blobName(attestation.digest);
  const { config, layers } = parseManifest(manifest, `${members.place}: ${name}`);
  const documents = [manifest];
  for (const part of [config, ...layers]) {
    const bytes = readSmall(members, part, name);
    if (bytes === undefined) return undefined;
    documents.push(bytes);
  }
  return documents;
}

function readSmall(
  members: MemberSet,
  descriptor: Descriptor,
  wantedBy: string,
): Buffer | undefined {
  if (descriptor.size > limits.documentSize) return undefined;
  if (members.lookup(blobName(descriptor.digest), wantedBy) === undefined) return undefined;
  return readBlobDocument(members, descriptor, wantedBy);
}
