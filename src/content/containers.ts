// SPDX-License-Identifier: Apache-2.0

import type {
  ContainerConfig,
  ContainerStatus,
  HostConfig,
  MountPoint,
  NetworkingConfig,
  PortMap,
} from "../spec/container.ts";
import type { Digest } from "../spec/digest.ts";
import type { Database } from "./database.ts";
import { parseOnce } from "./parse-once.ts";

/** A container as the database has it. */
export interface ContainerRow {
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** Without Docker's leading slash. */
  readonly name: string;
  /** Image ID. The image itself may be gone: a container keeps its layers. */
  readonly image: Digest;
  readonly createdMs: number;
  readonly definition: ContainerDefinition;
  readonly state: ContainerState;
}

/** What was asked and settled at `create`. Only `update` changes it, and networks that are joined. */
export interface ContainerDefinition {
  /** RFC 3339. */
  readonly created: string;
  /** The image's config and the user's, merged. */
  readonly config: ContainerConfig;
  /** With all defaults filled in. */
  readonly hostConfig: HostConfig;
  /** As it was asked for: which networks, and how. */
  readonly networking: NetworkingConfig;
  /** The command: entry point and arguments in one. */
  readonly path: string;
  readonly args: readonly string[];
  /** `os/architecture[/variant]` of the image. */
  readonly platform: string;
  readonly mounts: readonly ContainerMount[];
  /** Where the layers lie, lowest first, for a container of an archive that is run in place. */
  readonly layers?: readonly PlacedLayer[] | undefined;
}

/** A layer's tar inside a file that is not the store's. */
export interface PlacedLayer {
  /** Names the layer among those mounted: a digest's hexadecimal digits. */
  readonly key: string;
  readonly diffId: Digest;
  /** Bytes. */
  readonly tar: { readonly path: string; readonly offset: number; readonly size: number };
}

/** One mount besides the runtime's own, as `inspect` shows it and with what `start` must know. */
export interface ContainerMount extends MountPoint {
  /** A volume made for this container, that `rm -v` removes. */
  readonly isAnonymous?: boolean;
  /** Make the folder on the host where it is missing, as `-v` does. */
  readonly makeSource?: boolean;
  /** A folder inside the volume. */
  readonly subpath?: string;
  readonly isNonRecursive?: boolean;
  readonly tmpfs?: { readonly size?: number; readonly mode?: number };
}

/** What changes as a container runs. */
export interface ContainerState {
  readonly status: ContainerStatus;
  /** The process on this machine; 0 where there is none. */
  readonly pid: number;
  /** When the process started, in clock ticks since boot: with `bootId` it tells a reused pid. */
  readonly startTicks: number;
  readonly bootId: string;
  /** The monitor, which outlives the process by what follows its end. */
  readonly conmonPid: number;
  readonly conmonTicks: number;
  /** The process waits for its start: whoever has the container's lock is about to give it. */
  readonly isStarting?: boolean;
  /**
   * The container is still being made, by whoever has its lock: these volumes came with it, and are
   * filled from the image. Should that never come to its end, all of it is taken back.
   */
  readonly makes?: readonly string[] | undefined;
  readonly exitCode: number;
  readonly error: string;
  readonly isOomKilled: boolean;
  /** RFC 3339; empty for never. */
  readonly startedAt: string;
  readonly finishedAt: string;
  /** `stop` or `kill` ended it: restart policies leave it alone. */
  readonly isManuallyStopped: boolean;
  /** `restart` is about to start it again: `--rm` leaves it alone. */
  readonly isRestartedByUser?: boolean;
  readonly restartCount: number;
  /** How long the last restart waited. */
  readonly restartDelayMs: number;
  readonly health?: HealthState | undefined;
  /** How it is on its networks, while it runs. */
  readonly network?: NetworkRecord | undefined;
}

export interface HealthState {
  readonly status: "starting" | "healthy" | "unhealthy";
  readonly failingStreak: number;
  /** The last five. */
  readonly log: readonly HealthResult[];
}

export interface HealthResult {
  /** RFC 3339. */
  readonly Start: string;
  readonly End: string;
  readonly ExitCode: number;
  readonly Output: string;
}

export interface NetworkRecord {
  /** Path of the network namespace; empty for the host's. */
  readonly namespace: string;
  /** Ports as they are published, and those that are only exposed with null. */
  readonly ports: PortMap;
}

