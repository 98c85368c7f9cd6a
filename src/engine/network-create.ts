// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import {
  chooseIpv4Pool,
  chooseIpv6Pool,
  firstGateway,
  toPrefix,
  usedSubnets,
} from "../content/address-pools.ts";
import type { Database } from "../content/database.ts";
import {
  type AddressPool,
  allNetworks,
  bridgeOf,
  isBuiltIn,
  type NetworkRow,
  networkByName,
  putNetwork,
} from "../content/networks.ts";
import { foreignSubnets } from "../runtime/network/bridges.ts";
import { hasIpv6, hostInterfaces } from "../runtime/network/host-state.ts";
import { goQuote } from "../spec/go-quote.ts";
import {
  formatIpPrefix,
  type IpPrefix,
  maskedPrefix,
  parseIpAddress,
  parseIpPrefix,
  prefixContains,
  prefixesOverlap,
} from "../spec/ip-address.ts";
import type { CreateNetworkOptions, NetworkDocument } from "./container-types.ts";
import type { Engine } from "./engine.ts";
import { noteNetwork } from "./network-events.ts";
import { networkDatabase } from "./network-find.ts";
import { checkNetworkOptions, wantsIpv6 } from "./network-options.ts";
import { withUsableSubnet } from "./network-subnets.ts";
import { randomId } from "./random.ts";

/**
 * Makes a bridge network. Its bridge appears on the host with the first container that runs on it.
 *
 * @throws LadeError NETWORK_PREDEFINED, NETWORK_IN_USE for a name, subnet or bridge that is taken, NETWORK_FAILED where
 *   no subnet is left, CONTAINER_INVALID, UNSUPPORTED
 */
export async function createNetwork(
  engine: Engine,
  options: CreateNetworkOptions,
): Promise<{ readonly id: string; readonly warnings: readonly string[] }> {
  checkName(options.name);
  checkDrivers(options);
  const driverOptions = options.options ?? {};
  checkNetworkOptions(driverOptions);
  const enableIpv6 = options.enableIpv6 ?? wantsIpv6(driverOptions);
  if (enableIpv6 && !hasIpv6()) {
    throw new LadeError("UNSUPPORTED", "IPv6 is not available on this machine", {
      hint: "Leave out --ipv6, or switch IPv6 on in the kernel.",
    });
  }
  const asked = askedPools(options.ipam?.Config ?? [], enableIpv6);
  const id = randomId();
  const bridge = driverOptions["com.docker.network.bridge.name"] ?? bridgeOf(id);
  const database = networkDatabase(engine.store);
  database.transaction(() => {
    const name = options.name;
    if (networkByName(database, name) !== undefined) {
      throw new LadeError("NETWORK_IN_USE", `network with name ${name} already exists`);
    }
    checkBridge(database, id, bridge);
    const row: NetworkRow = {
      id,
      name,
      createdMs: Date.now(),
      definition: {
        driver: "bridge",
        internal: options.internal === true,
        attachable: options.attachable === true,
        enableIpv6,
        pools: settlePools(database, asked, enableIpv6),
        ipamOptions: options.ipam?.Options ?? null,
        options: driverOptions,
        labels: options.labels ?? {},
        interface: bridge,
      },
    };
    putNetwork(database, row);
    noteNetwork(database, row, "create");
  });
  return { id, warnings: [] };
}

function checkName(name: string): void {
  if (name.trim() === "") throw invalid("invalid name: name is empty");
  if (isBuiltIn(name) || name === "default") {
    throw new LadeError(
      "NETWORK_PREDEFINED",
      `operation is not permitted on predefined ${name} network`,
    );
  }
  // Docker takes any other; what can't be seen is nobody's intention.
  if (/\p{Cc}/u.test(name)) throw invalid(`invalid name: ${goQuote(name)} has control characters`);
}

function checkDrivers({ driver = "", ipam }: CreateNetworkOptions): void {
  if (driver === "host" || driver === "null") {
    const message = `only one instance of "${driver}" network is allowed`;
    throw new LadeError("NETWORK_PREDEFINED", message);
  }
  const hint = "lade makes networks with the driver bridge.";
  if (driver !== "" && driver !== "bridge") throw noPlugin(driver, hint);
  const ipamDriver = ipam?.Driver || "default";
  if (ipamDriver !== "default") throw noPlugin(ipamDriver, "Leave out --ipam-driver.");
  const [option] = Object.keys(ipam?.Options ?? {});
  if (option !== undefined) {
    throw new LadeError("UNSUPPORTED", `IPAM option ${option} is not supported`, {
      hint: "Leave out --ipam-opt.",
    });
  }
}

function noPlugin(name: string, hint: string): LadeError {
  const text = `could not find plugin ${name} in v1 plugin registry: plugin not found`;
  return new LadeError("UNSUPPORTED", text, { hint });
}

function checkBridge(database: Database, id: string, bridge: string): void {
  const rival = allNetworks(database).find(({ definition }) => definition.interface === bridge);
  if (rival !== undefined) {
    const other = `${rival.id} (${rival.definition.interface})`;
    throw new LadeError(
      "NETWORK_IN_USE",
      `cannot create network ${id} (${bridge}): conflicts with network ${other}: networks have same bridge name`,
    );
  }
  // The bridge goes with the last container, and so would one that somebody else made.
  if (hostInterfaces().includes(bridge)) {
    throw new LadeError(
      "NETWORK_IN_USE",
      `cannot create network ${id} (${bridge}): the host has an interface of that name`,
      { hint: "Give another name with --opt com.docker.network.bridge.name." },
    );
  }
}

