// SPDX-License-Identifier: Apache-2.0

import type { Database } from "../content/database.ts";
import { putEvent } from "../content/events.ts";
import { parseStoredJson } from "../content/stored-json.ts";
import type { Digest } from "../spec/digest.ts";

/**
 * Notes what happened to an image, with the attributes that Docker gives: its labels, as long as it
 * is there, and a name; inside a transaction.
 *
 * Source: `LogImageEvent` of moby (daemon/images/image_events.go).
 *
 * @param name the new name for `tag`; all else goes by the image's ID
 */
export function noteImage(
  database: Database,
  id: Digest,
  action: "delete" | "import" | "load" | "save" | "tag" | "untag",
  name: string = id,
): void {
  const row = database.get<{ labels: string }>("SELECT labels FROM image WHERE id = ?", id);
  const labels: Record<string, string> = row === undefined ? {} : parseStoredJson(row.labels);
  putEvent(database, {
    Type: "image",
    Action: action,
    Actor: { ID: id, Attributes: { ...labels, name } },
  });
}
