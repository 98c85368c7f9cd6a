// SPDX-License-Identifier: Apache-2.0

import type { ParsedOption } from "../command.ts";
import { parseSwapBytes } from "../go-numbers.ts";
import { InvalidValue } from "../invalid-value.ts";
import { signalNames } from "../option-specs.ts";
import {
  bytesOption,
  cpusOption,
  durationOption,
  intOption,
  listOption,
  uint16Option,
} from "../value-options.ts";
import { parseAddress, parseExtraHost, parseLink, parseSearchDomain } from "./addresses.ts";
import { parseDeviceRule } from "./devices.ts";
import { createFlagHost } from "./flag-host.ts";
import { checkVariable, parseLabel, parseSysctl } from "./key-values.ts";
import { parseByteRate, parseDeviceWeight, parseOperationRate, parseUlimit } from "./limits.ts";
import { parseMount } from "./mounts.ts";
import { parseNetwork } from "./networks.ts";

const host = createFlagHost(process.env);

const restartPolicies = ["always", "no", "on-failure", "unless-stopped"];

const capabilities = (
  "ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN " +
  "DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE " +
  "MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP " +
  "SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT " +
  "SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM"
).split(" ");

function parseAttach(text: string): string {
  const stream = text.toLowerCase();
  if (["stdin", "stdout", "stderr"].includes(stream)) return stream;
  throw new InvalidValue("valid streams are STDIN, STDOUT and STDERR");
}

export const envOptions = {
  env: listOption({
    short: "e",
    summary: "Set environment variables",
    parse: checkVariable,
  }),
  "env-file": {
    type: "list",
    summary: "Read in a file of environment variables",
    completion: "file",
  },
} as const;

/** What `update` can change, too. */
export const resourceOptions = {
  "blkio-weight": uint16Option({
    summary: "Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)",
  }),
  "cpu-period": intOption({ summary: "Limit CPU CFS (Completely Fair Scheduler) period" }),
  "cpu-quota": intOption({ summary: "Limit CPU CFS (Completely Fair Scheduler) quota" }),
  "cpu-rt-period": intOption({ summary: "Limit CPU real-time period in microseconds" }),
  "cpu-rt-runtime": intOption({ summary: "Limit CPU real-time runtime in microseconds" }),
  "cpu-shares": intOption({ short: "c", summary: "CPU shares (relative weight)" }),
  cpus: cpusOption({ summary: "Number of CPUs" }),
  "cpuset-cpus": { type: "string", summary: "CPUs in which to allow execution (0-3, 0,1)" },
  "cpuset-mems": { type: "string", summary: "MEMs in which to allow execution (0-3, 0,1)" },
  "kernel-memory": {
    type: "refused",
    takesValue: true,
    summary: "the kernel no longer limits it; use --memory",
  },
  memory: bytesOption({ short: "m", summary: "Memory limit" }),
  "memory-reservation": bytesOption({ summary: "Memory soft limit" }),
  "memory-swap": bytesOption(
    { summary: "Swap limit equal to memory plus swap: '-1' to enable unlimited swap" },
    parseSwapBytes,
  ),
  "pids-limit": intOption({ summary: "Tune container pids limit (set -1 for unlimited)" }),
} as const;

const processOptions = {
  ...envOptions,
  attach: listOption({
    short: "a",
    summary: "Attach to STDIN, STDOUT or STDERR",
    completion: ["stderr", "stdin", "stdout"],
    parse: parseAttach,
  }),
  annotation: {
    type: "list",
    summary: "Add an annotation to the container (passed through to the OCI runtime)",
  },
  domainname: { type: "string", summary: "Container NIS domain name" },
  entrypoint: { type: "string", summary: "Overwrite the default ENTRYPOINT of the image" },
  hostname: { type: "string", short: "h", summary: "Container host name" },
  init: {
    type: "bool",
    summary: "Run an init inside the container that forwards signals and reaps processes",
  },
  interactive: { type: "bool", short: "i", summary: "Keep STDIN open even if not attached" },
  label: listOption({
    short: "l",
    summary: "Set meta data on a container",
    parse: parseLabel,
  }),
  "label-file": {
    type: "list",
    summary: "Read in a line delimited file of labels",
    completion: "file",
  },
  "no-healthcheck": {
    type: "bool",
    summary: "Disable any container-specified HEALTHCHECK",
  },
  restart: {
    type: "string",
    default: "no",
    summary: "Restart policy to apply when a container exits",
    completion: restartPolicies,
  },
  rm: {
    type: "bool",
    summary:
      "Automatically remove the container and its associated anonymous volumes when it exits",
  },
  "stop-signal": {
    type: "string",
    summary: "Signal to stop the container",
    completion: signalNames,
  },
  "stop-timeout": intOption({ summary: "Timeout (in seconds) to stop a container" }),
  tty: { type: "bool", short: "t", summary: "Allocate a pseudo-TTY" },
  user: {
    type: "string",
    short: "u",
    summary: "Username or UID (format: <name|uid>[:<group|gid>])",
  },
  workdir: { type: "string", short: "w", summary: "Working directory inside the container" },
} as const;

