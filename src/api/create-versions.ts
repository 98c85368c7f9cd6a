// SPDX-License-Identifier: Apache-2.0

/**
 * What versions of Docker's API make of the body of `POST /containers/create`.
 *
 * Source: `postContainersCreate` of moby (daemon/server/router/container/container_routes.go).
 */

import { LadeError } from "../base/errors.ts";
import { parseNetworkMode } from "../engine/network-mode.ts";
import type {
  ContainerBody,
  EndpointSettings,
  HostConfig,
  Mount,
  NetworkingConfig,
} from "../spec/container.ts";
import { goQuote } from "../spec/go-quote.ts";

export interface SettledCreate {
  readonly body: ContainerBody;
  readonly warnings: readonly string[];
}

/**
 * Takes away what a version did not have yet, and moves what has moved since.
 *
 * @throws LadeError API_INVALID
 */
export function settleCreate(asked: ContainerBody, version: number): SettledCreate {
  const { HostConfig: askedHost = {}, NetworkingConfig: askedNetworks = {}, ...config } = asked;
  if (Object.keys(config).length === 0) {
    throw invalid("config cannot be empty in order to create a container");
  }
  const host = settleHost(askedHost, version);
  checkEndpointCount(askedNetworks, version);
  for (const mount of host.Mounts ?? []) checkMount(mount, version);
  checkSysctls(host, version);
  const { Healthcheck: health } = config;
  const {
    config: placed,
    endpoints,
    warnings,
  } = settleMac({ config, host, askedNetworks }, version);
  const body: ContainerBody = {
    ...placed,
    ...(health !== undefined && version < 44 && { Healthcheck: { ...health, StartInterval: 0 } }),
    HostConfig: host,
    NetworkingConfig: { EndpointsConfig: endpoints },
  };
  return { body, warnings: [...volumeDriverWarnings(host, version), ...warnings] };
}

function invalid(message: string): LadeError {
  return new LadeError("API_INVALID", message);
}

function settleHost(host: HostConfig, version: number): HostConfig {
  const { PidsLimit: pids, Mounts: mounts, PortBindings: ports } = host;
  return {
    ...host,
    // Until then clients removed containers themselves.
    ...(version < 25 && { AutoRemove: false }),
    ...(version < 40 && { KernelMemoryTCP: 0, IpcMode: host.IpcMode || "shareable" }),
    ...(version < 42 ? { ConsoleSize: [0, 0] as const } : { KernelMemory: 0 }),
    ...(version < 43 && { Annotations: {} }),
    ...(pids !== undefined && { PidsLimit: (pids ?? 0) > 0 ? pids : null }),
    ...(mounts !== undefined && { Mounts: mounts.map((mount) => settleMount(mount, version)) }),
    ...(ports !== undefined && {
      // No binding is one with a port that is chosen.
      PortBindings: Object.fromEntries(
        Object.entries(ports).map(([port, bindings]) => [
          port,
          bindings === null || bindings.length === 0 ? [{}] : bindings,
        ]),
      ),
    }),
  };
}

function settleMount(mount: Mount, version: number): Mount {
  if (version >= 42) return mount;
  const { BindOptions: bind, VolumeOptions: volume, TmpfsOptions: tmpfs, ...rest } = mount;
  const { NonRecursive: isNonRecursive, CreateMountpoint: _, ...bindRest } = bind ?? {};
  return {
    ...rest,
    ...(bind !== undefined && {
      BindOptions: {
        ...bindRest,
        ...(version >= 40 && isNonRecursive !== undefined && { NonRecursive: isNonRecursive }),
      },
    }),
    ...(volume !== undefined && mount.Type === "volume" && { VolumeOptions: volume }),
    ...(tmpfs !== undefined && mount.Type === "tmpfs" && { TmpfsOptions: tmpfs }),
  };
}

function checkMount(mount: Mount, version: number): void {
  const type: string = mount.Type;
  if (version >= 42) {
    for (const [name, own] of [
      ["VolumeOptions", "volume"],
      ["BindOptions", "bind"],
      ["TmpfsOptions", "tmpfs"],
    ] as const) {
      if (mount[name] === undefined || type === own) continue;
      throw invalid(`${name} must not be specified on mount type ${goQuote(type)}`);
    }
  }
  if (version < 44 && mount.BindOptions?.ReadOnlyForceRecursive === true) {
    throw invalid("BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer");
  }
  if (version < 45 && mount.VolumeOptions?.Subpath) {
    throw invalid("VolumeOptions.Subpath needs API v1.45 or newer");
  }
  if (version < 48 && type === "image") {
    throw invalid('Mount type "Image" needs API v1.48 or newer');
  }
}