type AskedPool = Omit<AddressPool, "isChosen">;
type AskedConfig = NetworkDocument["IPAM"]["Config"][number];

/** @throws LadeError CONTAINER_INVALID with all that is wrong, as Docker */
function askedPools(configs: readonly AskedConfig[], enableIpv6: boolean): AskedPool[] {
  const errors: string[] = [];
  const pools = configs.flatMap((config) => {
    const subnet = parseIpPrefix(config.Subnet ?? "");
    if (subnet === undefined) {
      errors.push(`invalid subnet ${config.Subnet ?? ""}: want an address and a prefix length`);
      return [];
    }
    if (subnet.address.family === 6 && !enableIpv6) {
      errors.push(`invalid subnet ${config.Subnet}: the network is without IPv6`);
    }
    errors.push(...configErrors(config, subnet));
    const range = parseIpPrefix(config.IPRange ?? "");
    return [
      {
        subnet: formatIpPrefix(subnet),
        gateway: config.Gateway || firstGateway(subnet, range),
        ...(range !== undefined && { ipRange: formatIpPrefix(range) }),
        ...(config.AuxiliaryAddresses !== undefined && { auxiliary: config.AuxiliaryAddresses }),
      },
    ];
  });
  if (errors.length > 0) throw invalid(`invalid network config:\n${errors.join("\n")}`);
  for (const family of [4, 6] as const) {
    if (pools.filter((pool) => toPrefix(pool.subnet).address.family === family).length > 1) {
      throw invalid("bridge driver doesn't support multiple subnets");
    }
  }
  return pools;
}

function configErrors(config: AskedConfig, subnet: IpPrefix): string[] {
  const shown = formatIpPrefix(subnet);
  const masked = formatIpPrefix(maskedPrefix(subnet));
  const errors: string[] = [];
  if (shown !== masked) errors.push(`invalid subnet ${shown}: it should be ${masked}`);
  const addressBits = subnet.address.family === 4 ? 32 : 128;
  if (subnet.bits > addressBits - 2) {
    errors.push(`invalid subnet ${shown}: it has no room for a gateway and a container`);
  }
  if (config.IPRange) errors.push(...rangeErrors(config.IPRange, subnet));
  const addresses = Object.entries({
    ...(config.Gateway && { [`gateway ${config.Gateway}`]: config.Gateway }),
    ...Object.fromEntries(
      Object.entries(config.AuxiliaryAddresses ?? {}).map(([name, address]) => [
        `auxiliary address ${name}`,
        address,
      ]),
    ),
  });
  for (const [what, text] of addresses) {
    const address = parseIpAddress(text);
    if (address === undefined) {
      errors.push(`invalid ${what}: it is no address`);
    } else if (address.family !== subnet.address.family) {
      errors.push(`invalid ${what}: parent subnet is an IPv${subnet.address.family} block`);
    } else if (!prefixContains(subnet, address)) {
      errors.push(`invalid ${what}: parent subnet ${shown} doesn't contain this address`);
    }
  }
  return errors;
}

function rangeErrors(text: string, subnet: IpPrefix): string[] {
  const range = parseIpPrefix(text);
  const { family } = subnet.address;
  if (range === undefined) return [`invalid ip-range ${text}: want an address and a prefix length`];
  if (range.address.family !== family) {
    return [`invalid ip-range ${text}: parent subnet is an IPv${family} block`];
  }
  const errors: string[] = [];
  const [shown, masked] = [formatIpPrefix(range), formatIpPrefix(maskedPrefix(range))];
  const parent = formatIpPrefix(subnet);
  if (range.bits < subnet.bits) {
    errors.push(`invalid ip-range ${shown}: CIDR block is bigger than its parent subnet ${parent}`);
  }
  if (shown !== masked) errors.push(`invalid ip-range ${shown}: it should be ${masked}`);
  if (!prefixesOverlap(subnet, range)) {
    errors.push(`invalid ip-range ${shown}: parent subnet ${parent} doesn't contain ip-range`);
  }
  return errors;
}

/** Checks what was asked for against other networks, and chooses what was not. */
function settlePools(
  database: Database,
  asked: readonly AskedPool[],
  enableIpv6: boolean,
): AddressPool[] {
  const used = usedSubnets(database);
  for (const { subnet } of asked) {
    if (used.some((other) => prefixesOverlap(other, toPrefix(subnet)))) {
      throw new LadeError(
        "NETWORK_IN_USE",
        "invalid pool request: Pool overlaps with other one on this address space",
        { hint: "`lade network inspect` shows the subnets of the other networks." },
      );
    }
  }
  const families = asked.map(({ subnet }) => toPrefix(subnet).address.family);
  const pools: AddressPool[] = asked.map((pool) => ({ ...pool, isChosen: false }));
  if (!families.includes(4)) {
    // The default network comes first, as with Docker, where it has its subnet from the beginning.
    const bridge = networkByName(database, "bridge");
    if (bridge?.definition.pools.length === 0) withUsableSubnet(database, bridge);
    pools.unshift(chooseIpv4Pool(database, { host: foreignSubnets("").map((one) => one.prefix) }));
  }
  if (enableIpv6 && !families.includes(6)) pools.push(chooseIpv6Pool(randomId()));
  return pools;
}

function invalid(message: string): LadeError {
  return new LadeError("CONTAINER_INVALID", message);
}
