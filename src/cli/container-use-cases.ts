// SPDX-License-Identifier: Apache-2.0

import type { ByteSource } from "../base/bytes.ts";
import type {
  Attachment,
  AttachOptions,
  CommitOptions,
  ContainerChange,
  ContainerDocument,
  ContainerSummary,
  CreateContainerOptions,
  CreatedContainer,
  CreateNetworkOptions,
  CreateVolumeOptions,
  ExportOptions,
  ListContainersOptions,
  LogOptions,
  LogRecord,
  NetworkDocument,
  PathStat,
  PruneContainersReport,
  PruneVolumesReport,
  RemoveContainerOptions,
  RollbackOptions,
  StartExecOptions,
  StartedContainer,
  StartedExec,
  StartOptions,
  StopOptions,
  TerminalSize,
  TopResult,
  VolumeDocument,
  WaitCondition,
  WaitResult,
} from "../engine/container-types.ts";
import type { PutArchiveOptions } from "../engine/copy-container.ts";
import type { Engine } from "../engine/engine.ts";
import type { LocalArchive } from "../engine/local-files.ts";
import type { Filter } from "../engine/types.ts";
import type { EndpointSettings, ExecConfig, Resources, RestartPolicy } from "../spec/container.ts";
import type { StatsDocument } from "./format/stats-view.ts";

