// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../../base/errors.ts";
import { goQuote } from "../../spec/go-quote.ts";

/** All capabilities in the order of their numbers (<linux/capability.h>). */
export const knownCapabilities: readonly string[] = (
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE " +
  "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO " +
  "SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME " +
  "SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG " +
  "WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
)
  .split(" ")
  .map((name) => `CAP_${name}`);

/** What a container has unless it is said otherwise (moby, daemon/pkg/oci/caps/defaults.go). */
export const defaultCapabilities: readonly string[] = (
  "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP " +
  "NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE"
)
  .split(" ")
  .map((name) => `CAP_${name}`);

export interface CapabilityWishes {
  readonly add: readonly string[];
  readonly drop: readonly string[];
  readonly isPrivileged: boolean;
}

/**
 * The capabilities of a container.
 *
 * @param available what this process may give away; of the default ones, others are left out
 * @throws LadeError CONTAINER_INVALID in Docker's words
 */
export function chooseCapabilities(
  wishes: CapabilityWishes,
  available: readonly string[],
): readonly string[] {
  const add = normalizeCapabilities(wishes.add, available);
  const drop = new Set(normalizeCapabilities(wishes.drop, available));
  if (wishes.isPrivileged) return available;
  if (add.includes("ALL")) return available.filter((name) => !drop.has(name));
  if (drop.has("ALL")) return [...new Set(add)];
  const kept = defaultCapabilities.filter((name) => !drop.has(name) && available.includes(name));
  return [...new Set([...kept, ...add])];
}

/**
 * Names with their prefix in upper case; `ALL` stays.
 *
 * @throws LadeError CONTAINER_INVALID
 */
export function normalizeCapabilities(
  names: readonly string[],
  available: readonly string[],
): readonly string[] {
  return names.map((name) => {
    const upper = name.toUpperCase();
    if (upper === "ALL") return upper;
    const full = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    if (!knownCapabilities.includes(full)) {
      throw new LadeError("CONTAINER_INVALID", `unknown capability: ${goQuote(full)}`);
    }
    if (!available.includes(full)) {
      throw new LadeError(
        "CONTAINER_INVALID",
        "capability not supported by your kernel or not available in the current environment: " +
          goQuote(full),
      );
    }
    return full;
  });
}
