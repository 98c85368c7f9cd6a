// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../../base/errors.ts";
import { goQuote } from "../../spec/go-quote.ts";
import type { SpecInput, SpecMount } from "./input.ts";
import type { OciMount } from "./oci-spec.ts";

/** What every container has mounted (moby, daemon/pkg/oci/defaults.go). */
const defaultMounts: readonly OciMount[] = [
  mount("/proc", "proc", "proc", "nosuid,noexec,nodev"),
  mount("/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"),
  mount("/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"),
  mount("/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro"),
  mount("/sys/fs/cgroup", "cgroup", "cgroup", "ro,nosuid,noexec,nodev"),
  mount("/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"),
  mount("/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777"),
];

function mount(destination: string, type: string, source: string, options: string): OciMount {
  return { destination, type, source, options: options.split(",") };
}

/** Where `--init` puts its program. */
export const initDestination = "/sbin/docker-init";
const defaultShmSize = 64 * 1024 * 1024;
const staysWritable = new Set(["/proc", "/dev/pts", "/dev/shm", "/dev/mqueue", "/dev"]);

export interface BuiltMounts {
  readonly mounts: readonly OciMount[];
  /** Undefined: the runtime's default, private. */
  readonly rootfsPropagation?: string | undefined;
}

/**
 * All mounts of a container in the order in which they are made.
 *
 * @param options.writableCgroups undefined: as `--privileged` has it
 * @throws LadeError CONTAINER_INVALID for options of a tmpfs
 */
export function buildMounts(
  input: SpecInput,
  options: { readonly writableCgroups: boolean | undefined },
): BuiltMounts {
  const { host } = input;
  const isPrivileged = host.Privileged === true;
  const own = sortMounts([...fileMounts(input), ...shmMount(input), ...input.mounts]);
  const targets = new Set(own.map(({ destination }) => destination));
  const isOverridden = ({ destination }: OciMount) =>
    targets.has(destination) || (targets.has("/dev") && destination.startsWith("/dev/"));
  const base = defaultMounts
    .filter((item) => !isOverridden(item))
    .filter((item) => item.destination !== "/dev/shm" || host.IpcMode !== "none")
    .map((item) => withShmSize(item, host.ShmSize || defaultShmSize))
    .map((item) => (host.ReadonlyRootfs === true ? readOnlyDefault(item) : item))
    .map((item) => (isWritable(item) ? withoutReadOnly(item) : item));
  function isWritable({ destination }: OciMount): boolean {
    if (destination === "/sys") return isPrivileged;
    return destination === "/sys/fs/cgroup" && (options.writableCgroups ?? isPrivileged);
  }
  return {
    mounts: [...base, ...initMount(input.init), ...own.map((item) => ownMount(item, input))],
    rootfsPropagation: rootPropagation(own),
  };
}

/** Parents before what lies in them; `/etc/hosts` and its like last among equals. */
function sortMounts(mounts: readonly SpecMount[]): readonly SpecMount[] {
  const depth = ({ destination }: SpecMount) => destination.split("/").filter(Boolean).length;
  // A mount of the user's own on one of the files takes its place.
  const byTarget = new Map(mounts.map((item) => [item.destination, item]));
  return [...byTarget.values()].sort((a, b) => depth(a) - depth(b));
}

function fileMounts({ files, host }: SpecInput): readonly SpecMount[] {
  const places: readonly (readonly [string, string | undefined])[] = [
    ["/etc/resolv.conf", files.resolvConf],
    ["/etc/hostname", files.hostname],
    ["/etc/hosts", files.hosts],
  ];
  const isReadOnly = host.ReadonlyRootfs === true;
  return places.flatMap(([destination, source]) =>
    source === undefined ? [] : [{ ...ownBind(source, destination), isReadOnly }],
  );
}

function shmMount({ shm }: SpecInput): readonly SpecMount[] {
  return shm === undefined ? [] : [ownBind(shm, "/dev/shm")];
}

