// SPDX-License-Identifier: Apache-2.0

import type { Digest } from "./digest.ts";
import { formatGoJson, type GoJsonValue, sortedKeys } from "./go-json.ts";
import { normalizeGoTime, ZERO_TIME } from "./go-time.ts";
import type {
  Healthcheck,
  HistoryEntry,
  ImageConfigSection,
  TextSet,
  V1ImageConfig,
} from "./image-config.ts";

type Members = Record<string, GoJsonValue | undefined>;

/** Go's `omitempty`. */
function unlessEmpty<T extends GoJsonValue>(value: T | undefined): T | undefined {
  if (value === undefined || value === "" || value === 0 || value === false) return undefined;
  if (Array.isArray(value) && value.length === 0) return undefined;
  return value;
}

function sortedSet(set: TextSet | undefined): GoJsonValue {
  return set === undefined ? null : sortedKeys(set);
}

function healthcheckDocument(healthcheck: Healthcheck): Members {
  return {
    Test: unlessEmpty(healthcheck.Test),
    Interval: unlessEmpty(healthcheck.Interval),
    Timeout: unlessEmpty(healthcheck.Timeout),
    StartPeriod: unlessEmpty(healthcheck.StartPeriod),
    StartInterval: unlessEmpty(healthcheck.StartInterval),
    Retries: unlessEmpty(healthcheck.Retries),
  };
}

/**
 * A section as Docker's `container.Config` becomes JSON: every member in the struct's order, with
 * Go's zero values for what is missing. `docker inspect` shows the same.
 */
export function sectionDocument(section: ImageConfigSection): Members {
  const ports = Object.keys(section.ExposedPorts ?? {}).length > 0;
  return {
    Hostname: section.Hostname ?? "",
    Domainname: section.Domainname ?? "",
    User: section.User ?? "",
    AttachStdin: section.AttachStdin ?? false,
    AttachStdout: section.AttachStdout ?? false,
    AttachStderr: section.AttachStderr ?? false,
    ExposedPorts: ports ? sortedSet(section.ExposedPorts) : undefined,
    Tty: section.Tty ?? false,
    OpenStdin: section.OpenStdin ?? false,
    StdinOnce: section.StdinOnce ?? false,
    Env: section.Env ?? null,
    Cmd: section.Cmd ?? null,
    Healthcheck: section.Healthcheck && healthcheckDocument(section.Healthcheck),
    ArgsEscaped: unlessEmpty(section.ArgsEscaped),
    Image: section.Image ?? "",
    Volumes: sortedSet(section.Volumes),
    WorkingDir: section.WorkingDir ?? "",
    Entrypoint: section.Entrypoint ?? null,
    NetworkDisabled: unlessEmpty(section.NetworkDisabled),
    MacAddress: unlessEmpty(section.MacAddress),
    OnBuild: section.OnBuild ?? null,
    Labels: section.Labels === undefined ? null : sortedKeys(section.Labels),
    StopSignal: unlessEmpty(section.StopSignal),
    StopTimeout: section.StopTimeout,
    Shell: unlessEmpty(section.Shell),
  };
}

/** A step as Docker 20.10 writes it: always with a time, and the author before the command. */
export function historyDocument(entry: HistoryEntry): Members {
  return {
    created: normalizeGoTime(entry.created ?? ZERO_TIME),
    author: unlessEmpty(entry.author),
    created_by: unlessEmpty(entry.created_by),
    comment: unlessEmpty(entry.comment),
    empty_layer: unlessEmpty(entry.empty_layer),
  };
}

/** What moby's `V1Image` becomes as JSON, without IDs and size. */
export function v1Document(image: V1ImageConfig): Members {
  return {
    comment: unlessEmpty(image.comment),
    created: normalizeGoTime(image.created ?? ZERO_TIME),
    container: unlessEmpty(image.container),
    container_config: sectionDocument(image.container_config ?? {}),
    docker_version: unlessEmpty(image.docker_version),
    author: unlessEmpty(image.author),
    config: image.config && sectionDocument(image.config),
    architecture: unlessEmpty(image.architecture),
    variant: unlessEmpty(image.variant),
    os: unlessEmpty(image.os),
  };
}

export interface ImportedConfigOptions {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string | undefined;
  readonly config: ImageConfigSection;
  /** RFC 3339. */
  readonly created: string;
  readonly comment: string;
  readonly diffId: Digest;
  /** `docker_version`, which Docker wrote up to 28. */
  readonly dockerVersion?: string | undefined;
}

/**
 * The config of an image that `import` makes of one layer: keys, order and zero values as Docker's
 * classic store writes them.
 */
export function formatImportedConfig(options: ImportedConfigOptions): Buffer {
  const { created, comment, diffId, dockerVersion, variant, ...image } = options;
  const document = {
    ...v1Document({
      ...image,
      created,
      comment,
      ...(variant !== undefined && { variant }),
      ...(dockerVersion !== undefined && { docker_version: dockerVersion }),
    }),
    rootfs: { type: "layers", diff_ids: [diffId] },
    history: [historyDocument({ created, comment })],
  };
  return Buffer.from(formatGoJson(sortedKeys<GoJsonValue | undefined>(document)));
}