export const createdState: ContainerState = {
  status: "created",
  pid: 0,
  startTicks: 0,
  bootId: "",
  conmonPid: 0,
  conmonTicks: 0,
  exitCode: 0,
  error: "",
  isOomKilled: false,
  startedAt: "",
  finishedAt: "",
  isManuallyStopped: false,
  restartCount: 0,
  restartDelayMs: 0,
};

interface StoredContainer {
  readonly id: string;
  readonly name: string;
  readonly image: Digest;
  readonly created_ms: number;
  readonly definition: string;
  readonly state: string;
}

/** Writes a new container and its hold on its layers; inside a transaction. */
export function putContainer(
  database: Database,
  row: ContainerRow,
  diffIds: readonly Digest[],
): void {
  database.run(
    "INSERT INTO container (id, name, image, created_ms, definition, state) VALUES (?, ?, ?, ?, ?, ?)",
    row.id,
    row.name,
    row.image,
    row.createdMs,
    JSON.stringify(row.definition),
    JSON.stringify(row.state),
  );
  diffIds.forEach((diffId, position) => {
    database.run(
      "INSERT INTO container_layer (container, position, diff_id) VALUES (?, ?, ?)",
      row.id,
      position,
      diffId,
    );
  });
}

export function containerById(database: Database, id: string): ContainerRow | undefined {
  return toRow(database.get<StoredContainer>("SELECT * FROM container WHERE id = ?", id));
}

/** @param name without a leading slash */
export function containerByName(database: Database, name: string): ContainerRow | undefined {
  return toRow(database.get<StoredContainer>("SELECT * FROM container WHERE name = ?", name));
}

/** @param name without a leading slash */
export function isNameTaken(database: Database, name: string): boolean {
  return database.get("SELECT 1 FROM container WHERE name = ?", name) !== undefined;
}

/** IDs that begin with these digits; at most two, which is enough to see ambiguity. */
export function containerIdsByPrefix(database: Database, prefix: string): string[] {
  const rows = database.all<{ id: string }>(
    "SELECT id FROM container WHERE id >= ? AND id < ? LIMIT 2",
    prefix,
    `${prefix}g`,
  );
  return rows.map((row) => row.id);
}

/** All containers, newest first. */
export function allContainers(database: Database): ContainerRow[] {
  return database
    .all<StoredContainer>("SELECT * FROM container ORDER BY created_ms DESC, id")
    .flatMap((row) => toRow(row) ?? []);
}

export function containersOfImage(database: Database, image: Digest): ContainerRow[] {
  return database
    .all<StoredContainer>("SELECT * FROM container WHERE image = ? ORDER BY created_ms, id", image)
    .flatMap((row) => toRow(row) ?? []);
}

/** The layers that a container holds, lowest first; none for one of an archive in place. */
export function layersOfContainer(database: Database, id: string): Digest[] {
  const rows = database.all<{ diff_id: Digest }>(
    "SELECT diff_id FROM container_layer WHERE container = ? ORDER BY position",
    id,
  );
  return rows.map((row) => row.diff_id);
}

export function setContainerState(database: Database, id: string, state: ContainerState): void {
  database.run("UPDATE container SET state = ? WHERE id = ?", JSON.stringify(state), id);
}

export function setContainerDefinition(
  database: Database,
  id: string,
  definition: ContainerDefinition,
): void {
  database.run("UPDATE container SET definition = ? WHERE id = ?", JSON.stringify(definition), id);
}

/** @param name without a leading slash */
export function setContainerName(database: Database, id: string, name: string): void {
  database.run("UPDATE container SET name = ? WHERE id = ?", name, id);
}

/** Removes a container with its hold on layers, volumes and networks, and its execs. */
export function deleteContainerRow(database: Database, id: string): void {
  database.run("DELETE FROM container WHERE id = ?", id);
}

/** Whether a process is meant to be there: running, paused, or about to be started again. */
export function isRunning(state: ContainerState): boolean {
  return state.status === "running" || state.status === "paused" || state.status === "restarting";
}

function toRow(row: StoredContainer | undefined): ContainerRow | undefined {
  if (row === undefined) return undefined;
  return {
    id: row.id,
    name: row.name,
    image: row.image,
    createdMs: row.created_ms,
    definition: parseOnce<ContainerDefinition>(row.definition),
    state: parseOnce<ContainerState>(row.state),
  };
}
