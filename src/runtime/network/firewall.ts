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
import type { BridgeNetwork } from "./bridges.ts";
import { type Plug, runProgram } from "./netavark.ts";

/**
 * Whether a network's rules are there: firewalld and administrators now and then clear them all.
 *
 * @param lock descriptor of the network lock
 */
export async function hasNetworkRules(network: BridgeNetwork, lock: number): Promise<boolean> {
  const program = findProgram("iptables");
  if (program === undefined) return false;
  const args = ["--wait", "-t", "nat", "-S", chainsOf(network.networkId).nat];
  const rules = await runProgram(program, args, { inherited: lock });
  return rules.stdout.includes("\n-A ");
}

/**
 * Removes all rules of a network.
 *
 * @returns false where netavark keeps its rules elsewhere: with nftables it removes them itself
 * @throws LadeError NETWORK_FAILED
 */
export function removeNetworkRules(network: BridgeNetwork, lock: number): Promise<boolean> {
  return removeRules(network, (saved) => networkRules(saved, network), lock);
}

/** Removes the rules of a container's ports; as {@link removeNetworkRules}. */
export function removePortRules(plug: Plug, lock: number): Promise<boolean> {
  return removeRules(plug, (saved) => portRules(saved, plug), lock);
}

type RuleFinder = (saved: string) => string | undefined;

async function removeRules(
  { subnets }: BridgeNetwork,
  find: RuleFinder,
  lock: number,
): Promise<boolean> {
  const hasIpv6 = subnets.some(({ subnet }) => subnet.includes(":"));
  let found = false;
  for (const program of hasIpv6 ? ["iptables", "ip6tables"] : ["iptables"]) {
    found = (await removeFamily(program, find, lock)) || found;
  }
  return found;
}

async function removeFamily(name: string, find: RuleFinder, inherited: number): Promise<boolean> {
  const [save, restore] = [findProgram(`${name}-save`), findProgram(`${name}-restore`)];
  if (save === undefined || restore === undefined) return false;
  const saved = await runProgram(save, [], { inherited });
  const input = saved.code === 0 ? find(saved.stdout) : undefined;
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
 * What `iptables-restore` has to read so that a network's rules go.
 *
 * @param saved as `iptables-save` writes it
 * @returns undefined where none of the network's chains is there
 */
export function networkRules(saved: string, network: BridgeNetwork): string | undefined {
  const chains = chainsOf(network.networkId);
  const subnets = network.subnets.map((pool) => pool.subnet);
  return deletions(saved, chains, {
    chains: [chains.nat, chains.ports],
    // Rules of other chains that lead to the network's own, or name its bridge or subnet.
    test: ([, chain = "", ...rest]) => {
      if (chain === chains.nat || chain === chains.ports) return false;
      if (rest.includes(chains.nat) || rest.includes(chains.ports)) return true;
      if (chain.startsWith("NETAVARK_ISOLATION")) return rest.includes(network.bridge);
      return chain === "NETAVARK_FORWARD" && subnets.some((subnet) => rest.includes(subnet));
    },
  });
}

/** As {@link networkRules}, for what leads from the host's ports to one container. */
export function portRules(saved: string, plug: Plug): string | undefined {
  const chains = chainsOf(plug.networkId);
  const comment = `"dnat name: ${plug.networkId} id: ${plug.containerId}"`;
  return deletions(saved, chains, {
    chains: [],
    test: ([, chain, ...rest]) => {
      if (chain === "NETAVARK-HOSTPORT-DNAT") return rest.includes(comment);
      if (chain !== chains.ports) return false;
      return plug.ports.some(({ protocol, hostIp, hostPort }) => {
        const [port, kind, address] = ["--dport", "-p", "-d"].map((word) => argumentOf(rest, word));
        const bare = (address ?? "").replace(/\/(32|128)$/, "");
        return port === String(hostPort) && kind === protocol && bare === hostIp;
      });
    },
  });
}

interface Unwanted {
  /** Chains that go as a whole. */
  readonly chains: readonly string[];
  /** Whether a rule goes; its words begin with `-A` and its chain. */
  readonly test: (rule: readonly string[]) => boolean;
}

function deletions(saved: string, chains: Chains, unwanted: Unwanted): string | undefined {
  if (!saved.includes(`:${chains.nat} `)) return undefined;
  const lines: string[] = [];
  for (const table of saved.split(/^(?=\*)/m)) {
    const rules = table.split("\n").filter((line) => line.startsWith("-A "));
    const found = rules
      .filter((line) => unwanted.test(words(line)))
      .map((line) => line.replace("-A", "-D"));
    for (const chain of unwanted.chains.filter((one) => table.includes(`\n:${one} `))) {
      found.push(`-F ${chain}`, `-X ${chain}`);
    }
    const name = /^\*\S+/.exec(table)?.[0];
    if (name !== undefined && found.length > 0) lines.push(name, ...found, "COMMIT", "");
  }
  return lines.join("\n");
}

function words(rule: string): readonly string[] {
  return rule.match(/"(?:\\.|[^"\\])*"|\S+/g) ?? [];
}

type Chains = ReturnType<typeof chainsOf>;

function argumentOf(rule: readonly string[], word: string): string | undefined {
  const at = rule.indexOf(word);
  return at < 0 ? undefined : rule[at + 1];
}
