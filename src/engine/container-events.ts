// SPDX-License-Identifier: Apache-2.0

import type { ContainerRow } from "../content/containers.ts";
import type { Database } from "../content/database.ts";
import { putEvent } from "../content/events.ts";
import type { AttachOptions } from "../runtime/types.ts";

/**
 * Notes what happened to a container, with the attributes that Docker gives; inside a transaction.
 *
 * @param action such as `start`, `die`, `exec_create: sh`
 */
export function noteContainer(
  database: Database,
  row: ContainerRow,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): void {
  const { Labels: labels, Image: image } = row.definition.config;
  putEvent(database, {
    Type: "container",
    Action: action,
    Actor: {
      ID: row.id,
      Attributes: { ...attributes, ...labels, ...(image && { image }), name: row.name },
    },
  });
}

/** Attaching with these notes it when the user leaves by the detach keys. */
export function notingDetach(
  database: Database,
  row: ContainerRow,
  options: AttachOptions,
): AttachOptions {
  const onDetachKeys = () => {
    database.transaction(() => noteContainer(database, row, "detach"), { isDurable: false });
  };
  return { ...options, onDetachKeys };
}

/** Notes what happened to a volume; inside a transaction. */
export function noteVolume(
  database: Database,
  name: string,
  action: "create" | "destroy" | "mount" | "unmount",
  attributes: Readonly<Record<string, string>> = {},
): void {
  putEvent(database, {
    Type: "volume",
    Action: action,
    Actor: { ID: name, Attributes: { ...attributes, driver: "local" } },
  });
}
