// SPDX-License-Identifier: Apache-2.0

/** What the engine is and holds, as the versions of Docker's API show it. */

import { readdirSync } from "node:fs";
import { gitCommit, version } from "../base/version.ts";
import { type SystemInfoDocument, systemInfoDocument } from "../engine/info-document.ts";
import type { RuntimeFacts } from "../engine/machine-facts.ts";
import type { SystemInfo } from "../engine/types.ts";
import { newestVersion, oldestVersion } from "./api-version.ts";

/** Versions from which on members are there, or are no longer. */
const since = {
  noKernelMemory: 42,
  cdiFolders: 44,
  noNondistributable: 49,
  noExpectedCommits: 49,
  devices: 50,
};

/**
 * `GET /info`.
 *
 * Source: `getInfo` of moby (daemon/server/router/system/system_routes.go), Docker's API descriptions.
 */
export function infoDocument(info: SystemInfo, apiVersion: number): object {
  const document = systemInfoDocument(info);
  const { CDISpecDirs, RegistryConfig, ...rest } = document;
  return {
    ...rest,
    NFd: readdirSync("/proc/self/fd").length,
    // Kernels have had no such limit since 5.16, and none of these is lade's to set.
    ...(apiVersion < since.noKernelMemory && { KernelMemory: false }),
    KernelMemoryTCP: false,
    ...(apiVersion < since.devices && { BridgeNfIptables: false, BridgeNfIp6tables: false }),
    RegistryConfig: {
      ...(apiVersion < since.noNondistributable && {
        AllowNondistributableArtifactsCIDRs: null,
        AllowNondistributableArtifactsHostnames: null,
      }),
      ...RegistryConfig,
    },
    ...(apiVersion < since.noExpectedCommits && expectedCommits(document)),
    ...(apiVersion >= since.cdiFolders && { CDISpecDirs }),
    ...(apiVersion >= since.devices && { DiscoveredDevices: [] }),
  };
}

function expectedCommits(document: SystemInfoDocument): object {
  const { ContainerdCommit, RuncCommit, InitCommit } = document;
  const commits = Object.entries({ ContainerdCommit, RuncCommit, InitCommit });
  return Object.fromEntries(commits.map(([name, { ID }]) => [name, { ID, Expected: ID }]));
}

/** Go's word for this machine's architecture, as Docker shows it. */
function goArchitecture(): string {
  const names: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
  return names[process.arch] ?? process.arch;
}

/** `GET /version`; lade is not written in Go, so that there is no version of that. */
export function versionDocument(
  { defaultRuntime, runtimeVersion }: Pick<RuntimeFacts, "defaultRuntime" | "runtimeVersion">,
  kernelVersion: string,
): object {
  const common = {
    ApiVersion: `1.${newestVersion}`,
    MinAPIVersion: `1.${oldestVersion}`,
    GitCommit: gitCommit,
    GoVersion: "",
    Os: "linux",
    Arch: goArchitecture(),
    KernelVersion: kernelVersion,
  };
  const engine = {
    Name: "Engine",
    Version: version,
    Details: { ...common, Experimental: "false", NodeVersion: process.version },
  };
  const runtime = {
    Name: defaultRuntime,
    Version: runtimeVersion,
    Details: { GitCommit: runtimeVersion },
  };
  return {
    Platform: { Name: "lade" },
    Components: defaultRuntime === "" ? [engine] : [engine, runtime],
    Version: version,
    ...common,
  };
}