const healthOptions = {
  "health-cmd": { type: "string", summary: "Command to run to check health" },
  "health-interval": durationOption({
    summary: "Time between running the check (ms|s|m|h) (default 0s)",
  }),
  "health-retries": intOption({ summary: "Consecutive failures needed to report unhealthy" }),
  "health-start-interval": durationOption({
    summary: "Time between running the check during the start period (ms|s|m|h) (default 0s)",
  }),
  "health-start-period": durationOption({
    summary:
      "Start period for the container to initialize before starting health-retries countdown " +
      "(ms|s|m|h) (default 0s)",
  }),
  "health-timeout": durationOption({
    summary: "Maximum time to allow one check to run (ms|s|m|h) (default 0s)",
  }),
} as const;

const networkOptions = {
  "add-host": listOption({
    summary: "Add a custom host-to-IP mapping (host:ip)",
    parse: parseExtraHost,
  }),
  dns: listOption({ summary: "Set custom DNS servers", parse: parseAddress }),
  "dns-opt": { type: "alias", of: "dns-option", summary: "" },
  "dns-option": { type: "list", summary: "Set DNS options" },
  "dns-search": listOption({
    summary: "Set custom DNS search domains",
    parse: parseSearchDomain,
  }),
  expose: { type: "list", summary: "Expose a port or a range of ports" },
  ip: { type: "string", summary: "IPv4 address (e.g., 172.30.100.104)" },
  ip6: { type: "string", summary: "IPv6 address (e.g., 2001:db8::33)" },
  link: listOption({
    summary: "Add link to another container",
    completion: "container",
    parse: parseLink,
  }),
  "link-local-ip": { type: "list", summary: "Container IPv4/IPv6 link-local addresses" },
  "mac-address": { type: "string", summary: "Container MAC address (e.g., 92:d0:c6:0a:29:33)" },
  net: { type: "alias", of: "network", summary: "" },
  "net-alias": { type: "alias", of: "network-alias", summary: "" },
  network: listOption({
    valueName: "network",
    summary: "Connect a container to a network",
    completion: "network",
    parse: parseNetwork,
  }),
  "network-alias": { type: "list", summary: "Add network-scoped alias for the container" },
  publish: { type: "list", short: "p", summary: "Publish a container's port(s) to the host" },
  "publish-all": {
    type: "bool",
    short: "P",
    summary: "Publish all exposed ports to random ports",
  },
} as const;

const storageOptions = {
  "log-driver": {
    type: "string",
    summary: "Logging driver for the container",
    completion: ["json-file", "local", "none"],
  },
  "log-opt": { type: "list", summary: "Log driver options" },
  mount: listOption({
    valueName: "mount",
    summary: "Attach a filesystem mount to the container",
    parse: (text) => parseMount(text, host),
  }),
  "read-only": {
    type: "bool",
    summary: "Mount the container's root filesystem as read only",
  },
  "shm-size": bytesOption({ summary: "Size of /dev/shm" }),
  "storage-opt": {
    type: "refused",
    takesValue: true,
    summary: "a container's layer has no limit of its own",
  },
  tmpfs: { type: "list", summary: "Mount a tmpfs directory" },
  volume: { type: "list", short: "v", summary: "Bind mount a volume", completion: "volume" },
  "volume-driver": {
    type: "string",
    summary: "Optional volume driver for the container",
    completion: ["local"],
  },
  "volumes-from": {
    type: "list",
    summary: "Mount volumes from the specified container(s)",
    completion: "container",
  },
} as const;

