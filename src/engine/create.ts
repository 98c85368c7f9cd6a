// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { isLadeError } from "../base/errors.ts";
import { ioError, machineError } from "../base/io-error.ts";
import {
  type ContainerDefinition,
  type ContainerRow,
  containerByName,
  createdState,
  deleteContainerRow,
  isNameTaken,
  putContainer,
  setContainerState,
} from "../content/containers.ts";
import { mayBeInLog } from "../content/database.ts";
import { putEndpoint } from "../content/endpoints.ts";
import { syncFolder } from "../content/file-calls.ts";
import { overwriteFailedCommit } from "../content/lease.ts";
import { containerFolder } from "../content/paths.ts";
import type { Store } from "../content/store.ts";
import type { ContainerConfig, HostConfig } from "../spec/container.ts";
import { comparePlatforms, formatPlatform, hostPlatform, type Platform } from "../spec/platform.ts";
import { removeAll } from "../sys/remove-all.ts";
import { type BaseImage, findBaseImage, layersToHold } from "./base-image.ts";
import { checkCarried } from "./check-carried.ts";
import { checkSettings, sharedWith } from "./check-container.ts";
import { checkRuntimeSettings, hasRuntimeSettings } from "./check-runtime.ts";
import { cleanPath } from "./clean-path.ts";
import { containerConflict, containerInvalid } from "./container-errors.ts";
import { noteContainer } from "./container-events.ts";
import { withContainerLock } from "./container-lock.ts";
import { wantedMounts } from "./container-mounts.ts";
import { makeContainerName, parseContainerName } from "./container-names.ts";
import { isStale } from "./container-state.ts";
import type { CreateContainerOptions, CreatedContainer } from "./container-types.ts";
import { currentContainer } from "./current.ts";
import type { Engine } from "./engine.ts";
import { findContainer } from "./find-container.ts";
import { withHostDefaults } from "./host-defaults.ts";
import { mergeConfig } from "./merge-config.ts";
import type { WantedMount } from "./mount-specs.ts";
import { planEndpoints } from "./network-endpoints.ts";
import { networkDatabase } from "./network-find.ts";
import { checkNetworkMode } from "./network-mode.ts";
import { randomId } from "./random.ts";
import { checkResources } from "./resource-checks.ts";
import { fillVolumes, recordVolumes, removeNewVolumes } from "./use-volumes.ts";
import { removeUnrecordedFolders } from "./volume-folders.ts";

/**
 * Makes a container of an image, without starting it.
 *
 * Its row appears in one transaction, together with its hold on layers, volumes and its name; what
 * lies in folders before that belongs to nobody and is swept.
 *
 * @throws LadeError CONTAINER_INVALID, CONTAINER_CONFLICT for a name that is taken,
 *   CONTAINER_NOT_FOUND for one that it leans on, UNSUPPORTED; what `findImage` throws
 */
export async function createContainer(
  engine: Engine,
  options: CreateContainerOptions,
): Promise<CreatedContainer> {
  const { store } = engine;
  const { HostConfig: host = {}, NetworkingConfig: networking = {}, ...config } = options.body;
  checkCarried(host, networking);
  checkSettings(config, host);
  checkNetworkMode({ config, hostConfig: host, networking });
  if (hasRuntimeSettings(host)) checkRuntimeSettings(host);
  const resources = checkResources(host, { isUpdate: false });
  const image = await findBaseImage(engine, config.Image ?? "", options);
  const settled = settle(store, { image, config, host: { ...host, ...resources.changes } });
  const warnings = [...resources.warnings, ...platformWarnings(image, options.platform)];
  const id = randomId();
  const mounts = wantedMounts(store, settled.config, settled.host);
  const definition: ContainerDefinition = {
    created: new Date().toISOString(),
    config: withHostname(settled, id),
    hostConfig: settled.host,
    networking,
    ...commandOf(settled.config),
    platform: image.platform,
    mounts: mounts.map(({ mount }) => mount),
    ...(image.placed !== undefined && { layers: image.placed }),
  };
  if (options.name) await takeBackUnfinished(engine, options.name);
  await put(engine, { id, image, definition, mounts, name: options.name });
  return { id, warnings };
}

