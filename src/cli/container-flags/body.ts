// SPDX-License-Identifier: Apache-2.0

import type { ContainerBody, ContainerConfig, HostConfig } from "../../spec/container.ts";
import type { OptionValues } from "../command.ts";
import { InvalidValue } from "../invalid-value.ts";
import { checkMacAddress } from "./addresses.ts";
import { parseDevice } from "./devices.ts";
import type { FlagHost } from "./flag-host.ts";
import { healthcheck } from "./health.ts";
import { cut, readPairs, toMap, withInheritedValue } from "./key-values.ts";
import { checkModes, isNoRestart, parseRestartPolicy } from "./modes.ts";
import { type NetworkSettings, networkSettings } from "./networks.ts";
import type { containerOptions } from "./options.ts";
import { type Ports, parsePorts } from "./ports.ts";
import { resources } from "./resources.ts";
import { parseCapabilities, parseSecurityOptions } from "./security.ts";
import { parseVolumes, type Volumes } from "./volumes.ts";

export type ContainerOptionValues = OptionValues<typeof containerOptions>;

export interface BodyInput {
  readonly options: ContainerOptionValues;
  /** Whether the option was on the command line. */
  isGiven(name: keyof ContainerOptionValues): boolean;
  readonly image: string;
  readonly command: readonly string[];
}

/** What several parts of a body are made from. */
interface Parts {
  readonly volumes: Volumes;
  readonly ports: Ports;
  readonly network: NetworkSettings;
}

/**
 * The body of a container from the options of `create` and `run`, as docker's client makes it; Go's
 * zero values are left out.
 *
 * Source: `parse` of docker/cli (cli/command/container/opts.go).
 *
 * @throws InvalidValue
 */
export function containerBody(input: BodyInput, host: FlagHost): ContainerBody {
  const { options } = input;
  if (options["mac-address"] !== "") checkMacAddress(options["mac-address"]);
  checkSwappiness(options["memory-swappiness"]);
  const parts = {
    volumes: parseVolumes(options.volume, host),
    ports: parsePorts(options.publish, options.expose),
    network: networkSettings({
      networks: options.network,
      aliases: options["network-alias"],
      links: options.link,
      linkLocalIps: options["link-local-ip"],
      ip: options.ip,
      ip6: options.ip6,
      macAddress: options["mac-address"],
    }),
  };
  const body: ContainerBody = {
    ...containerConfig(input, parts, host),
    HostConfig: withoutZeroes(hostConfig(input, parts, host)),
    NetworkingConfig: { EndpointsConfig: parts.network.endpoints },
  };
  return withoutZeroes(body);
}

function checkSwappiness(value: number): void {
  if (value === -1 || (value >= 0 && value <= 100)) return;
  throw new InvalidValue(`invalid value: ${value}. Valid memory swappiness range is 0-100`);
}

function containerConfig(
  { options, isGiven, image, command }: BodyInput,
  { volumes, ports }: Parts,
  host: FlagHost,
): ContainerConfig {
  const { attach } = options;
  const isPlain = attach.length === 0;
  const attachesStdin = options.interactive || attach.includes("stdin");
  const labels = readPairs(
    { files: options["label-file"], pairs: options.label, isEnvironment: false },
    host,
  );
  const health = healthcheck({
    command: options["health-cmd"],
    interval: options["health-interval"],
    timeout: options["health-timeout"],
    startPeriod: options["health-start-period"],
    startInterval: options["health-start-interval"],
    retries: options["health-retries"],
    isDisabled: options["no-healthcheck"],
  });
  return {
    Hostname: options.hostname,
    Domainname: options.domainname,
    ExposedPorts: ports.exposed,
    User: options.user,
    Tty: options.tty,
    OpenStdin: options.interactive,
    // Input that is attached ends with who is attached.
    StdinOnce: options.interactive && attachesStdin,
    AttachStdin: attachesStdin,
    AttachStdout: isPlain || attach.includes("stdout"),
    AttachStderr: isPlain || attach.includes("stderr"),
    Env: environment(options, host),
    Cmd: command,
    Image: image,
    Volumes: volumes.anonymous,
    WorkingDir: options.workdir,
    Labels: toMap(labels),
    StopSignal: options["stop-signal"],
    ...(isGiven("entrypoint") ? { Entrypoint: [options.entrypoint] } : {}),
    ...(isGiven("stop-timeout") ? { StopTimeout: options["stop-timeout"] } : {}),
    ...(health === undefined ? {} : { Healthcheck: health }),
  };
}

