// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../../base/errors.ts";
import { goQuote } from "../../spec/go-quote.ts";

/** What `--security-opt` says. */
export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  /** `unconfined`, `builtin`, or a profile's JSON; undefined: the default profile. */
  readonly seccomp?: string | undefined;
  /** A profile's name or `unconfined`. */
  readonly apparmor?: string | undefined;
  /** Undefined: as `--privileged` has it. */
  readonly writableCgroups?: boolean | undefined;
}

/**
 * Reads `HostConfig.SecurityOpt` (`parseSecurityOpt` of moby).
 *
 * @param machine.hasApparmor whether the kernel can keep an AppArmor profile
 * @throws LadeError CONTAINER_INVALID; UNSUPPORTED for what this kernel can't keep
 */
export function readSecurityOptions(
  options: readonly string[],
  machine: { readonly hasApparmor: boolean },
): SecurityOptions {
  let read: SecurityOptions = { noNewPrivileges: false };
  for (const option of options) read = { ...read, ...readOption(option, machine) };
  return read;
}

function readOption(
  option: string,
  machine: { readonly hasApparmor: boolean },
): Partial<SecurityOptions> {
  if (option === "no-new-privileges") return { noNewPrivileges: true };
  if (option === "writable-cgroups") return { writableCgroups: true };
  if (option === "disable") return {};
  const [, name, value] = /^([^=:]*)[=:](.*)$/s.exec(option) ?? [];
  if (name === undefined || value === undefined) throw invalid(1, option);
  switch (name) {
    case "label":
      return readLabel(value);
    case "apparmor":
      return readApparmor(value, machine.hasApparmor);
    case "seccomp":
      return { seccomp: value };
    case "no-new-privileges":
      return { noNewPrivileges: readBoolean(value, option) };
    case "writable-cgroups":
      return { writableCgroups: readBoolean(value, option) };
    default:
      throw invalid(2, option);
  }
}

function readLabel(value: string): Partial<SecurityOptions> {
  if (value === "disable") return {};
  throw new LadeError("UNSUPPORTED", `--security-opt label=${value}: SELinux is not supported`, {
    hint: "Leave the option away, or use label=disable.",
  });
}

function readApparmor(value: string, hasApparmor: boolean): Partial<SecurityOptions> {
  // Docker's own profile has to be loaded by its daemon first.
  if (value === "unconfined" || (hasApparmor && value !== "docker-default")) {
    return { apparmor: value };
  }
  const why = hasApparmor ? "there is no such profile" : "this kernel has no AppArmor";
  throw new LadeError("UNSUPPORTED", `--security-opt apparmor=${value}: ${why}`, {
    hint: "Leave the option away, or use apparmor=unconfined.",
  });
}

// strconv.ParseBool of Go.
const booleans: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(["1", "t", "T", "TRUE", "true", "True"].map((text) => [text, true])),
  ...Object.fromEntries(["0", "f", "F", "FALSE", "false", "False"].map((text) => [text, false])),
};

function readBoolean(value: string, option: string): boolean {
  const read = Object.hasOwn(booleans, value) ? booleans[value] : undefined;
  if (read === undefined) throw invalid(2, option);
  return read;
}

/** Docker tells the two cases apart by a number. */
function invalid(which: 1 | 2, option: string): LadeError {
  return new LadeError("CONTAINER_INVALID", `invalid --security-opt ${which}: ${goQuote(option)}`);
}
