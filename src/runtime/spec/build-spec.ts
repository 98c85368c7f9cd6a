// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../../base/errors.ts";
import { goQuote } from "../../spec/go-quote.ts";
import { chooseCapabilities } from "./capabilities.ts";
import { cgroupsPath } from "./cgroups-path.ts";
import { makeEnvironment } from "./environment.ts";
import type { HostDevices, Machine, SpecInput } from "./input.ts";
import { buildMounts, initDestination } from "./mounts.ts";
import type { OciDeviceRule, OciLinux, OciNamespace, OciProcess, OciSpec } from "./oci-spec.ts";
import { maskedPaths, readonlyPaths } from "./protected-paths.ts";
import { buildResources, buildRlimits, checkSysctls } from "./resources.ts";
import { buildSeccomp } from "./seccomp.ts";
import { readSecurityOptions, type SecurityOptions } from "./security-options.ts";

/** Those that lade's runtimes understand. */
const ociVersion = "1.0.2";

/**
 * A container's document for the OCI runtime, as Docker makes it (daemon/oci_linux.go of moby).
 *
 * Labels never become annotations: a runtime's hooks act on those (CVE-2026-53488).
 *
 * @throws LadeError CONTAINER_INVALID, UNSUPPORTED
 */
export function buildSpec(input: SpecInput): OciSpec {
  const { config, host, machine } = input;
  const security = readSecurityOptions(host.SecurityOpt ?? [], machine);
  const process = buildProcess(input, security);
  const { mounts, rootfsPropagation } = buildMounts(input, {
    writableCgroups: security.writableCgroups,
  });
  const hostname = host.UTSMode === "host" ? "" : input.hostname;
  const annotations = host.Annotations ?? {};
  return {
    ociVersion,
    process,
    root: { path: input.rootfs, readonly: host.ReadonlyRootfs === true },
    ...(hostname !== "" && { hostname }),
    mounts,
    ...(Object.keys(annotations).length > 0 && { annotations }),
    linux: {
      ...buildLinux(input, process, security),
      ...(rootfsPropagation !== undefined && { rootfsPropagation }),
      ...sysctls(input, config.Domainname ?? ""),
    },
  };
}

function buildProcess(input: SpecInput, security: SecurityOptions): OciProcess {
  const { config, host, machine } = input;
  const { uid, gid, additionalGids } = input.user;
  const hasTerminal = config.Tty === true;
  const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  if (command.length === 0) throw new LadeError("CONTAINER_INVALID", "No command specified");
  checkTexts([...command, ...(config.Env ?? []), config.WorkingDir ?? ""]);
  const capabilities = chooseCapabilities(
    {
      add: host.CapAdd ?? [],
      drop: host.CapDrop ?? [],
      isPrivileged: host.Privileged === true,
    },
    machine.capabilities,
  );
  const rlimits = buildRlimits(host.Ulimits ?? []);
  const [height = 0, width = 0] = host.ConsoleSize ?? [];
  const oomScoreAdj = oomScore(host.OomScoreAdj ?? 0, machine);
  return {
    terminal: hasTerminal,
    ...(hasTerminal && height > 0 && width > 0 && { consoleSize: { height, width } }),
    user: { uid, gid, additionalGids },
    args: input.init === undefined ? command : [initDestination, "--", ...command],
    env: makeEnvironment({
      hostname: input.hostname,
      hasTerminal,
      linked: input.linked,
      own: config.Env ?? [],
    }),
    cwd: config.WorkingDir || "/",
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    ...(rlimits.length > 0 && { rlimits }),
    noNewPrivileges: security.noNewPrivileges,
    ...(machine.hasApparmor && {
      apparmorProfile: security.apparmor ?? "unconfined",
    }),
    ...(oomScoreAdj !== undefined && { oomScoreAdj }),
  };
}

/** The kernel takes a NUL for the end. */
function checkTexts(texts: readonly string[]): void {
  const bad = texts.find((text) => text.includes("\0"));
  if (bad === undefined) return;
  throw new LadeError(
    "CONTAINER_INVALID",
    `a command or variable has a NUL in it: ${goQuote(bad)}`,
  );
}

