// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { type Digest, digestOf, isDigest } from "../spec/digest.ts";
import { parseImageConfig } from "../spec/image-config.ts";
import { type ArchiveManifestItem, parseArchiveManifest } from "../spec/oci.ts";
import type { Reference } from "../spec/reference.ts";
import { readMember } from "./document.ts";
import type { ArchivedImage, ArchivedLayer } from "./image.ts";
import { type MemberSet, normalizeName } from "./member.ts";
import { parseNameIn } from "./name.ts";

const manifestName = "manifest.json";

/**
 * The images that `manifest.json` names.
 *
 * @throws LadeError DOCUMENT_INVALID, ARCHIVE_*, NAME_ESCAPES, DIGEST_MISMATCH, REFERENCE_INVALID
 */
export function readDockerImages(members: MemberSet): ArchivedImage[] {
  const bytes = readMember(members, manifestName, {
    wantedBy: "archive",
    maxSize: limits.archiveManifestSize,
  });
  const items = parseArchiveManifest(bytes, `${members.place}: ${manifestName}`);
  return items.map((item) => readItem(members, item));
}

function readItem(members: MemberSet, item: ArchiveManifestItem): ArchivedImage {
  const configBytes = readMember(members, item.Config, { wantedBy: manifestName });
  const place = `${members.place}: ${item.Config}`;
  const id = digestOf(configBytes);
  checkConfigName(item.Config, id, place);
  const config = parseImageConfig(configBytes, place);
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== item.Layers.length) {
    throw new LadeError(
      "DOCUMENT_INVALID",
      `${place}: invalid manifest, layers length mismatch: expected ${diffIds.length}, got ${item.Layers.length}`,
    );
  }
  return {
    kind: "image",
    place,
    id,
    config,
    configBytes,
    parent: item.Parent !== undefined && isDigest(item.Parent) ? item.Parent : undefined,
    references: item.RepoTags.map((tag) => parseTag(tag, `${members.place}: ${manifestName}`)),
    layers: item.Layers.map((name, index) =>
      dockerLayer(members, { name, index, diffId: diffIds[index] as Digest }),
    ),
    manifests: [],
    indexDigests: [],
    index: undefined,
  };
}

/**
 * A config is stored under its digest (`<hex>.json`, `blobs/sha256/<hex>`, `sha256:<hex>`): where
 * the name is one and the bytes are others, the archive was damaged or tampered with.
 */
function checkConfigName(name: string, id: Digest, place: string): void {
  const hex = /(?:^|\/|sha256:)([0-9a-f]{64})(?:\.json)?$/.exec(name)?.[1];
  if (hex === undefined || id === `sha256:${hex}`) return;
  throw new LadeError(
    "DIGEST_MISMATCH",
    `${place}: digest mismatch: want sha256:${hex}, got ${id}`,
    { hint: "The archive is damaged: copy it again, or save the image again." },
  );
}

function parseTag(text: string, place: string): Reference {
  const reference = parseNameIn(text, `${place}: RepoTags`);
  if (reference.tag !== undefined && reference.digest === undefined) return reference;
  throw new LadeError("REFERENCE_INVALID", `${place}: RepoTags: invalid tag "${text}"`);
}

function dockerLayer(
  members: MemberSet,
  layer: { readonly name: string; readonly index: number; readonly diffId: Digest },
): ArchivedLayer {
  const { name, index, diffId } = layer;
  const member = members.lookup(name, manifestName);
  return {
    place: `${members.place}: layer ${index + 1} (${name})`,
    member,
    diffId,
    blob: member === undefined ? undefined : blobOfName(name, member.size),
  };
}

/** In an OCI layout the name of a blob is its digest. */
function blobOfName(name: string, size: number): { digest: Digest; size: number } | undefined {
  const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(normalizeName(name, name))?.[1];
  return hex === undefined ? undefined : { digest: `sha256:${hex}`, size };
}
