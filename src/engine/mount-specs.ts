// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { LadeError } from "../base/errors.ts";
import type { ContainerMount } from "../content/containers.ts";
import type { Mount } from "../spec/container.ts";
import { cleanPath } from "./clean-path.ts";
import { containerInvalid } from "./container-errors.ts";

/**
 * `-v` and `--mount` as Docker's daemon reads them (daemon/volume/mounts/linux_parser.go of moby).
 */

/** A mount that was asked for; a volume of it may still have to be made. */
export interface WantedMount {
  readonly mount: ContainerMount;
  /** Put what the image has there into the volume, when it is empty. */
  readonly copiesImage: boolean;
  readonly volumeLabels?: Readonly<Record<string, string>> | undefined;
  readonly volumeOptions?: Readonly<Record<string, string>> | undefined;
}

const modeGroups: readonly (readonly string[])[] = [
  ["rw", "ro"],
  ["z", "Z"],
  ["private", "rprivate", "slave", "rslave", "shared", "rshared"],
  ["nocopy"],
  ["consistent", "cached", "delegated"],
];
const propagations: readonly string[] = modeGroups[2] ?? [];

/** Words of each kind at most once. */
function isMode(mode: string): boolean {
  if (mode === "") return true;
  const words = mode.split(",");
  const counts = modeGroups.map((group) => words.filter((word) => group.includes(word)).length);
  return counts.every((count) => count <= 1) && counts.reduce((a, b) => a + b, 0) === words.length;
}

function propagationOf(mode: string): string | undefined {
  return mode.split(",").find((word) => propagations.includes(word));
}

function specInvalid(spec: string): LadeError {
  return containerInvalid(`invalid volume specification: '${spec}'`);
}

/** One of `HostConfig.Binds`: `SOURCE:TARGET[:MODE]`. */
export function parseBind(spec: string, volumeDriver: string): WantedMount {
  const parts = spec.split(":");
  const [source = "", target = "", mode = ""] = parts;
  if (source === "" || parts.length > 3) throw specInvalid(spec);
  if (parts.length === 2 && isMode(target)) throw specInvalid(spec);
  if (!isMode(mode)) throw containerInvalid(`invalid mode: ${mode}`);
  const isAnonymous = parts.length === 1;
  const type = source.startsWith("/") && !isAnonymous ? "bind" : "volume";
  const propagation = propagationOf(mode);
  const wanted: Mount = {
    Type: type,
    ...(!isAnonymous && { Source: source }),
    Target: isAnonymous ? source : target,
    ReadOnly: mode.split(",").includes("ro"),
    ...(type === "volume" && {
      VolumeOptions: {
        NoCopy: mode.split(",").includes("nocopy"),
        ...(volumeDriver !== "" && { DriverConfig: { Name: volumeDriver } }),
      },
    }),
    ...(propagation !== undefined && { BindOptions: { Propagation: propagation } }),
  };
  try {
    const parsed = readMount(wanted, { makesSource: true });
    return { ...parsed, mount: { ...parsed.mount, Mode: mode } };
  } catch (error) {
    if (error instanceof LadeError && error.code === "CONTAINER_INVALID") {
      throw containerInvalid(`${specInvalid(spec).message}: ${error.message}`);
    }
    throw error;
  }
}

/** One of `HostConfig.Mounts`. */
export function parseMount(wanted: Mount): WantedMount {
  return readMount(wanted, { makesSource: wanted.BindOptions?.CreateMountpoint === true });
}

function readMount(wanted: Mount, options: { readonly makesSource: boolean }): WantedMount {
  const fault = findFault(wanted, options);
  if (fault !== undefined) {
    throw containerInvalid(`invalid mount config for type "${wanted.Type}": ${fault}`);
  }
  const common = {
    Type: wanted.Type,
    Source: "",
    Destination: cleanPath(wanted.Target),
    Mode: "",
    RW: wanted.ReadOnly !== true,
    Propagation: "",
  };
  switch (wanted.Type) {
    case "bind":
      return { mount: { ...common, ...bindParts(wanted, options) }, copiesImage: false };
    case "tmpfs": {
      const { SizeBytes: size, Mode: mode } = wanted.TmpfsOptions ?? {};
      const tmpfs = { ...(size !== undefined && { size }), ...(mode !== undefined && { mode }) };
      return { mount: { ...common, tmpfs }, copiesImage: false };
    }
    case "volume":
      return volumeParts(wanted, common);
  }
}