function checkEndpointCount(
  { EndpointsConfig: endpoints = {} }: NetworkingConfig,
  version: number,
) {
  const names = Object.keys(endpoints);
  if (version >= 44 || names.length <= 1) return;
  throw invalid(`Container cannot be created with multiple network endpoints: ${names.join(", ")}`);
}

const endpointSysctls = "com.docker.network.endpoint.sysctls";

/** An interface has no name before the container starts. */
function checkSysctls({ Sysctls: sysctls = {} }: HostConfig, version: number): void {
  if (version < 48) return;
  const name = Object.keys(sysctls).find((key) => /^net\.[^.]+\.[^.]+\.eth[^.]*\./.test(key));
  if (name === undefined) return;
  throw invalid(
    `interface specific sysctl setting ${goQuote(name)} must be supplied using driver option '${endpointSysctls}'`,
  );
}

function volumeDriverWarnings(host: HostConfig, version: number): readonly string[] {
  const isIgnored =
    version >= 48 &&
    (host.VolumeDriver ?? "") !== "" &&
    (host.Mounts ?? []).some(
      ({ Type: type, VolumeOptions: options }) => type === "volume" && !options?.DriverConfig?.Name,
    );
  if (!isIgnored) return [];
  return [
    "WARNING: the container-wide volume-driver configuration is ignored for volumes specified via 'mount'. Use '--mount type=volume,volume-driver=...' instead",
  ];
}

type Endpoints = Readonly<Record<string, EndpointSettings | null>>;

interface MacWishes {
  readonly config: Omit<ContainerBody, "HostConfig" | "NetworkingConfig">;
  readonly host: HostConfig;
  readonly askedNetworks: NetworkingConfig;
}

/**
 * A MAC address was the container's until API 1.44, and is an endpoint's since.
 *
 * @throws LadeError API_INVALID
 */
function settleMac(
  { config, host, askedNetworks }: MacWishes,
  version: number,
): Pick<MacWishes, "config"> & {
  readonly endpoints: Endpoints;
  readonly warnings: readonly string[];
} {
  const { EndpointsConfig: asked = {} } = askedNetworks;
  const endpoints = version < 48 ? mapEndpoints(asked, { GwPriority: 0 }) : asked;
  const { MacAddress: mac = "", ...rest } = config;
  const mode = parseNetworkMode(host.NetworkMode);
  if (version < 44) {
    if (mac !== "" && mode.kind !== "network") {
      throw invalid("conflicting options: mac-address and the network mode");
    }
    return { config, endpoints: mapEndpoints(endpoints, { MacAddress: mac }), warnings: [] };
  }
  if (mac === "") return { config, endpoints, warnings: [] };
  const warnings = [
    "The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.",
  ];
  if (mode.kind !== "network") return { config: rest, endpoints, warnings };
  return { config: rest, endpoints: withMac(endpoints, mode.network, mac), warnings };
}

function mapEndpoints(endpoints: Endpoints, change: Partial<EndpointSettings>): Endpoints {
  return Object.fromEntries(
    Object.entries(endpoints).map(([name, settings]) => [name, { ...settings, ...change }]),
  );
}

function withMac(endpoints: Endpoints, network: string, mac: string): Endpoints {
  const key = network === "bridge" && Object.hasOwn(endpoints, "default") ? "default" : network;
  if (Object.keys(endpoints).length > 0 && !Object.hasOwn(endpoints, key)) {
    throw invalid(
      "unable to migrate container-wide MAC address to a specific network: " +
        "HostConfig.NetworkMode must match the identity of a network in NetworkSettings.Networks",
    );
  }
  const own = endpoints[key]?.MacAddress ?? "";
  if (own !== "" && own !== mac) {
    throw invalid(
      "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty",
    );
  }
  return { ...endpoints, [key]: { ...endpoints[key], MacAddress: mac } };
}