const isolationOptions = {
  "cap-add": { type: "list", summary: "Add Linux capabilities", completion: capabilities },
  "cap-drop": { type: "list", summary: "Drop Linux capabilities", completion: capabilities },
  "cgroup-parent": { type: "string", summary: "Optional parent cgroup for the container" },
  cgroupns: {
    type: "string",
    summary: [
      "Cgroup namespace to use (host|private)",
      "'host':    Run the container in the host's cgroup namespace",
      "'private': Run the container in its own private cgroup namespace",
      "'':        Use the one that fits the host's cgroups (default)",
    ].join("\n"),
    completion: ["host", "private"],
  },
  "group-add": { type: "list", summary: "Add additional groups to join" },
  ipc: {
    type: "string",
    summary: "IPC mode to use",
    completion: ["host", "none", "private", "shareable"],
  },
  "oom-score-adj": intOption({ summary: "Tune host's OOM preferences (-1000 to 1000)" }),
  pid: { type: "string", summary: "PID namespace to use", completion: ["host"] },
  privileged: { type: "bool", summary: "Give extended privileges to this container" },
  runtime: { type: "string", summary: "Runtime to use for this container" },
  "security-opt": { type: "list", summary: "Security Options" },
  sysctl: listOption({ valueName: "map", summary: "Sysctl options", parse: parseSysctl }),
  userns: { type: "string", summary: "User namespace to use", completion: ["host"] },
  uts: { type: "string", summary: "UTS namespace to use", completion: ["host"] },
} as const;

const deviceOptions = {
  "blkio-weight-device": listOption({
    summary: "Block IO weight (relative device weight)",
    parse: parseDeviceWeight,
  }),
  device: {
    type: "list",
    summary: "Add a host device to the container",
    completion: "file",
  },
  "device-cgroup-rule": listOption({
    summary: "Add a rule to the cgroup allowed devices list",
    parse: parseDeviceRule,
  }),
  "device-read-bps": listOption({
    summary: "Limit read rate (bytes per second) from a device",
    parse: parseByteRate,
  }),
  "device-read-iops": listOption({
    summary: "Limit read rate (IO per second) from a device",
    parse: parseOperationRate,
  }),
  "device-write-bps": listOption({
    summary: "Limit write rate (bytes per second) to a device",
    parse: parseByteRate,
  }),
  "device-write-iops": listOption({
    summary: "Limit write rate (IO per second) to a device",
    parse: parseOperationRate,
  }),
  "memory-swappiness": intOption({
    initial: -1,
    summary: "Tune container memory swappiness (0 to 100)",
  }),
  "oom-kill-disable": { type: "bool", summary: "Disable OOM Killer" },
  ulimit: listOption({ valueName: "ulimit", summary: "Ulimit options", parse: parseUlimit }),
} as const;

const windowsOnly = {
  type: "refused",
  takesValue: true,
  summary: "it is for Windows only",
} as const;

const refusedOptions = {
  "cpu-count": windowsOnly,
  "cpu-percent": windowsOnly,
  gpus: {
    type: "refused",
    takesValue: true,
    summary: "pass the GPU's device files with --device",
  },
  "io-maxbandwidth": windowsOnly,
  "io-maxiops": windowsOnly,
  isolation: { ...windowsOnly, harmless: ["", "default"] },
  "use-api-socket": {
    type: "refused",
    takesValue: false,
    harmless: ["false"],
    summary: "there is no daemon whose socket could be passed",
  },
} as const;

/** Every option of `create` and `run` that says what the container is. */
export const containerOptions = {
  ...processOptions,
  ...healthOptions,
  ...networkOptions,
  ...storageOptions,
  ...isolationOptions,
  ...deviceOptions,
  ...resourceOptions,
  ...refusedOptions,
  cidfile: {
    type: "string",
    summary: "Write the container ID to the file",
    completion: "file",
  },
} as const;

/** What `create` and `run` do, besides. */
export const creationOptions = {
  ...containerOptions,
  "disable-content-trust": {
    type: "refused",
    takesValue: false,
    harmless: ["true"],
    summary: "images are not signed here",
  },
  name: { type: "string", summary: "Assign a name to the container" },
  platform: {
    type: "string",
    summary: "Set platform if the image has several",
  },
  pull: {
    type: "string",
    default: "missing",
    summary: 'What to do about an image that is not there ("missing", "never")',
    completion: ["missing", "never"],
  },
  quiet: { type: "bool", short: "q", summary: "Say nothing of a missing image but the error" },
} as const satisfies Readonly<Record<string, ParsedOption | object>>;
