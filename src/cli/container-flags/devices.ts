// SPDX-License-Identifier: Apache-2.0

import { posix } from "node:path";
import type { DeviceMapping } from "../../spec/container.ts";
import { InvalidValue } from "../invalid-value.ts";

const qualifiedName = /^[A-Za-z][\w.-]*\/[A-Za-z][\w-]*=[\w.:-]+$/;

/** `--device PATH[:PATH][:MODE]`. */
export function parseDevice(text: string): DeviceMapping {
  if (qualifiedName.test(text)) {
    throw new InvalidValue(`--device ${text}: devices of the CDI are not supported`);
  }
  const parts = text.split(":");
  const [source = "", second] = parts;
  if (parts.length > 3 || source === "") throw new InvalidValue(`bad format for path: ${text}`);
  if (parts.length === 3) return mappingOfThree(parts as [string, string, string]);
  const isMode = second !== undefined && isDeviceMode(second);
  const target = second === undefined || isMode ? source : second;
  checkAbsolute(target);
  const clean = posix.normalize(target).replace(/(.)\/$/, "$1");
  return {
    PathOnHost: second === undefined || isMode ? clean : source,
    PathInContainer: clean,
    CgroupPermissions: isMode ? second : "rwm",
  };
}

function mappingOfThree([source, target, mode]: [string, string, string]): DeviceMapping {
  if (!isDeviceMode(mode)) throw new InvalidValue(`bad mode specified: ${mode}`);
  checkAbsolute(target);
  // Docker takes a target that reads as a mode for one, which has to be absolute and can't be.
  return { PathOnHost: source, PathInContainer: target, CgroupPermissions: mode };
}

function checkAbsolute(path: string): void {
  if (!path.startsWith("/")) throw new InvalidValue(`${path} is not an absolute path`);
}

/** Some of `rwm`, each once. */
function isDeviceMode(text: string): boolean {
  return /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length;
}

/** `--device-cgroup-rule "TYPE MAJOR:MINOR MODE"`. */
export function parseDeviceRule(text: string): string {
  if (/^[acb] (?:\d+|\*):(?:\d+|\*) [rwm]{1,3}$/.test(text)) return text;
  throw new InvalidValue(`invalid device cgroup format '${text}'`);
}
