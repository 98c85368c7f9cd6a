// SPDX-License-Identifier: Apache-2.0

import { findProgram } from "../tools.ts";
import { runProgram } from "./netavark.ts";

const isolation = "NETAVARK_ISOLATION_1";

/**
 * Has the rules that keep networks apart count again.
 *
 * netavark 1.4 takes the jump to them away with any network that goes, though others still need it.
 * Newer ones don't, and those with nftables have no such chain.
 *
 * @param lock descriptor of the network lock
 */
export async function keepNetworksApart(lock: number): Promise<void> {
  for (const name of ["iptables", "ip6tables"]) {
    const program = findProgram(name);
    if (program === undefined) continue;
    const run = (...args: string[]) =>
      runProgram(program, ["--wait", ...args], { inherited: lock });
    const rules = await run("-S", isolation);
    if (!rules.stdout.includes(`-A ${isolation}`)) continue;
    const jump = await run("-C", "FORWARD", "-j", isolation);
    if (jump.code !== 0) await run("-I", "FORWARD", "1", "-j", isolation);
  }
}
