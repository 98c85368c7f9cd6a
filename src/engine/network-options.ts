// SPDX-License-Identifier: Apache-2.0

/** `network create --opt`: Docker's options of the bridge driver. */

import { LadeError } from "../base/errors.ts";
import { parseIpAddress } from "../spec/ip-address.ts";

type Check = (value: string) => boolean;

const isNumber: Check = (value) => /^\d{2,5}$/.test(value) && Number(value) >= 68;
const isInterface: Check = (value) => /^[A-Za-z0-9_.-]{1,15}$/.test(value) && !/^\.+$/.test(value);
const isPrefix: Check = (value) => /^[A-Za-z][A-Za-z0-9_-]{0,11}$/.test(value);
const isBoolean: Check = (value) => booleans.has(value);
const isIpv4: Check = (value) => parseIpAddress(value)?.family === 4;

/** Go's `strconv.ParseBool`. */
const booleans: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((word) => [word, true] as const),
  ...["0", "f", "F", "false", "FALSE", "False"].map((word) => [word, false] as const),
]);

const checks: Readonly<Record<string, Check>> = {
  "com.docker.network.bridge.name": isInterface,
  "com.docker.network.bridge.host_binding_ipv4": isIpv4,
  "com.docker.network.bridge.enable_icc": isBoolean,
  "com.docker.network.bridge.enable_ip_masquerade": isBoolean,
  "com.docker.network.bridge.default_bridge": isBoolean,
  "com.docker.network.container_iface_prefix": isPrefix,
  "com.docker.network.driver.mtu": isNumber,
  "com.docker.network.enable_ipv4": isBoolean,
  "com.docker.network.enable_ipv6": isBoolean,
};

/** What lade's bridges always are; the other value can't be had. */
const fixed: Readonly<Record<string, boolean>> = {
  "com.docker.network.bridge.enable_icc": true,
  "com.docker.network.bridge.enable_ip_masquerade": true,
  "com.docker.network.bridge.default_bridge": false,
  "com.docker.network.enable_ipv4": true,
};

/**
 * Checks the options of a new network.
 *
 * @throws LadeError CONTAINER_INVALID for a value, UNSUPPORTED for an option that lade does not have
 */
export function checkNetworkOptions(options: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) {
      throw new LadeError("UNSUPPORTED", `network option ${name} is not supported`, {
        hint: `lade knows ${Object.keys(checks).join(", ")}.`,
      });
    }
    if (!check(value)) {
      throw new LadeError("CONTAINER_INVALID", `failed to parse ${name} value: ${value}`);
    }
    const only = fixed[name];
    if (only !== undefined && booleans.get(value) !== only) {
      throw new LadeError("UNSUPPORTED", `network option ${name}=${value} is not supported`, {
        hint: `Leave it out: it is always ${only}.`,
      });
    }
  }
}

/** `com.docker.network.enable_ipv6`, which some write instead of `--ipv6`. */
export function wantsIpv6(options: Readonly<Record<string, string>>): boolean {
  return booleans.get(options["com.docker.network.enable_ipv6"] ?? "") === true;
}
