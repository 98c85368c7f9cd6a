// SPDX-License-Identifier: Apache-2.0

import type { Digest } from "./digest.ts";
import { formatGoJson, type GoJsonValue, sortedKeys } from "./go-json.ts";
import type { HistoryEntry, ImageConfig, ImageConfigSection } from "./image-config.ts";
import { historyDocument, v1Document } from "./image-config-format.ts";

export interface DerivedConfig {
  /** The image whose platform this one is for. */
  readonly base: ImageConfig;
  readonly config: ImageConfigSection;
  /** RFC 3339. */
  readonly created: string;
  readonly author?: string | undefined;
  /** The container that it was committed from, and what that ran with. */
  readonly container?: { readonly id: string; readonly config: ImageConfigSection } | undefined;
  readonly diffIds: readonly Digest[];
  readonly history: readonly HistoryEntry[];
}

/**
 * The config of an image that is made from another one: keys, order and zero values as Docker's
 * classic store writes them.
 *
 * Source: `NewChildImage` of moby (image/image.go).
 */
export function formatDerivedConfig(derived: DerivedConfig): Buffer {
  const { base, config, created, author, container, diffIds, history } = derived;
  const document = {
    ...v1Document({
      architecture: base.architecture,
      os: base.os,
      ...(base.variant && { variant: base.variant }),
      ...(author && { author }),
      ...(container && { container: container.id, container_config: container.config }),
      config,
      created,
    }),
    rootfs: { type: "layers", diff_ids: [...diffIds] },
    history: history.map(historyDocument),
    "os.version": base["os.version"] || undefined,
    "os.features": base["os.features"]?.length ? [...base["os.features"]] : undefined,
  };
  return Buffer.from(formatGoJson(sortedKeys<GoJsonValue | undefined>(document)));
}
