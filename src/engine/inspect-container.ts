// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { join } from "node:path";
import { type ContainerDefinition, type ContainerRow, isRunning } from "../content/containers.ts";
import { containerFolder } from "../content/paths.ts";
import { rootfsPath } from "../rootfs/rootfs.ts";
import { maskedPaths, readonlyPaths } from "../runtime/spec/protected-paths.ts";
import type { HostConfig } from "../spec/container.ts";
import { normalizeGoTime } from "../spec/go-time.ts";
import { hostConfigDocument } from "../spec/host-config-format.ts";
import type { ImageConfigSection } from "../spec/image-config.ts";
import { sectionDocument } from "../spec/image-config-format.ts";
import { containerSize } from "./container-size.ts";
import { observedState, stateDocument } from "./container-state.ts";
import type { ContainerDocument, EndpointDocument } from "./container-types.ts";
import { currentContainer } from "./current.ts";
import { storageDriver } from "./driver.ts";
import type { Engine } from "./engine.ts";
import { runningExecs } from "./exec-rows.ts";
import { logPathOf } from "./log-path.ts";
import { mountDocument } from "./mount-document.ts";
import { endpointDocuments } from "./network-documents.ts";
import { networkFiles } from "./network-files.ts";
import { toPlain } from "./to-plain.ts";

/**
 * Everything that is known of a container, in Docker's form.
 *
 * @throws LadeError CONTAINER_NOT_FOUND
 */
export async function inspectContainer(
  engine: Engine,
  nameOrId: string,
  options: { readonly size?: boolean } = {},
): Promise<ContainerDocument> {
  const row = await currentContainer(engine, nameOrId);
  const { definition } = row;
  const state = observedState(engine, row);
  const shownState = stateDocument(state);
  // Files come before the database tells of what they are for.
  const files = engine.store.database.remember(`files of ${row.id}`, () => filesOf(engine, row));
  const execs = runningExecs(engine, row.id);
  const size = options.size === true ? containerSize(engine, row) : undefined;
  return {
    Id: row.id,
    Created: normalizeGoTime(definition.created),
    Path: definition.path,
    Args: definition.args,
    State: {
      ...shownState,
      StartedAt: normalizeGoTime(shownState.StartedAt),
      FinishedAt: normalizeGoTime(shownState.FinishedAt),
    },
    Image: row.image,
    ...files,
    Name: `/${row.name}`,
    RestartCount: state.restartCount,
    Driver: storageDriver(engine).driver,
    Platform: definition.platform.split("/", 1)[0] ?? "",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    ExecIDs: execs.length === 0 ? null : execs,
    HostConfig: fixedDocuments(definition).host,
    GraphDriver: graphDriver(engine, row),
    ...(size !== undefined && { SizeRw: size.sizeRw, SizeRootFs: size.sizeRootFs }),
    Mounts: definition.mounts.map(mountDocument),
    Config: fixedDocuments(definition).config,
    NetworkSettings: networkSettings(engine, { ...row, state }),
  };
}

/** What stays the same for as long as a container's definition does. */
interface FixedDocuments {
  readonly config: ImageConfigSection;
  readonly host: HostConfig;
}

const fixed = new WeakMap<ContainerDefinition, FixedDocuments>();

function fixedDocuments(definition: ContainerDefinition): FixedDocuments {
  const found = fixed.get(definition);
  if (found !== undefined) return found;
  // As the document of a container shows its section: without what only images have.
  const section = { ...definition.config, Labels: definition.config.Labels ?? {} };
  const made: FixedDocuments = {
    config: toPlain(sectionDocument(section)) as ImageConfigSection,
    host: hostDocument(definition.hostConfig),
  };
  fixed.set(definition, made);
  return made;
}

function hostDocument(host: HostConfig): HostConfig {
  const isPrivileged = host.Privileged === true;
  return toPlain(
    hostConfigDocument({
      ...host,
      ...(!isPrivileged && {
        MaskedPaths: host.MaskedPaths ?? maskedPaths,
        ReadonlyPaths: host.ReadonlyPaths ?? readonlyPaths,
      }),
    }),
  ) as HostConfig;
}

type FilePaths = Pick<
  ContainerDocument,
  "ResolvConfPath" | "HostnamePath" | "HostsPath" | "LogPath"
>;

/** Paths are empty until the files are there, as in Docker. */
function filesOf(engine: Engine, row: ContainerRow): FilePaths {
  const files = networkFiles(engine, row);
  const ifThere = (path: string) => (fs.existsSync(path) ? path : "");
  return {
    ResolvConfPath: ifThere(files.resolvConf),
    HostnamePath: ifThere(files.hostname),
    HostsPath: ifThere(files.hosts),
    LogPath: ifThere(logPathOf(engine, row)),
  };
}

function graphDriver(engine: Engine, row: ContainerRow): ContainerDocument["GraphDriver"] {
  const folder = containerFolder(engine.store.paths, row.id);
  return {
    Data: {
      MergedDir: rootfsPath(engine.run, row.id),
      UpperDir: join(folder, "upper"),
      WorkDir: join(folder, "work"),
    },
    Name: storageDriver(engine).driver,
  };
}

function networkSettings(engine: Engine, row: ContainerRow): ContainerDocument["NetworkSettings"] {
  const networks = endpointDocuments(engine, row);
  const { network } = row.state;
  const runs = isRunning(row.state) && network !== undefined;
  // What clients of before networks had names look at.
  const bridge: Partial<EndpointDocument> = networks.bridge ?? {};
  const ports = Object.entries(network?.ports ?? {}).map(([port, bindings]) => [
    port,
    bindings?.map(({ HostIp = "", HostPort = "" }) => ({ HostIp, HostPort })) ?? null,
  ]);
  return {
    Bridge: "",
    SandboxID: runs ? row.id : "",
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    Ports: Object.fromEntries(ports) as ContainerDocument["NetworkSettings"]["Ports"],
    SandboxKey: runs ? network.namespace : "",
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: bridge.EndpointID ?? "",
    Gateway: bridge.Gateway ?? "",
    GlobalIPv6Address: bridge.GlobalIPv6Address ?? "",
    GlobalIPv6PrefixLen: bridge.GlobalIPv6PrefixLen ?? 0,
    IPAddress: bridge.IPAddress ?? "",
    IPPrefixLen: bridge.IPPrefixLen ?? 0,
    IPv6Gateway: bridge.IPv6Gateway ?? "",
    MacAddress: bridge.MacAddress ?? "",
    Networks: networks,
  };
}