/** The variables of `--env-file` and `-e`. */
export function environment(
  options: Pick<ContainerOptionValues, "env" | "env-file">,
  host: FlagHost,
): string[] {
  const pairs = options.env.map((text) => withInheritedValue(text, host));
  return readPairs({ files: options["env-file"], pairs, isEnvironment: true }, host);
}

function hostConfig(
  { options, isGiven }: BodyInput,
  { volumes, ports, network }: Parts,
  host: FlagHost,
): HostConfig {
  const { pid, uts, userns, cgroupns, ipc } = options;
  checkModes({ pid, uts, userns, cgroupns });
  const restart = parseRestartPolicy(options.restart);
  const logOptions = toMap(options["log-opt"]);
  if (options["log-driver"] === "none" && options["log-opt"].length > 0) {
    throw new InvalidValue("invalid logging opts for driver none");
  }
  const security = parseSecurityOptions(options["security-opt"], host);
  if (options.rm && !isNoRestart(restart)) {
    throw new InvalidValue("conflicting options: cannot specify both --restart and --rm");
  }
  return {
    ...resources(options),
    Binds: volumes.binds,
    ContainerIDFile: options.cidfile,
    OomScoreAdj: options["oom-score-adj"],
    AutoRemove: options.rm,
    Privileged: options.privileged,
    PortBindings: ports.bindings,
    Links: options.link,
    PublishAllPorts: options["publish-all"],
    Dns: options.dns,
    DnsSearch: options["dns-search"],
    DnsOptions: options["dns-option"],
    ExtraHosts: options["add-host"],
    VolumesFrom: options["volumes-from"],
    IpcMode: ipc,
    NetworkMode: network.mode,
    PidMode: pid,
    UTSMode: uts,
    UsernsMode: userns,
    CgroupnsMode: cgroupns,
    CapAdd: parseCapabilities(options["cap-add"]),
    CapDrop: parseCapabilities(options["cap-drop"]),
    GroupAdd: options["group-add"],
    RestartPolicy: withoutZeroes(restart),
    SecurityOpt: security.options,
    ReadonlyRootfs: options["read-only"],
    LogConfig: withoutZeroes({ Type: options["log-driver"], Config: logOptions }),
    VolumeDriver: options["volume-driver"],
    ShmSize: options["shm-size"],
    Tmpfs: Object.fromEntries(
      options.tmpfs.map((text) => {
        const [path, mountOptions = ""] = cut(text, ":");
        return [path, mountOptions] as const;
      }),
    ),
    Sysctls: toMap(options.sysctl),
    Runtime: options.runtime,
    Mounts: options.mount,
    Annotations: toMap(options.annotation),
    Devices: options.device.map(parseDevice),
    ...(security.isUnconfined ? { MaskedPaths: [], ReadonlyPaths: [] } : {}),
    ...(isGiven("init") ? { Init: options.init } : {}),
  };
}

/** Members for which nothing and a zero are not the same. */
const meaningfulZeroes = new Set(["Init", "MaskedPaths", "ReadonlyPaths", "StopTimeout"]);

/** The object without members that have Go's zero value. */
function withoutZeroes<T extends object>(value: T): T {
  const members = Object.entries(value).filter(
    ([name, member]) => meaningfulZeroes.has(name) || !isZero(member),
  );
  return Object.fromEntries(members) as T;
}

function isZero(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return !value;
  return Object.keys(value).length === 0;
}