function ownBind(source: string, destination: string): SpecMount {
  return { type: "bind", source, destination, propagation: "rprivate" };
}

function withShmSize(item: OciMount, size: number): OciMount {
  if (item.destination !== "/dev/shm") return item;
  return { ...item, options: [...item.options, `size=${size}`] };
}

function readOnlyDefault(item: OciMount): OciMount {
  if (staysWritable.has(item.destination) || item.options.includes("ro")) return item;
  return { ...item, options: [...item.options, "ro"] };
}

function withoutReadOnly(item: OciMount): OciMount {
  return { ...item, options: item.options.filter((option) => option !== "ro") };
}

function initMount(init: string | undefined): readonly OciMount[] {
  return init === undefined ? [] : [mount(initDestination, "bind", init, "bind,ro")];
}

function ownMount(item: SpecMount, { machine }: SpecInput): OciMount {
  const { destination } = item;
  if (item.type === "tmpfs") {
    const given = item.options ? item.options.split(",") : [];
    const readOnly = item.isReadOnly === true ? ["ro"] : [];
    const options = mergeTmpfsOptions([
      ...["noexec", "nosuid", "nodev", "rprivate"],
      ...given,
      ...readOnly,
    ]);
    return { destination, type: "tmpfs", source: "tmpfs", options };
  }
  return {
    destination,
    type: "bind",
    source: item.source,
    options: [
      item.isNonRecursive === true ? "bind" : "rbind",
      ...(item.isReadOnly === true ? [readOnlyOption(item, machine.kernel)] : []),
      ...(item.propagation ? [item.propagation] : []),
    ],
  };
}

/** A read-only bind makes what is mounted below it read-only, too, where the kernel can. */
function readOnlyOption(item: SpecMount, kernel: { major: number; minor: number }): string {
  const isRecursive = kernel.major > 5 || (kernel.major === 5 && kernel.minor >= 12);
  return isRecursive && item.isNonRecursive !== true ? "rro" : "ro";
}

/** Shared mounts in the container need a root that is shared, slaves one that is at least slave. */
function rootPropagation(mounts: readonly SpecMount[]): string | undefined {
  const kinds = mounts.map(({ propagation = "" }) => propagation.replace(/^r/, ""));
  if (kinds.includes("shared")) return "shared";
  return kinds.includes("slave") ? "rslave" : undefined;
}

// Options that undo each other; each name is one of its kind.
const flagKinds: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ["ro", "rw"],
    ["suid", "nosuid"],
    ["dev", "nodev"],
    ["exec", "noexec"],
    ["sync", "async"],
    ["dirsync"],
    ["remount"],
    ["mand", "nomand"],
    ["atime", "noatime"],
    ["diratime", "nodiratime"],
    ["relatime", "norelatime"],
    ["strictatime", "nostrictatime"],
    [
      ...["bind", "rbind", "unbindable", "runbindable", "private", "rprivate", "shared"],
      ...["rshared", "slave", "rslave"],
    ],
  ].flatMap((names) => names.map((name) => [name, names[0] ?? name])),
);
const valueNames = new Set(["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"]);

/**
 * Of options that undo each other the last one stays (`MergeTmpfsOptions` of
 * github.com/moby/sys/mount).
 *
 * @throws LadeError CONTAINER_INVALID
 */
export function mergeTmpfsOptions(options: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  const kept: string[] = [];
  for (const option of options.toReversed()) {
    if (option === "defaults") continue;
    const kind = kindOf(option);
    if (seen.has(kind)) continue;
    seen.add(kind);
    kept.push(option);
  }
  return kept.reverse();
}

function kindOf(option: string): string {
  const flag = Object.hasOwn(flagKinds, option) ? flagKinds[option] : undefined;
  if (flag !== undefined) return flag;
  const [name = "", value] = option.split("=", 2);
  if (value === undefined || !valueNames.has(name)) {
    throw new LadeError("CONTAINER_INVALID", `invalid tmpfs option ${goQuote(name)}`);
  }
  return `${name}=`;
}
