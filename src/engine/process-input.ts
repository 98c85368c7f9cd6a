// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import type { ContainerRow } from "../content/containers.ts";
import { readDevices } from "../runtime/devices.ts";
import { readMachine } from "../runtime/machine.ts";
import { checkPropagation } from "../runtime/propagation.ts";
import { buildSpec } from "../runtime/spec/build-spec.ts";
import type { SharedNamespaces } from "../runtime/spec/input.ts";
import type { OciSpec } from "../runtime/spec/oci-spec.ts";
import { findInit } from "../runtime/tools.ts";
import { resolveUser } from "../runtime/users.ts";
import { makeWorkingFolder } from "../runtime/working-folder.ts";
import { sharedWith } from "./check-container.ts";
import { containerConflict, containerNotRunning } from "./container-errors.ts";
import { hasProcess } from "./container-state.ts";
import type { Engine } from "./engine.ts";
import { findContainer } from "./find-container.ts";
import { linkEnvironment } from "./link-environment.ts";
import { networkFiles } from "./network-files.ts";
import { readyMounts, readySharedMemory, sharedMemoryPath } from "./process-mounts.ts";

export interface ProcessInput {
  readonly rootfs: string;
  /** Path of the network namespace; empty for the host's. */
  readonly networkNamespace: string;
}

/**
 * The runtime's document for a container, with all that it names made ready on this machine.
 *
 * @throws LadeError CONTAINER_INVALID, UNSUPPORTED, CONTAINER_NOT_RUNNING for a container whose
 *   namespaces it shares, MOUNT_FAILED, RUNTIME_MISSING for `--init`
 */
export function makeSpec(engine: Engine, row: ContainerRow, input: ProcessInput): OciSpec {
  const { config, hostConfig: host } = row.definition;
  const { rootfs, networkNamespace } = input;
  makeWorkingFolder(rootfs, config.WorkingDir ?? "");
  const ipc = ipcOf(engine, row);
  const pid = namespaceOf(engine, host.PidMode ?? "", "pid");
  const namespaces: SharedNamespaces = {
    network: networkNamespace === "" ? "host" : { path: networkNamespace },
    ...(ipc.namespace !== undefined && { ipc: ipc.namespace }),
    ...(pid !== undefined && { pid }),
  };
  const mounts = readyMounts(engine, row);
  checkPropagation(mounts);
  return buildSpec({
    id: row.id,
    rootfs,
    config,
    host,
    hostname: hostnameOf(engine, row),
    linked: linkEnvironment(engine.store.database, row),
    user: resolveUser(rootfs, config.User ?? "", host.GroupAdd ?? []),
    mounts,
    files: networkFiles(engine, row),
    shm: ipc.shm,
    namespaces,
    devices: readDevices(host),
    init: host.Init === true ? findInit() : undefined,
    machine: readMachine(),
  });
}

/** Who shares a container's network has its name, too. */
export function hostnameOf(engine: Engine, row: ContainerRow): string {
  const other = sharedWith(row.definition.hostConfig.NetworkMode ?? "");
  const owner = other === undefined ? row : findContainer(engine.store, other);
  return owner.definition.config.Hostname ?? "";
}

type Namespace = { readonly path: string } | "host" | undefined;

/** `host`, or the namespace of `container:ID`. */
function namespaceOf(engine: Engine, mode: string, kind: "ipc" | "pid"): Namespace {
  if (mode === "host") return "host";
  const other = sharedWith(mode);
  if (other === undefined) return undefined;
  return { path: join("/proc", String(runningPid(engine, other)), "ns", kind) };
}

function runningPid(engine: Engine, nameOrId: string): number {
  const { id, state } = findContainer(engine.store, nameOrId);
  if (state.pid === 0 || !hasProcess(engine, state)) throw containerNotRunning(id);
  return state.pid;
}

function ipcOf(
  engine: Engine,
  row: ContainerRow,
): { readonly namespace: Namespace; readonly shm?: string | undefined } {
  const mode = row.definition.hostConfig.IpcMode ?? "";
  if (mode === "host") return { namespace: "host", shm: "/dev/shm" };
  if (mode === "shareable") return { namespace: undefined, shm: readySharedMemory(engine, row) };
  const other = sharedWith(mode);
  if (other === undefined) return { namespace: undefined };
  const donor = findContainer(engine.store, other);
  const donorMode = donor.definition.hostConfig.IpcMode ?? "";
  if (donorMode !== "shareable" && donorMode !== "host") {
    throw containerConflict(
      `cannot join IPC of a container ${other}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    );
  }
  return {
    namespace: namespaceOf(engine, mode, "ipc"),
    shm: donorMode === "host" ? "/dev/shm" : sharedMemoryPath(engine, donor.id),
  };
}