/** A name must not stay with a container whose making never came to its end. */
async function takeBackUnfinished(engine: Engine, name: string): Promise<void> {
  const holder = containerByName(engine.store.database, name.replace(/^\//, ""));
  if (holder?.state.makes === undefined || !isStale(engine, holder)) return;
  try {
    await currentContainer(engine, holder.id);
  } catch (error) {
    // Gone it is, which is what was wanted.
    if (!isLadeError(error, "CONTAINER_NOT_FOUND")) throw error;
  }
}

interface Settled {
  readonly config: ContainerConfig;
  readonly host: HostConfig;
}

function settle(store: Store, asked: Settled & { readonly image: BaseImage }): Settled {
  const config = mergeConfig(asked.config, asked.image.config);
  const { WorkingDir: folder = "" } = config;
  const host = shareById(store, withHostDefaults(asked.host));
  return { config: { ...config, WorkingDir: folder === "" ? "" : cleanPath(folder) }, host };
}

/** Keeps whose namespace is shared by ID, so that a container may be renamed later. */
function shareById(store: Store, host: HostConfig): HostConfig {
  const byId = (mode: string | undefined) => {
    const other = sharedWith(mode ?? "");
    return other === undefined ? mode : `container:${findContainer(store, other).id}`;
  };
  const { IpcMode: ipc, PidMode: pid, NetworkMode: network } = host;
  return {
    ...host,
    ...(ipc !== undefined && { IpcMode: byId(ipc) as string }),
    ...(pid !== undefined && { PidMode: byId(pid) as string }),
    ...(network !== undefined && { NetworkMode: byId(network) as string }),
  };
}

const shortIdSize = 12;

function withHostname({ config, host }: Settled, id: string): ContainerConfig {
  if (config.Hostname) return config;
  const usesHost = host.NetworkMode === "host";
  return { ...config, Hostname: usesHost ? hostname() : id.slice(0, shortIdSize) };
}

function commandOf(config: ContainerConfig): { path: string; args: readonly string[] } {
  const [path, ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  if (path === undefined) throw containerInvalid("No command specified");
  return { path, args };
}

/** The name of the platform that images are for when nobody says. */
function platformWarnings(image: BaseImage, asked: string | undefined): readonly string[] {
  const [os = "", architecture = "", variant] = image.platform.split("/");
  const own = hostPlatform();
  const offered: Platform = { os, architecture, ...(variant !== undefined && { variant }) };
  if (asked !== undefined || architecture === "" || comparePlatforms(own).matches(offered)) {
    return [];
  }
  return [
    `The requested image's platform (${formatPlatform(offered)}) does not match the detected ` +
      `host platform (${formatPlatform(own)}) and no specific platform was requested`,
  ];
}

interface NewContainer {
  readonly id: string;
  readonly image: BaseImage;
  readonly definition: ContainerDefinition;
  readonly mounts: readonly WantedMount[];
  readonly name: string | undefined;
}

async function put(engine: Engine, container: NewContainer): Promise<void> {
  const { store } = engine;
  const { id, mounts } = container;
  await withContainerLock(engine, id, async () => {
    const folder = containerFolder(store.paths, id);
    const newVolumes: string[] = [];
    let row: ContainerRow | undefined;
    try {
      makeFolders(folder);
      if (isDurable(container)) await syncFolders(store, folder);
      row = record(store, container, newVolumes);
      await fillVolumes(engine, row, mounts);
      if (row.state.makes !== undefined) finish(store, container);
    } catch (error) {
      takeBack(store, { id, isRecorded: row !== undefined, newVolumes, failure: error });
      throw error;
    }
  });
}

/**
 * Writes all rows of a new container.
 *
 * @param newVolumes filled with the names of volumes that are made for it
 */
function record(store: Store, container: NewContainer, newVolumes: string[]): ContainerRow {
  const { database } = store;
  const { id, image, definition, mounts, name: asked } = container;
  networkDatabase(store);
  return database.transaction(
    () => {
      let row: ContainerRow = {
        id,
        name: asked ? freeName(store, asked) : madeName(store, id),
        image: image.id,
        createdMs: Date.parse(definition.created),
        definition,
        state: createdState,
      };
      putContainer(database, row, layersToHold(store, image, definition.config.Image ?? ""));
      newVolumes.push(...recordVolumes(store, row, mounts));
      if (newVolumes.length > 0) {
        row = { ...row, state: { ...createdState, makes: newVolumes } };
        setContainerState(database, id, row.state);
      }
      for (const endpoint of planEndpoints(store, id, definition)) putEndpoint(database, endpoint);
      noteContainer(database, row, "create");
      return row;
    },
    { isDurable: isDurable(container) },
  );
}

/**
 * What failed first is what is told. Where not even this succeeds, the next command that looks for
 * remains takes back what is left: a row tells that its container was not finished, and what has no
 * row belongs to nobody.
 */
function takeBack(
  store: Store,
  made: {
    readonly id: string;
    readonly isRecorded: boolean;
    readonly newVolumes: readonly string[];
    readonly failure: unknown;
  },
): void {
  const { database, paths } = store;
  try {
    if (made.isRecorded) {
      database.transaction(() => deleteContainerRow(database, made.id));
      removeNewVolumes(store, made.newVolumes);
    } else {
      // Rows went with their transaction, and must not come back from the log without what they are
      // about. Volumes of these names may be somebody else's by now.
      if (mayBeInLog(made.failure)) overwriteFailedCommit(store);
      removeUnrecordedFolders(store);
    }
    removeAll(containerFolder(paths, made.id));
  } catch (error) {
    if (!isLadeError(error) && machineError(error) === undefined) throw error;
  }
}

/** From here on it is a container like any other. */
function finish({ database }: Store, container: NewContainer): void {
  database.transaction(() => setContainerState(database, container.id, createdState), {
    isDurable: isDurable(container),
  });
}

/** Nobody waits for a container that goes when it ends: a power cut ends it, too. */
function isDurable({ definition }: NewContainer): boolean {
  return definition.hostConfig.AutoRemove !== true;
}

/**
 * @returns the name without a slash
 * @throws LadeError CONTAINER_INVALID, CONTAINER_CONFLICT
 */
export function freeName(store: Store, text: string): string {
  const name = parseContainerName(text);
  const holder = containerByName(store.database, name);
  if (holder === undefined) return name;
  throw containerConflict(
    `Conflict. The container name "/${name}" is already in use by container "${holder.id}". You ` +
      "have to remove (or rename) that container to be able to reuse that name.",
  );
}

function madeName(store: Store, id: string): string {
  return makeContainerName((name) => isNameTaken(store.database, name), id);
}

/** A row must not come back from a power cut without the folder that it is about. */
async function syncFolders({ paths }: Store, folder: string): Promise<void> {
  try {
    await Promise.all([folder, paths.containers, paths.root].map(syncFolder));
  } catch (error) {
    throw ioError(error, `make container ${folder}`);
  }
}

/** Only the owner may look into a container's files. */
function makeFolders(folder: string): void {
  try {
    fs.mkdirSync(join(folder, "upper"), { recursive: true, mode: 0o700 });
    fs.mkdirSync(join(folder, "work"), { mode: 0o700 });
    // What the container's root shows of itself; the folders around it keep others out.
    fs.chmodSync(join(folder, "upper"), 0o755);
  } catch (error) {
    throw ioError(error, `make container ${folder}`);
  }
}
