// SPDX-License-Identifier: Apache-2.0

import { limits } from "../base/limits.ts";
import type { HistoryEntry } from "../spec/image-config.ts";
import { annotationNames } from "../spec/media-types.ts";
import {
  type ArchiveManifestItem,
  type Index,
  parseArchiveManifest,
  parseIndex,
} from "../spec/oci.ts";
import { formatOf } from "./detect.ts";
import { readMember } from "./document.ts";
import type { ArchivedImages } from "./image.ts";
import type { MemberSet } from "./member.ts";

/** What gives a maker away. Nothing here is a promise of theirs. */
interface Signs {
  /** Names in the order of the archive; undefined for a folder, which has none. */
  readonly order: readonly string[] | undefined;
  readonly names: ReadonlySet<string>;
  readonly items: readonly ArchiveManifestItem[];
  readonly manifestText: string;
  readonly index: Index | undefined;
  readonly indexText: string;
  readonly layoutText: string;
  readonly history: readonly HistoryEntry[];
}

export interface MakerOptions {
  readonly images: ArchivedImages["images"];
  /** `folder` has no order of its members. */
  readonly kind: "tar" | "folder";
}

/**
 * The program that wrote an archive, by how it writes; several where they share their code.
 *
 * @returns undefined where it can't be told
 */
export function makerOf(members: MemberSet, options: MakerOptions): string | undefined {
  const format = formatOf(members);
  if (format === "docker-legacy") return "docker before 1.10";
  const signs = readSigns(members, options);
  const rules = format === undefined ? [] : rulesOf[format];
  return rules.find((rule) => rule.fits(signs))?.maker;
}

function readSigns(members: MemberSet, { images, kind }: MakerOptions): Signs {
  const names = [...members.names()];
  const manifest = bytesOf(members, "manifest.json");
  const index = bytesOf(members, "index.json");
  return {
    order: kind === "tar" ? names : undefined,
    names: new Set(names),
    manifestText: textOf(manifest),
    items: manifest === undefined ? [] : parseArchiveManifest(manifest, members.place),
    indexText: textOf(index),
    index: index && parseIndex(index, members.place),
    layoutText: textOf(bytesOf(members, "oci-layout")),
    history: images.flatMap((image) => (image.kind === "image" ? image.config.history : [])),
  };
}

function bytesOf(members: MemberSet, name: string): Buffer | undefined {
  if (members.lookup(name, "archive") === undefined) return undefined;
  return readMember(members, name, { wantedBy: "archive", maxSize: limits.archiveManifestSize });
}

function textOf(bytes: Buffer | undefined): string {
  return bytes === undefined ? "" : bytes.toString("utf8");
}

interface Rule {
  readonly maker: string;
  readonly fits: (signs: Signs) => boolean;
}

const hex = "[0-9a-f]{64}";
const digestName = new RegExp(`^sha256:${hex}$`);
const configName = new RegExp(`^${hex}\\.json$`);
const layerAtTop = new RegExp(`^${hex}\\.tar$`);
const layerInFolder = new RegExp(`^${hex}/layer\\.tar$`);
const packedLayer = new RegExp(`^${hex}\\.tar\\.gz$`);
const packedBlob = new RegExp(`^blobs/sha256/${hex}\\.tar\\.gz$`);

function hasLayers({ items }: Signs, pattern: RegExp): boolean {
  return items.length > 0 && items.every((item) => item.Layers.every((name) => pattern.test(name)));
}

function hasConfigs({ items }: Signs, pattern: RegExp): boolean {
  return items.length > 0 && items.every((item) => pattern.test(item.Config));
}

function startsWith({ order = [] }: Signs, ...names: string[]): boolean {
  return names.every((name, index) => order[index] === name);
}

function endsWith({ order = [] }: Signs, ...names: string[]): boolean {
  return names.every((name, index) => order[order.length - names.length + index] === name);
}

function isBy({ history }: Signs, author: string): boolean {
  return history.some((entry) => entry.author === author);
}

function annotationsOf({ index }: Signs, name: string): string[] {
  return (index?.manifests ?? []).flatMap((manifest) => manifest.annotations?.[name] ?? []);
}

