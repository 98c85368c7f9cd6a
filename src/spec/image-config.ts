// SPDX-License-Identifier: Apache-2.0

import * as v from "valibot";
import { LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Digest } from "./digest.ts";
import { parseJson } from "./document.ts";
import { quoteExcerpt } from "./go-quote.ts";
import {
  digest,
  goStruct,
  integer,
  type Schema,
  textItem,
  textList,
  textListOrText,
  textMap,
  textSet,
  time,
  validate,
} from "./schema.ts";

/** A set, as Go writes one in JSON: every key with an empty object. */
export type TextSet = Readonly<Record<string, Record<string, never>>>;

/** How a container's health is tested. Times are nanoseconds; zero or missing means inherited. */
export interface Healthcheck {
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

/**
 * What a container of the image starts with, in the spelling of Docker and OCI
 * (`container.Config` of moby, image-spec config.md).
 *
 * A missing member is Go's zero value; null in a document is the same as missing.
 */
export interface ImageConfigSection {
  readonly Hostname?: string;
  readonly Domainname?: string;
  readonly User?: string;
  readonly AttachStdin?: boolean;
  readonly AttachStdout?: boolean;
  readonly AttachStderr?: boolean;
  /** `80/tcp`, `53/udp`. */
  readonly ExposedPorts?: TextSet;
  readonly Tty?: boolean;
  readonly OpenStdin?: boolean;
  readonly StdinOnce?: boolean;
  readonly Env?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Healthcheck?: Healthcheck;
  readonly ArgsEscaped?: boolean;
  readonly Image?: string;
  readonly Volumes?: TextSet;
  readonly WorkingDir?: string;
  readonly Entrypoint?: readonly string[];
  readonly NetworkDisabled?: boolean;
  readonly MacAddress?: string;
  readonly OnBuild?: readonly string[];
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  /** Seconds. */
  readonly StopTimeout?: number;
  readonly Shell?: readonly string[];
}

/** One step of an image's making. */
export interface HistoryEntry {
  /** RFC 3339. */
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  /** True for a step that made no layer. */
  readonly empty_layer?: boolean;
}

/** The members that image configs have had since Docker's first format, in the document's spelling. */
export interface V1ImageConfig {
  readonly architecture?: string;
  readonly variant?: string;
  readonly os?: string;
  /** RFC 3339. */
  readonly created?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly container?: string;
  readonly container_config?: ImageConfigSection;
  readonly docker_version?: string;
  readonly config?: ImageConfigSection;
}

/** An image's config document; its digest is the image ID. */
export interface ImageConfig extends V1ImageConfig {
  /** Empty where the document has none, as old ones do. */
  readonly architecture: string;
  readonly os: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
  readonly rootfs: {
    readonly type: string;
    /** Lowest layer first. */
    readonly diff_ids: readonly Digest[];
  };
  /** Oldest step first. May be shorter than the layers, or empty. */
  readonly history: readonly HistoryEntry[];
}

const nanoseconds: Schema<number> = v.pipe(v.number(), v.integer("expected an integer"));

const environment: Schema<readonly string[]> = v.array(
  v.pipe(
    textItem,
    v.check((entry) => !entry.includes("\0"), "expected text without a NUL"),
  ),
);

const healthcheck: Schema<Healthcheck> = goStruct({
  Test: textList,
  Interval: nanoseconds,
  Timeout: nanoseconds,
  StartPeriod: nanoseconds,
  StartInterval: nanoseconds,
  Retries: integer,
});

/** The members of a config of an image, and of a container. */
export const sectionEntries = {
  Hostname: v.string(),
  Domainname: v.string(),
  User: v.string(),
  AttachStdin: v.boolean(),
  AttachStdout: v.boolean(),
  AttachStderr: v.boolean(),
  ExposedPorts: textSet,
  Tty: v.boolean(),
  OpenStdin: v.boolean(),
  StdinOnce: v.boolean(),
  Env: environment,
  Cmd: textListOrText,
  Healthcheck: healthcheck,
  ArgsEscaped: v.boolean(),
  Image: v.string(),
  Volumes: textSet,
  WorkingDir: v.string(),
  Entrypoint: textListOrText,
  NetworkDisabled: v.boolean(),
  MacAddress: v.string(),
  OnBuild: textList,
  Labels: textMap,
  StopSignal: v.string(),
  StopTimeout: integer,
  Shell: textListOrText,
};

const section: Schema<ImageConfigSection> = goStruct(sectionEntries);

const v1Entries = {
  architecture: v.string(),
  variant: v.string(),
  os: v.string(),
  created: time,
  author: v.string(),
  comment: v.string(),
  container: v.string(),
  container_config: section,
  docker_version: v.string(),
  config: section,
};

/** A config of Docker's first format, without its IDs and size. */
export const v1ImageConfig: Schema<V1ImageConfig> = goStruct(v1Entries);

/** The members' names in a v1 config and in its two sections. */
export const v1Names: readonly string[] = Object.keys(v1Entries);
export const sectionNames: readonly string[] = Object.keys(sectionEntries);

const historyEntry: Schema<HistoryEntry> = v.nullish(
  goStruct({
    created: time,
    created_by: v.string(),
    author: v.string(),
    comment: v.string(),
    empty_layer: v.boolean(),
  }),
  {},
);

const document = goStruct({
  ...v1Entries,
  "os.version": v.string(),
  "os.features": textList,
  rootfs: goStruct({ type: v.string(), diff_ids: v.array(digest) }),
  history: v.array(historyEntry),
});

function checkLayers(config: ImageConfig, place: string): void {
  const { type, diff_ids: diffIds } = config.rootfs;
  if (type !== "" && type !== "layers") {
    throw new LadeError(
      "DOCUMENT_INVALID",
      `${place}: rootfs.type: expected "layers", got ${quoteExcerpt(type)}`,
    );
  }
  if (diffIds.length > limits.imageLayers) {
    throw new LadeError(
      "LIMIT_EXCEEDED",
      `${place}: an image may have ${limits.imageLayers} layers, this one has ${diffIds.length}`,
    );
  }
  const steps = config.history.filter((entry) => entry.empty_layer !== true).length;
  if (steps > diffIds.length) {
    throw new LadeError(
      "DOCUMENT_INVALID",
      `${place}: too many non-empty layers in History section: ` +
        `${steps} for ${diffIds.length} diff_ids`,
    );
  }
}

/**
 * Reads an image config of Docker or OCI.
 *
 * Takes what Docker takes: unknown members, null for anything, a text for Cmd, Entrypoint and
 * Shell, fewer history steps than layers, an image without layers. Refuses what it refuses: no
 * `rootfs`, more non-empty steps than layers, wrong types, times that are none.
 *
 * @param place what the bytes were read from
 * @throws LadeError DOCUMENT_INVALID, LIMIT_EXCEEDED
 */
export function parseImageConfig(bytes: Uint8Array, place: string): ImageConfig {
  const { rootfs, ...members } = validate(document, parseJson(bytes, place), place);
  if (rootfs === undefined) {
    throw new LadeError("DOCUMENT_INVALID", `${place}: invalid image JSON, no RootFS key`);
  }
  const config: ImageConfig = {
    ...members,
    architecture: members.architecture ?? "",
    os: members.os ?? "",
    rootfs: { type: rootfs.type ?? "", diff_ids: rootfs.diff_ids ?? [] },
    history: members.history ?? [],
  };
  checkLayers(config, place);
  return config;
}
