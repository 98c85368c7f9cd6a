// SPDX-License-Identifier: Apache-2.0

/**
 * Taking away rules that netavark made with iptables.
 *
 * netavark takes them away one by one, with some forty programs for a network; here one program
 * reads all rules and one changes them, all at once.
 */

import { createHash } from "node:crypto";
import { LadeError } from "../../base/errors.ts";
import { findProgram } from "../tools.ts";
import { type Plug, runProgram } from "./netavark.ts";

export interface RuleScope {
  readonly plug: Plug;
  /** Whether the network goes as a whole, not only the ports of one container. */
  readonly isWhole: boolean;
  /** Descriptor of the network lock. */
  readonly lock: number;
}

/**
 * Removes the rules of a network, or those of a container's ports.
 *
 * @returns false where netavark keeps its rules elsewhere: with nftables it removes them itself
 * @throws LadeError NETWORK_FAILED
 */
export async function removeRules(scope: RuleScope): Promise<boolean> {
  const families = scope.plug.addresses.some((address) => address.includes(":"))
    ? ["iptables", "ip6tables"]
    : ["iptables"];
  for (const program of families) {
    if (!(await removeFamily(program, scope))) return false;
  }
  return true;
}

async function removeFamily(name: string, scope: RuleScope): Promise<boolean> {
  const [save, restore] = [findProgram(`${name}-save`), findProgram(`${name}-restore`)];
  if (save === undefined || restore === undefined) return false;
  const inherited = scope.lock;
  const saved = await runProgram(save, [], { inherited });
  if (saved.code !== 0) return false;
  const input = rulesToRemove(saved.stdout, scope);
  if (input === undefined) return false;
  if (input === "") return true;
  const result = await runProgram(restore, ["--noflush", "--wait"], { input, inherited });
  if (result.code === 0) return true;
  throw new LadeError("NETWORK_FAILED", `${restore}: ${result.stderr.trim()}`);
}

/** How netavark names a network in its chains. */
function chainsOf(networkId: string): { readonly nat: string; readonly ports: string } {
  const hash = createHash("sha512").update(networkId).digest("hex").toUpperCase().slice(0, 13);
  return { nat: `NETAVARK-${hash}`, ports: `NETAVARK-DN-${hash}` };
}

/**
 * What `iptables-restore` has to read so that the rules go.
 *
 * @param saved as `iptables-save` writes it
 * @returns undefined where none of the network's chains is there
 */
export function rulesToRemove(
  saved: string,
  { plug, isWhole }: Pick<RuleScope, "plug" | "isWhole">,
): string | undefined {
  const chains = chainsOf(plug.networkId);
  if (!saved.includes(`:${chains.nat} `)) return undefined;
  const test = isWhole ? ofNetwork(plug, chains) : ofPorts(plug, chains);
  const lines: string[] = [];
  for (const table of saved.split(/^(?=\*)/m)) {
    const found = table.split("\n").filter((line) => line.startsWith("-A ") && test(words(line)));
    const deletions = found.map((line) => line.replace("-A", "-D"));
    const whole = isWhole ? [chains.nat, chains.ports] : [];
    for (const chain of whole.filter((one) => table.includes(`\n:${one} `))) {
      deletions.push(`-F ${chain}`, `-X ${chain}`);
    }
    const name = /^\*\S+/.exec(table)?.[0];
    if (name !== undefined && deletions.length > 0) lines.push(name, ...deletions, "COMMIT", "");
  }
  return lines.join("\n");
}

function words(rule: string): readonly string[] {
  return rule.match(/"(?:\\.|[^"\\])*"|\S+/g) ?? [];
}

type RuleTest = (rule: readonly string[]) => boolean;
type Chains = ReturnType<typeof chainsOf>;

/** Rules of other chains that lead to the network's own, or name its bridge or subnet. */
function ofNetwork(plug: Plug, chains: Chains): RuleTest {
  const subnets = plug.subnets.map((pool) => pool.subnet);
  return ([, chain = "", ...rest]) => {
    if (chain === chains.nat || chain === chains.ports) return false;
    if (rest.includes(chains.nat) || rest.includes(chains.ports)) return true;
    if (chain.startsWith("NETAVARK_ISOLATION")) return rest.includes(plug.bridge);
    return chain === "NETAVARK_FORWARD" && subnets.some((subnet) => rest.includes(subnet));
  };
}

function ofPorts(plug: Plug, chains: Chains): RuleTest {
  const comment = `"dnat name: ${plug.networkId} id: ${plug.containerId}"`;
  return ([, chain, ...rest]) => {
    if (chain === "NETAVARK-HOSTPORT-DNAT") return rest.includes(comment);
    if (chain !== chains.ports) return false;
    return plug.ports.some(({ protocol, hostIp, hostPort }) => {
      const [port, kind, address] = ["--dport", "-p", "-d"].map((word) => argumentOf(rest, word));
      const bare = (address ?? "").replace(/\/(32|128)$/, "");
      return port === String(hostPort) && kind === protocol && bare === hostIp;
    });
  };
}

function argumentOf(rule: readonly string[], word: string): string | undefined {
  const at = rule.indexOf(word);
  return at < 0 ? undefined : rule[at + 1];
}

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