/** The name that podman and buildah give what they built and what has no registry's name. */
function isLocal(name: string): boolean {
  return name.startsWith("localhost/");
}

const hybridRules: readonly Rule[] = [
  {
    maker: "lade",
    fits: (signs) => startsWith(signs, "oci-layout", "index.json", "manifest.json"),
  },
  {
    maker: "docker 25 or later",
    fits: ({ names, items }) =>
      names.has("repositories") || items.some((item) => item.LayerSources !== undefined),
  },
  {
    maker: "docker with the containerd image store, buildkit, nerdctl or ctr",
    fits: (signs) => endsWith(signs, "index.json", "manifest.json", "oci-layout"),
  },
];

const ociRules: readonly Rule[] = [
  {
    maker: "jib",
    fits: (signs) => isBy(signs, "Jib") && endsWith(signs, "oci-layout", "index.json"),
  },
  {
    maker: "bazel",
    fits: (signs) =>
      startsWith(signs, "oci-layout") &&
      endsWith(signs, "index.json") &&
      signs.indexText.startsWith("{\n"),
  },
  {
    maker: "buildkit or ctr",
    fits: (signs) => annotationsOf(signs, annotationNames.imageName).length > 0,
  },
  {
    maker: "umoci",
    fits: ({ indexText, layoutText }) =>
      layoutText === '{"imageLayoutVersion":"1.0.0"}\n' && indexText.endsWith("}\n"),
  },
  // As go-containerregistry writes a layout.
  {
    maker: "kaniko, crane or ko",
    fits: ({ layoutText }) => layoutText === '{\n    "imageLayoutVersion": "1.0.0"\n}',
  },
  {
    maker: "podman or buildah",
    fits: (signs) => annotationsOf(signs, annotationNames.refName).some(isLocal),
  },
  {
    maker: "podman, buildah or skopeo",
    fits: ({ indexText, layoutText }) =>
      layoutText === '{"imageLayoutVersion": "1.0.0"}' &&
      indexText.startsWith('{"schemaVersion":2,"manifests":['),
  },
];

const dockerRules: readonly Rule[] = [
  { maker: "kaniko, crane or ko", fits: (signs) => hasConfigs(signs, digestName) },
  {
    maker: "jib",
    fits: (signs) =>
      hasConfigs(signs, /^config\.json$/) && hasLayers(signs, packedLayer) && isBy(signs, "Jib"),
  },
  { maker: "bazel", fits: (signs) => hasLayers(signs, packedBlob) },
  {
    maker: "podman or buildah",
    fits: (signs) =>
      isContainersImage(signs) && signs.items.some((item) => item.RepoTags.some(isLocal)),
  },
  { maker: "podman, buildah or skopeo", fits: isContainersImage },
  { maker: "nix", fits: isNix },
  {
    maker: "docker 1.10 to 24",
    fits: (signs) => isClassic(signs) && signs.manifestText.endsWith("]\n"),
  },
  { maker: "bazel or crane", fits: (signs) => isClassic(signs) && signs.names.has("repositories") },
];

/** Layers at the top, and for old readers a folder for each with a link to it. */
function isContainersImage(signs: Signs): boolean {
  return (
    hasLayers(signs, layerAtTop) &&
    signs.names.has("repositories") &&
    [...signs.names].some((name) => layerInFolder.test(name))
  );
}

function isClassic(signs: Signs): boolean {
  return (
    signs.manifestText.startsWith('[{"Config":') &&
    hasConfigs(signs, configName) &&
    hasLayers(signs, layerInFolder) &&
    signs.items.every((item) =>
      item.Layers.every((name) => signs.names.has(name.replace("layer.tar", "VERSION"))),
    )
  );
}

/** jq of `buildImage` puts the names first; Python of `streamLayeredImage` indents by four. */
function isNix(signs: Signs): boolean {
  return (
    hasConfigs(signs, configName) &&
    hasLayers(signs, layerInFolder) &&
    /^\[\n(?: {2}\{\n {4}"RepoTags"| {4}\{\n {8}"Config")/.test(signs.manifestText)
  );
}

const rulesOf = {
  "docker-archive": dockerRules,
  "oci-layout": ociRules,
  "docker-archive+oci-layout": hybridRules,
} as const;