function bindParts(
  wanted: Mount,
  options: { readonly makesSource: boolean },
): Partial<ContainerMount> {
  const { Propagation: propagation, NonRecursive: isNonRecursive } = wanted.BindOptions ?? {};
  return {
    Source: cleanPath(wanted.Source ?? ""),
    Propagation: propagation || "rprivate",
    ...(options.makesSource && { makeSource: true }),
    ...(isNonRecursive === true && { isNonRecursive: true }),
  };
}

function volumeParts(wanted: Mount, common: ContainerMount): WantedMount {
  const { NoCopy: isCopyOff, Labels, Subpath: subpath, DriverConfig } = wanted.VolumeOptions ?? {};
  const { Source: name = "" } = wanted;
  const mount: ContainerMount = {
    ...common,
    ...(name === "" ? { isAnonymous: true } : { Name: name }),
    Driver: DriverConfig?.Name || "local",
    ...(subpath && { subpath }),
  };
  return {
    mount,
    copiesImage: isCopyOff !== true,
    volumeLabels: Labels,
    volumeOptions: DriverConfig?.Options,
  };
}

/** What is wrong with a mount, in Docker's words. */
function findFault(wanted: Mount, options: { readonly makesSource: boolean }): string | undefined {
  const { Type: type, Target: target, Source: source = "" } = wanted;
  if (type !== "bind" && wanted.BindOptions !== undefined) return extraField("BindOptions");
  if (type !== "volume" && wanted.VolumeOptions !== undefined) return extraField("VolumeOptions");
  if (type !== "tmpfs" && wanted.TmpfsOptions !== undefined) return extraField("TmpfsOptions");
  if (!target) return "field Target must not be empty";
  const targetFault = findTargetFault(target);
  if (targetFault !== undefined) return targetFault;
  switch (type) {
    case "bind":
      return findBindFault(wanted, options);
    case "volume":
      return findSubpathFault(wanted);
    case "tmpfs":
      return source === "" ? undefined : extraField("Source");
    default:
      return "mount type unknown";
  }
}

function extraField(name: string): string {
  return `field ${name} must not be specified`;
}

function findTargetFault(target: string): string | undefined {
  if (cleanPath(target) === "/") return "invalid specification: destination can't be '/'";
  if (target.includes("\0")) return "a path can't have a NUL";
  return target.startsWith("/")
    ? undefined
    : `invalid mount path: '${target}' mount path must be absolute`;
}

function findBindFault(
  wanted: Mount,
  options: { readonly makesSource: boolean },
): string | undefined {
  const { Source: source = "" } = wanted;
  if (source === "") return "field Source must not be empty";
  const propagation = wanted.BindOptions?.Propagation ?? "";
  if (propagation !== "" && !propagations.includes(propagation)) {
    return `invalid propagation mode: ${propagation}`;
  }
  if (!source.startsWith("/")) {
    return `invalid mount path: '${source}' mount path must be absolute`;
  }
  if (source.includes("\0")) return "a path can't have a NUL";
  const isMissing = !options.makesSource && !fs.existsSync(source);
  return isMissing ? `bind source path does not exist: ${source}` : undefined;
}

function findSubpathFault(wanted: Mount): string | undefined {
  const subpath = wanted.VolumeOptions?.Subpath ?? "";
  if (subpath === "") return undefined;
  if (!wanted.Source) return "must not set Subpath when using anonymous volumes";
  return !subpath.startsWith("/") && !subpath.split("/").includes("..")
    ? undefined
    : "subpath must be a relative path within the volume";
}

/** One of `HostConfig.VolumesFrom`: `CONTAINER[:MODE]`. */
export function parseVolumesFrom(spec: string): { container: string; isReadOnly: boolean } {
  if (spec === "") {
    throw containerInvalid("volumes-from specification cannot be an empty string");
  }
  const colon = spec.indexOf(":");
  const container = colon < 0 ? spec : spec.slice(0, colon);
  const mode = colon < 0 ? "" : spec.slice(colon + 1);
  const isUsable = isMode(mode) && propagationOf(mode) === undefined && !mode.includes("nocopy");
  if (!isUsable) throw containerInvalid(`invalid mode: ${mode}`);
  return { container, isReadOnly: mode.split(",").includes("ro") };
}

/** @throws LadeError CONTAINER_INVALID */
export function checkTmpfsTarget(target: string): void {
  const fault = findTargetFault(target);
  if (fault !== undefined) throw containerInvalid(fault);
}