/** What the command line does with containers, volumes and networks. */
export interface ContainerUseCases {
  attachContainer(engine: Engine, name: string, options: AttachOptions): Promise<Attachment>;
  /** @returns seconds until the next check; undefined where the container has ended */
  checkHealth(engine: Engine, id: string): Promise<number | undefined>;
  cleanupContainer(engine: Engine, id: string): Promise<void>;
  commitContainer(engine: Engine, options: CommitOptions): Promise<{ readonly id: string }>;
  containerLogs(engine: Engine, name: string, options: LogOptions): AsyncIterable<LogRecord>;
  createContainer(engine: Engine, options: CreateContainerOptions): Promise<CreatedContainer>;
  createExec(engine: Engine, name: string, config: ExecConfig): Promise<{ readonly id: string }>;
  diffContainer(engine: Engine, name: string): Promise<readonly ContainerChange[]>;
  exportContainer(engine: Engine, options: ExportOptions): Promise<void>;
  inspectContainer(
    engine: Engine,
    name: string,
    options?: { readonly size?: boolean },
  ): Promise<ContainerDocument>;
  killContainer(engine: Engine, name: string, signal?: string): Promise<void>;
  listContainers(
    engine: Engine,
    options: ListContainersOptions,
  ): Promise<readonly ContainerSummary[]>;
  pauseContainer(engine: Engine, name: string): Promise<void>;
  pruneContainers(engine: Engine, filters: readonly Filter[]): Promise<PruneContainersReport>;
  removeContainer(engine: Engine, name: string, options: RemoveContainerOptions): Promise<void>;
  renameContainer(engine: Engine, name: string, newName: string): Promise<void>;
  resizeContainer(engine: Engine, name: string, size: TerminalSize): Promise<void>;
  restartContainer(engine: Engine, name: string, options: StopOptions): Promise<void>;
  rollbackImage(
    engine: Engine,
    options: RollbackOptions,
  ): Promise<{
    readonly id: string;
    readonly reference?: string | undefined;
    readonly warnings: readonly string[];
  }>;
  startContainer(engine: Engine, name: string, options?: StartOptions): Promise<StartedContainer>;
  startExec(engine: Engine, id: string, options: StartExecOptions): Promise<StartedExec>;
  statsContainer(engine: Engine, name: string): Promise<StatsDocument>;
  stopContainer(engine: Engine, name: string, options: StopOptions): Promise<boolean>;
  topContainer(engine: Engine, name: string, psArgs: readonly string[]): Promise<TopResult>;
  unpauseContainer(engine: Engine, name: string): Promise<void>;
  updateContainer(
    engine: Engine,
    name: string,
    options: Resources & { readonly RestartPolicy?: RestartPolicy },
  ): Promise<{ readonly warnings: readonly string[] }>;
  waitContainer(
    engine: Engine,
    name: string,
    condition?: WaitCondition,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<WaitResult>;

  statArchive(engine: Engine, name: string, path: string): Promise<PathStat>;
  getArchive(
    engine: Engine,
    name: string,
    path: string,
    write: (chunk: Uint8Array) => void | Promise<void>,
    options?: { readonly memberName?: string | undefined },
  ): Promise<PathStat>;
  putArchive(
    engine: Engine,
    name: string,
    path: string,
    source: ByteSource,
    options?: PutArchiveOptions,
  ): Promise<void>;
  packLocal(path: string, memberName: string): Promise<LocalArchive>;
  unpackLocal(folder: string, source: ByteSource, signal?: AbortSignal): Promise<void>;

  createVolume(engine: Engine, options: CreateVolumeOptions): Promise<VolumeDocument>;
  inspectVolume(engine: Engine, name: string): Promise<VolumeDocument>;
  listVolumes(engine: Engine, filters: readonly Filter[]): Promise<readonly VolumeDocument[]>;
  pruneVolumes(engine: Engine, filters: readonly Filter[]): Promise<PruneVolumesReport>;
  removeVolume(engine: Engine, name: string, options: { readonly force?: boolean }): Promise<void>;

  connectNetwork(
    engine: Engine,
    network: string,
    container: string,
    settings: EndpointSettings,
  ): Promise<void>;
  createNetwork(
    engine: Engine,
    options: CreateNetworkOptions,
  ): Promise<{ readonly id: string; readonly warnings: readonly string[] }>;
  disconnectNetwork(
    engine: Engine,
    network: string,
    container: string,
    options: { readonly force?: boolean },
  ): Promise<void>;
  inspectNetwork(engine: Engine, name: string): Promise<NetworkDocument>;
  listNetworks(engine: Engine, filters: readonly Filter[]): Promise<readonly NetworkDocument[]>;
  pruneNetworks(
    engine: Engine,
    filters: readonly Filter[],
  ): Promise<{ readonly networksDeleted: readonly string[] }>;
  removeNetwork(engine: Engine, name: string): Promise<void>;
}

/** Each is loaded when it is first called, so that no command pays for others. */
export const containerUseCases: ContainerUseCases = {
  attachContainer: async (...args) =>
    (await import("../engine/attach.ts")).attachContainer(...args),
  checkHealth: async (...args) => (await import("../engine/health.ts")).checkHealth(...args),
  cleanupContainer: async (...args) =>
    (await import("../engine/cleanup.ts")).cleanupContainer(...args),
  commitContainer: async (...args) =>
    (await import("../engine/commit.ts")).commitContainer(...args),
  connectNetwork: async (...args) =>
    (await import("../engine/network-connect.ts")).connectNetwork(...args),
  createContainer: async (...args) =>
    (await import("../engine/create.ts")).createContainer(...args),
  createExec: async (...args) => (await import("../engine/exec.ts")).createExec(...args),
  createNetwork: async (...args) =>
    (await import("../engine/network-create.ts")).createNetwork(...args),
  createVolume: async (...args) => (await import("../engine/volumes.ts")).createVolume(...args),
  diffContainer: async (...args) =>
    (await import("../engine/diff-container.ts")).diffContainer(...args),
  disconnectNetwork: async (...args) =>
    (await import("../engine/network-connect.ts")).disconnectNetwork(...args),
  exportContainer: async (...args) =>
    (await import("../engine/export.ts")).exportContainer(...args),
  getArchive: async (...args) => (await import("../engine/copy-container.ts")).getArchive(...args),
  inspectContainer: async (...args) =>
    (await import("../engine/inspect-container.ts")).inspectContainer(...args),
  inspectNetwork: async (...args) =>
    (await import("../engine/network-list.ts")).inspectNetwork(...args),
  inspectVolume: async (...args) => (await import("../engine/volumes.ts")).inspectVolume(...args),
  killContainer: async (...args) => (await import("../engine/kill.ts")).killContainer(...args),
  listContainers: async (...args) =>
    (await import("../engine/list-containers.ts")).listContainers(...args),
  listNetworks: async (...args) =>
    (await import("../engine/network-list.ts")).listNetworks(...args),
  listVolumes: async (...args) => (await import("../engine/volumes.ts")).listVolumes(...args),
  packLocal: async (...args) => (await import("../engine/local-files.ts")).packLocal(...args),
  pauseContainer: async (...args) => (await import("../engine/pause.ts")).pauseContainer(...args),
  pruneContainers: async (...args) =>
    (await import("../engine/prune-containers.ts")).pruneContainers(...args),
  pruneNetworks: async (...args) =>
    (await import("../engine/network-remove.ts")).pruneNetworks(...args),
  pruneVolumes: async (...args) => (await import("../engine/volumes.ts")).pruneVolumes(...args),
  putArchive: async (...args) => (await import("../engine/copy-container.ts")).putArchive(...args),
  removeContainer: async (...args) =>
    (await import("../engine/remove-container.ts")).removeContainer(...args),
  removeNetwork: async (...args) =>
    (await import("../engine/network-remove.ts")).removeNetwork(...args),
  removeVolume: async (...args) => (await import("../engine/volumes.ts")).removeVolume(...args),
  renameContainer: async (...args) =>
    (await import("../engine/rename.ts")).renameContainer(...args),
  resizeContainer: async (...args) =>
    (await import("../engine/attach.ts")).resizeContainer(...args),
  restartContainer: async (...args) =>
    (await import("../engine/stop.ts")).restartContainer(...args),
  rollbackImage: async (...args) => (await import("../engine/rollback.ts")).rollbackImage(...args),
  startContainer: async (...args) => (await import("../engine/start.ts")).startContainer(...args),
  startExec: async (...args) => (await import("../engine/exec.ts")).startExec(...args),
  statArchive: async (...args) =>
    (await import("../engine/copy-container.ts")).statArchive(...args),
  statsContainer: async (...args) => (await import("../engine/stats.ts")).statsContainer(...args),
  stopContainer: async (...args) => (await import("../engine/stop.ts")).stopContainer(...args),
  topContainer: async (...args) => (await import("../engine/top.ts")).topContainer(...args),
  unpackLocal: async (...args) => (await import("../engine/local-files.ts")).unpackLocal(...args),
  unpauseContainer: async (...args) =>
    (await import("../engine/pause.ts")).unpauseContainer(...args),
  updateContainer: async (...args) =>
    (await import("../engine/update.ts")).updateContainer(...args),
  waitContainer: async (...args) => (await import("../engine/wait.ts")).waitContainer(...args),
  async *containerLogs(...args) {
    yield* (await import("../engine/logs.ts")).containerLogs(...args);
  },
};
