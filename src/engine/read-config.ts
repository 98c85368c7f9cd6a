// SPDX-License-Identifier: Apache-2.0

import { statSync } from "node:fs";
import { readDocument } from "../content/blobs.ts";
import { blobPath } from "../content/paths.ts";
import type { Store } from "../content/store.ts";
import type { Digest } from "../spec/digest.ts";
import { type ImageConfig, parseImageConfig } from "../spec/image-config.ts";

interface KnownConfig {
  readonly config: ImageConfig;
  /** Size and time of the file that it was read from. */
  readonly stamp: string;
}

/** Configs that a process which answers many requests reads again and again. */
const keptConfigs = 64;
const known = new WeakMap<Store, Map<Digest, KnownConfig>>();

/**
 * The config of an image in the store; read and checked once, unless its file changes.
 *
 * @throws LadeError BLOB_NOT_FOUND, DIGEST_MISMATCH for a store that lost bytes
 */
export function readConfig(store: Store, id: Digest): ImageConfig {
  const configs = known.get(store) ?? new Map<Digest, KnownConfig>();
  const stamp = stampOf(store, id);
  const found = configs.get(id);
  if (found !== undefined && found.stamp === stamp) return found.config;
  const config = parseImageConfig(readDocument(store, id), `blob ${id}`);
  if (stamp === undefined) return config;
  configs.delete(id);
  configs.set(id, { config, stamp });
  const [oldest] = configs.keys();
  if (configs.size > keptConfigs && oldest !== undefined) configs.delete(oldest);
  known.set(store, configs);
  return config;
}

function stampOf(store: Store, id: Digest): string | undefined {
  const stat = statSync(blobPath(store.paths, id), { bigint: true, throwIfNoEntry: false });
  return stat && `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
}
