// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { chainIds, type Digest, digestHex, digestOf } from "./digest.ts";
import { parseJson } from "./document.ts";
import { formatGoJson, type GoJsonValue, sortedKeys } from "./go-json.ts";
import type { HistoryEntry, ImageConfig, V1ImageConfig } from "./image-config.ts";
import { sectionNames, v1ImageConfig, v1Names } from "./image-config.ts";
import { historyDocument, v1Document } from "./image-config-format.ts";
import { compactRawJson, joinRawJson, type RawMember } from "./raw-json.ts";
import { isObject, validate } from "./schema.ts";

/** Configs of older makers are read and written again, which drops members that Docker forgot. */
const FIRST_KEPT_VERSION = [1, 8, 3];

const DROPPED_NAMES = new Set(["id", "parent", "Size", "parent_id", "layer_id", "throwaway"]);

/** Docker 1.9 and older made a layer's time up. */
const LAYER_CREATED = "1970-01-01T00:00:00Z";

const JSON_OPTIONS = { controls: "long" } as const;

/** Go's Atoi, with what it gives beside an error. */
function versionNumber(text: string): number {
  return /^[+-]?\d+$/.test(text) ? Number(text) : 0;
}

function isOlderThanKept(version: string): boolean {
  const parts = version.split(".");
  for (let index = 0; index < Math.max(parts.length, FIRST_KEPT_VERSION.length); index++) {
    const part = versionNumber(parts[index] ?? "0");
    const kept = FIRST_KEPT_VERSION[index] ?? 0;
    if (part !== kept) return part < kept;
  }
  return false;
}

/** Go takes a struct's members by any case; the last one in the document counts. */
function foldNames(value: unknown, names: readonly string[]): unknown {
  if (!isObject(value)) return value;
  const byLowerCase = new Map(names.map((name) => [name.toLowerCase(), name]));
  const folded: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    const name = byLowerCase.get(key.toLowerCase());
    // Null leaves what an earlier member of the same name has set.
    if (name !== undefined && (member !== null || !Object.hasOwn(folded, name))) {
      folded[name] = member;
    }
  }
  return folded;
}

function parseV1(json: Uint8Array, place: string): V1ImageConfig {
  const document = foldNames(parseJson(json, place), v1Names);
  if (isObject(document)) {
    document.config = foldNames(document.config, sectionNames);
    document.container_config = foldNames(document.container_config, sectionNames);
  }
  return validate(v1ImageConfig, document, place);
}

/** Members of a document in the form in which Go's maps hold them. */
function rawMembers(document: Readonly<Record<string, GoJsonValue | undefined>>): RawMember[] {
  return Object.entries(document).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, Buffer.from(formatGoJson(value, JSON_OPTIONS))] as const],
  );
}

/**
 * The step that an image of Docker before 1.10 stands for.
 *
 * Source: `HistoryFromConfig` of moby 20.10 (image/v1).
 *
 * @param json the bytes of `<id>/json`
 * @param place what they were read from
 * @throws LadeError DOCUMENT_INVALID, LIMIT_EXCEEDED
 */
export function historyFromV1(
  json: Uint8Array,
  place: string,
  options: { readonly emptyLayer?: boolean } = {},
): HistoryEntry {
  const image = parseV1(json, place);
  const command = (image.container_config?.Cmd ?? []).join(" ");
  return {
    ...(image.created !== undefined && { created: image.created }),
    ...(image.author !== undefined && { author: image.author }),
    ...(command !== "" && { created_by: command }),
    ...(image.comment !== undefined && { comment: image.comment }),
    ...(options.emptyLayer === true && { empty_layer: true }),
  };
}

export interface V1ConfigParts {
  /** Lowest layer first. */
  readonly diffIds: readonly Digest[];
  /** Oldest step first. */
  readonly history: readonly HistoryEntry[];
}

/**
 * The config that Docker 20.10 makes of an image of Docker before 1.10, byte for byte: its digest
 * is the image ID there.
 *
 * Source: `MakeConfigFromV1Config` of moby 20.10 (image/v1).
 *
 * @param json the bytes of `<id>/json`
 * @param place what they were read from
 * @throws LadeError DOCUMENT_INVALID, LIMIT_EXCEEDED
 */
export function configFromV1(json: Uint8Array, place: string, parts: V1ConfigParts): Buffer {
  const image = parseV1(json, place);
  const own = isOlderThanKept(image.docker_version ?? "")
    ? rawMembers(v1Document(image))
    : compactRawJson(json, place);
  const added = rawMembers({
    history: parts.history.map(historyDocument),
    rootfs: {
      type: "layers",
      diff_ids: parts.diffIds.length === 0 ? undefined : parts.diffIds,
    },
  });
  const kept = own.filter(
    ([key]) => !DROPPED_NAMES.has(key) && key !== "history" && key !== "rootfs",
  );
  return joinRawJson([...kept, ...added]);
}

/** The layer's ID in `docker save` up to 24: the digest of what its `json` file says. */
function v1Id(
  image: V1ImageConfig,
  layer: { readonly chainId: Digest; readonly parent: Digest | undefined },
): Digest {
  const document = { ...v1Document(image), layer_id: layer.chainId, parent: layer.parent };
  return digestOf(formatGoJson(sortedKeys<GoJsonValue | undefined>(document), JSON_OPTIONS));
}

/**
 * The names of an image's layer folders in an archive of `docker save` up to 24, lowest first,
 * 64 hexadecimal digits each. The last one also stands in `repositories`.
 *
 * Source: `CreateID` and `saveImage` of moby 20.10 (image/v1, image/tarexport), on a host in UTC.
 *
 * @throws LadeError DOCUMENT_INVALID for an image without layers, which has none
 */
export function createV1Ids(config: ImageConfig): string[] {
  const chain = chainIds(config.rootfs.diff_ids);
  if (chain.length === 0) {
    throw new LadeError("DOCUMENT_INVALID", "an image without layers has no layer IDs");
  }
  const ids: Digest[] = [];
  for (const [index, chainId] of chain.entries()) {
    const image = index === chain.length - 1 ? config : { created: LAYER_CREATED };
    ids.push(v1Id(image, { chainId, parent: ids.at(-1) }));
  }
  return ids.map(digestHex);
}
