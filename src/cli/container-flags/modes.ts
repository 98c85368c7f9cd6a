// SPDX-License-Identifier: Apache-2.0

import type { RestartPolicy } from "../../spec/container.ts";
import { parseInteger } from "../go-numbers.ts";
import { InvalidValue } from "../invalid-value.ts";
import { cut } from "./key-values.ts";

export interface NamespaceModes {
  readonly pid: string;
  readonly uts: string;
  readonly userns: string;
  readonly cgroupns: string;
}

/** Checks what Docker's client checks; the others of `--ipc` are the engine's to judge. */
export function checkModes({ pid, uts, userns, cgroupns }: NamespaceModes): void {
  const isHost = (mode: string) => mode === "" || mode === "host";
  if (!isHost(pid) && !/^container:./s.test(pid)) {
    throw new InvalidValue("--pid: invalid PID mode");
  }
  if (!isHost(uts)) throw new InvalidValue("--uts: invalid UTS mode");
  if (!isHost(userns)) throw new InvalidValue("--userns: invalid USER mode");
  if (!isHost(cgroupns) && cgroupns !== "private") {
    throw new InvalidValue("--cgroupns: invalid CGROUP mode");
  }
}

/** `--restart POLICY[:COUNT]`; which policies there are is for the engine to say. */
export function parseRestartPolicy(text: string): RestartPolicy {
  if (text === "") return {};
  const [Name, count] = cut(text, ":");
  if (count !== undefined && Name === "") {
    throw new InvalidValue("invalid restart policy format: no policy provided before colon");
  }
  if (count === undefined || count === "") return { Name };
  try {
    return { Name, MaximumRetryCount: parseInteger(count, { bits: 64, isDecimal: true }) };
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw new InvalidValue("invalid restart policy format: maximum retry count must be an integer");
  }
}

/** Whether the policy restarts nothing. */
export function isNoRestart({ Name = "" }: RestartPolicy): boolean {
  return Name === "" || Name === "no";
}
