// SPDX-License-Identifier: Apache-2.0

import type { Store } from "../content/store.ts";
import { sweepUnpacked } from "../rootfs/sweep-unpacked.ts";
import type { Engine } from "./engine.ts";

/**
 * Removes unpacked layers that the store no longer has, and that no container of an archive in
 * place needs. To be called after `sweepBlobs`.
 *
 * @throws LadeError IO_FAILED, STORE_DENIED
 */
export function sweepUnpackedLayers(engine: Engine): void {
  const { run, store } = engine;
  sweepUnpacked(run, store.paths.unpacked, (key) => isKnown(store, key));
}

function isKnown({ database }: Store, key: string): boolean {
  const blob = database.get("SELECT 1 FROM blob WHERE digest = ?", `sha256:${key}`);
  if (blob !== undefined) return true;
  const sql = "SELECT 1 FROM container WHERE instr(definition, ?) > 0";
  return database.get(sql, JSON.stringify(key)) !== undefined;
}
