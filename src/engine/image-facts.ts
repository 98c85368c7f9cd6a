// SPDX-License-Identifier: Apache-2.0

import type { Database } from "../content/database.ts";
import { parseStoredJson } from "../content/stored-json.ts";
import type { Digest } from "../spec/digest.ts";
import type { Engine } from "./engine.ts";

/** What a list of images has beside what people are shown. */
export interface ImageFacts {
  /** Empty where there is none in the store. */
  readonly parent: string;
  readonly labels: Readonly<Record<string, string>>;
  /** How many containers were made from it. */
  readonly containers: number;
}

/** The facts of every image, by its ID. */
export function imageFacts(engine: Engine): ReadonlyMap<string, ImageFacts> {
  const { database } = engine.store;
  const users = new Map(
    database.lists<[Digest, number]>("SELECT image, COUNT(*) FROM container GROUP BY image"),
  );
  const rows = database.lists<[Digest, string, string]>("SELECT id, parent, labels FROM image");
  return new Map(
    rows.map(([id, parent, labels]) => [
      id,
      { parent, labels: parseStoredJson(labels), containers: users.get(id) ?? 0 },
    ]),
  );
}

/** Bytes of each image's layers that other images have as well; an image that shares none is not in it. */
export function sharedSizes(database: Database): ReadonlyMap<string, number> {
  const rows = database.all<{ image: Digest; size: number }>(
    `SELECT image, SUM(content_size) AS size FROM image_layer JOIN layer USING (diff_id)
     WHERE diff_id IN
       (SELECT diff_id FROM image_layer GROUP BY diff_id HAVING COUNT(DISTINCT image) > 1)
     GROUP BY image`,
  );
  return new Map(rows.map(({ image, size }) => [image, size]));
}

/** {@link sharedSizes} of an engine's store. */
export function sharedImageSizes(engine: Engine): ReadonlyMap<string, number> {
  return sharedSizes(engine.store.database);
}
