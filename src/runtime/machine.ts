// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { kernelVersion } from "../sys/kernel.ts";
import { cgroupMode, usesSystemdCgroups } from "./cgroup.ts";
import { knownCapabilities } from "./spec/capabilities.ts";
import type { Machine } from "./spec/input.ts";

// Go's names, which seccomp profiles and platforms use.
const architectures: Readonly<Record<string, string>> = {
  x64: "amd64",
  ia32: "386",
  mipsel: "mips64le",
  ppc64: "ppc64le",
};

let machine: Machine | undefined;

/** What this machine and this process have, read once. */
export function readMachine(): Machine {
  machine ??= read();
  return machine;
}

function read(): Machine {
  const status = fs.readFileSync("/proc/self/status", "latin1");
  const kernel = kernelVersion();
  return {
    capabilities: decodeCapabilities(field(status, "CapEff"), field(status, "CapBnd")),
    architecture: architectures[process.arch] ?? process.arch,
    kernel,
    isUnifiedCgroup: cgroupMode() === "unified",
    usesSystemd: usesSystemdCgroups(),
    hasSeccomp: /^Seccomp:/m.test(status),
    hasApparmor: fs.existsSync("/sys/kernel/security/apparmor"),
    oomScore: Number(fs.readFileSync("/proc/self/oom_score_adj", "latin1")),
    hasSysctl: (name) => fs.existsSync(`/proc/sys/${name.replaceAll(".", "/")}`),
  };
}

function field(status: string, name: string): bigint {
  const [, hex = "0"] = new RegExp(`^${name}:\\s*([0-9a-f]+)`, "m").exec(status) ?? [];
  return BigInt(`0x${hex}`);
}

/** Only what is in both sets can be given to a container. */
function decodeCapabilities(effective: bigint, bounding: bigint): readonly string[] {
  const both = effective & bounding;
  return knownCapabilities.filter((_, bit) => ((both >> BigInt(bit)) & 1n) === 1n);
}