/** Going below the own score needs a capability that a machine may not give. */
function oomScore(wanted: number, machine: Machine): number | undefined {
  const mayLower = machine.capabilities.includes("CAP_SYS_RESOURCE");
  return wanted === 0 && machine.oomScore > 0 && !mayLower ? undefined : wanted;
}

function buildLinux(
  input: SpecInput,
  process: OciProcess,
  security: SecurityOptions,
): Omit<OciLinux, "sysctl" | "rootfsPropagation"> {
  const { host, machine, devices } = input;
  const isPrivileged = host.Privileged === true;
  const seccomp =
    !machine.hasSeccomp || (isPrivileged && security.seccomp === undefined)
      ? undefined
      : buildSeccomp(security.seccomp, {
          capabilities: process.capabilities.bounding,
          architecture: machine.architecture,
          kernel: machine.kernel,
        });
  if (!machine.hasSeccomp && !["builtin", "unconfined", undefined].includes(security.seccomp)) {
    throw new LadeError(
      "UNSUPPORTED",
      "seccomp is not enabled in your kernel, cannot run a custom seccomp profile",
    );
  }
  return {
    namespaces: namespaces(input),
    cgroupsPath: cgroupsPath(input.id, host.CgroupParent ?? "", machine.usesSystemd),
    resources: buildResources(host, devices, deviceRules(devices, isPrivileged)),
    ...(devices.devices.length > 0 && { devices: devices.devices }),
    ...(seccomp !== undefined && { seccomp }),
    maskedPaths: isPrivileged ? [] : (host.MaskedPaths ?? maskedPaths),
    readonlyPaths: isPrivileged ? [] : (host.ReadonlyPaths ?? readonlyPaths),
  };
}

function namespaces({ host, namespaces: shared }: SpecInput): readonly OciNamespace[] {
  const list: OciNamespace[] = [{ type: "mount" }];
  if (shared.network !== "host") list.push(namespace("network", shared.network));
  if (host.UTSMode !== "host") list.push({ type: "uts" });
  if (shared.pid !== "host") list.push(namespace("pid", shared.pid));
  if (shared.ipc !== "host") list.push(namespace("ipc", shared.ipc));
  if (host.CgroupnsMode === "private") list.push({ type: "cgroup" });
  return list;
}

function namespace(
  type: OciNamespace["type"],
  shared: { readonly path: string } | "new" | undefined,
): OciNamespace {
  return shared === undefined || shared === "new" ? { type } : { type, path: shared.path };
}

function character(allow: boolean, major: number, minor: number): OciDeviceRule {
  return { allow, type: "c", major, minor, access: "rwm" };
}

/** zero, null, urandom, random, tty and console; what every container has beside these, runc adds. */
const defaultRules: readonly OciDeviceRule[] = [
  { allow: false, access: "rwm" },
  character(true, 1, 5),
  character(true, 1, 3),
  character(true, 1, 9),
  character(true, 1, 8),
  character(true, 5, 0),
  character(true, 5, 1),
  // fuse
  character(false, 10, 229),
];

function deviceRules(devices: HostDevices, isPrivileged: boolean): readonly OciDeviceRule[] {
  if (isPrivileged) return [{ allow: true, access: "rwm" }];
  return [...defaultRules, ...devices.rules];
}

function sysctls(input: SpecInput, domainname: string): Pick<OciLinux, "sysctl"> {
  const { host, machine, namespaces: shared } = input;
  const own = host.Sysctls ?? {};
  checkSysctls(own, {
    isHostNetwork: shared.network === "host",
    isHostIpc: shared.ipc === "host",
  });
  const values: Record<string, string> = {};
  if (domainname !== "" && host.UTSMode !== "host") values["kernel.domainname"] = domainname;
  if (shared.network !== "host" && !(host.NetworkMode ?? "").startsWith("container:")) {
    for (const [name, value] of Object.entries(networkSysctls)) {
      if (machine.hasSysctl(name)) values[name] = value;
    }
  }
  Object.assign(values, own);
  return Object.keys(values).length > 0 ? { sysctl: values } : {};
}

/** Pings and low ports for all users of the container. */
const networkSysctls = {
  "net.ipv4.ping_group_range": "0 2147483647",
  "net.ipv4.ip_unprivileged_port_start": "0",
};
