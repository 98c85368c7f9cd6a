// SPDX-License-Identifier: Apache-2.0

import { allContainers, type ContainerRow, isRunning } from "../content/containers.ts";
import { containersFilter } from "./container-filters.ts";
import { containerSize } from "./container-size.ts";
import { isStale, observedState, statusText } from "./container-state.ts";
import type { ContainerSummary, ListContainersOptions } from "./container-types.ts";
import type { Engine } from "./engine.ts";
import { mountDocument } from "./mount-document.ts";
import {
  allEndpointDocuments,
  type EndpointDocuments,
  publishedPorts,
} from "./network-documents.ts";
import { hasMonitor } from "./process-end.ts";
import { shownImage } from "./shown-image.ts";

/**
 * Lists containers, newest first.
 *
 * @throws LadeError FILTER_INVALID, CONTAINER_NOT_FOUND for the container of `before` or `since`
 */
export async function listContainers(
  engine: Engine,
  options: ListContainersOptions = {},
): Promise<readonly ContainerSummary[]> {
  const { database } = engine.store;
  const known = database.remember("containers", () => allContainers(database));
  const stored = await withoutForgotten(engine, known);
  const rows = stored.map((row) => ({ ...row, state: observedState(engine, row) }));
  if (rows.length === 0) return [];
  const networksOf = allEndpointDocuments(engine);
  const limit = (options.limit ?? 0) > 0 ? (options.limit ?? 0) : undefined;
  const filter = containersFilter(engine, rows, options.filters ?? []);
  const isAll = options.all === true || limit !== undefined || filter.isForAll;
  const nowMs = Date.now();
  const listed: ContainerSummary[] = [];
  for (const row of rows) {
    if (listed.length === limit) break;
    if (!isAll && !isRunning(row.state)) continue;
    const networks = networksOf(row);
    if (!filter.matches(row, networks)) continue;
    listed.push(summary(engine, row, { networks, nowMs, hasSize: options.size === true }));
  }
  return listed;
}

/**
 * Where a container ended and its monitor is gone, too, nobody else will write down when: this
 * does. Where the monitor is there, it is about to.
 */
async function withoutForgotten(
  engine: Engine,
  rows: readonly ContainerRow[],
): Promise<readonly ContainerRow[]> {
  const forgotten = rows.filter((row) => isStale(engine, row) && !hasMonitor(engine, row));
  if (forgotten.length === 0) return rows;
  const [{ withFreeContainerLock }, { settle }] = await Promise.all([
    import("./container-lock.ts"),
    import("./settle.ts"),
  ]);
  for (const row of forgotten) {
    await withFreeContainerLock(engine, row.id, () => settle(engine, row));
  }
  return allContainers(engine.store.database);
}

function summary(
  engine: Engine,
  row: ContainerRow,
  facts: {
    readonly networks: EndpointDocuments;
    readonly nowMs: number;
    readonly hasSize: boolean;
  },
): ContainerSummary {
  const { definition, state } = row;
  const size = facts.hasSize ? containerSize(engine, row) : undefined;
  return {
    Id: row.id,
    Names: [`/${row.name}`],
    Image: shownImage(engine.store, row),
    ImageID: row.image,
    Command: commandText(definition),
    Created: Math.floor(row.createdMs / 1000),
    Ports: isRunning(state) ? publishedPorts(row) : [],
    ...(size !== undefined && { SizeRw: size.sizeRw, SizeRootFs: size.sizeRootFs }),
    Labels: definition.config.Labels ?? {},
    State: state.status,
    Status: statusText(state, facts.nowMs),
    HostConfig: { NetworkMode: definition.hostConfig.NetworkMode ?? "" },
    NetworkSettings: { Networks: facts.networks },
    Mounts: definition.mounts.map(mountDocument),
  };
}

/** The command as a line; words with spaces get quotes, as Docker shows it. */
function commandText({ path, args }: ContainerRow["definition"]): string {
  return [path, ...args.map((word) => (word.includes(" ") ? `'${word}'` : word))].join(" ");
}
