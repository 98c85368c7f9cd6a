// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { parseJson } from "../spec/document.ts";
import { parseRepositories } from "../spec/oci.ts";
import { type Reference, withTag } from "../spec/reference.ts";
import { readMember } from "./document.ts";
import type { ArchivedV1Image } from "./image.ts";
import type { MemberSet } from "./member.ts";
import { parseNameIn } from "./name.ts";

/**
 * The images of an archive of Docker before 1.10: `repositories` names the top layer of each, and
 * each layer's `json` names the layer below.
 *
 * @throws LadeError DOCUMENT_INVALID, ARCHIVE_MEMBER_MISSING, NAME_ESCAPES, REFERENCE_INVALID
 */
export function readV1Images(members: MemberSet): ArchivedV1Image[] {
  const bytes = readMember(members, "repositories", {
    wantedBy: "archive",
    maxSize: limits.archiveManifestSize,
  });
  const repositories = parseRepositories(bytes, `${members.place}: repositories`);
  const references = new Map<string, Reference[]>();
  for (const [name, tags] of Object.entries(repositories)) {
    for (const [tag, id] of Object.entries(tags)) {
      const reference = withTag(parseNameIn(name, `${members.place}: repositories`), tag);
      references.set(id, [...(references.get(id) ?? []), reference]);
    }
  }
  return [...references].map(([id, names]) => readChain(members, id, names));
}

function readChain(members: MemberSet, top: string, references: Reference[]): ArchivedV1Image {
  const chain: { id: string; bytes: Buffer; place: string }[] = [];
  const seen = new Set<string>();
  let wantedBy = "repositories";
  for (let id: string | undefined = top; id !== undefined; ) {
    if (!/^[0-9a-f]{64}$/.test(id)) {
      throw new LadeError(
        "DOCUMENT_INVALID",
        `${members.place}: ${wantedBy}: ${JSON.stringify(id.slice(0, 80))} is no layer ID, expected 64 hex digits`,
      );
    }
    if (seen.has(id) || chain.length >= limits.imageLayers) {
      throw new LadeError(
        "DOCUMENT_INVALID",
        `${members.place}: ${wantedBy}: layer ${id} leads back to itself or is one of more than ${limits.imageLayers}`,
      );
    }
    seen.add(id);
    const name = `${id}/json`;
    const bytes = readMember(members, name, { wantedBy });
    const place = `${members.place}: ${name}`;
    chain.unshift({ id, bytes, place });
    wantedBy = name;
    id = parentOf(bytes, place);
  }
  return {
    kind: "v1",
    place: `${members.place}: image ${top.slice(0, 12)}`,
    references,
    documents: chain.map(({ bytes, place }) => ({ bytes, place })),
    layers: chain.map(({ id }) => ({
      place: `${members.place}: ${id}/layer.tar`,
      member: members.lookup(`${id}/layer.tar`, `${id}/json`),
      diffId: undefined,
      blob: undefined,
    })),
  };
}

function parentOf(bytes: Buffer, place: string): string | undefined {
  const document = parseJson(bytes, place);
  if (typeof document !== "object" || document === null || !("parent" in document)) {
    return undefined;
  }
  const { parent } = document;
  if (parent === "" || parent === null) return undefined;
  if (typeof parent === "string") return parent;
  throw new LadeError("DOCUMENT_INVALID", `${place}: parent: expected a layer ID`);
}
