// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { parseLabel, toMap } from "../container-flags/key-values.ts";
import { ExitStatus } from "../exit-status.ts";
import { InvalidValue } from "../invalid-value.ts";
import { type IpamOptions, ipamConfigs } from "../network-ipam.ts";
import { openEngine } from "../open-engine.ts";
import { listOption } from "../value-options.ts";
import { writeWarnings } from "../warnings.ts";

const swarmOnly = {
  type: "refused",
  takesValue: false,
  harmless: ["false"],
  summary: "it is for a swarm only",
} as const;

export const command = defineCommand({
  summary: "Create a network",
  usage: "[OPTIONS] NETWORK",
  operands: { min: 1, max: 1 },
  options: {
    attachable: { type: "bool", summary: "Enable manual container attachment" },
    "aux-address": {
      type: "refused",
      takesValue: true,
      summary: "keep addresses free with --ip-range",
    },
    "config-from": { ...swarmOnly, takesValue: true },
    "config-only": swarmOnly,
    driver: {
      type: "string",
      short: "d",
      default: "bridge",
      summary: "Driver to manage the Network",
      completion: ["bridge"],
    },
    gateway: { type: "strings", summary: "IPv4 or IPv6 Gateway for the master subnet" },
    ingress: swarmOnly,
    internal: { type: "bool", summary: "Restrict external access to the network" },
    "ip-range": { type: "strings", summary: "Allocate container ip from a sub-range" },
    "ipam-driver": {
      type: "string",
      default: "default",
      summary: "IP Address Management Driver",
      completion: ["default"],
    },
    "ipam-opt": { type: "list", summary: "Set IPAM driver specific options" },
    ipv4: {
      type: "refused",
      takesValue: false,
      harmless: ["true"],
      summary: "every network has IPv4 addresses",
    },
    ipv6: { type: "bool", summary: "Enable or disable IPv6 address assignment" },
    label: listOption({ summary: "Set metadata on a network", parse: parseLabel }),
    opt: { type: "list", short: "o", summary: "Set driver specific options" },
    scope: {
      type: "refused",
      takesValue: true,
      harmless: ["", "local"],
      summary: "networks belong to this machine here",
    },
    subnet: {
      type: "strings",
      summary: "Subnet in CIDR format that represents a network segment",
    },
  },
  async run(context, { options, operands: [name = ""], globals }) {
    const ipam = {
      Driver: options["ipam-driver"],
      Options: toMap(options["ipam-opt"]),
      Config: readIpam({
        subnets: options.subnet,
        ranges: options["ip-range"],
        gateways: options.gateway,
      }),
    };
    await using engine = await openEngine(context, globals);
    const { id, warnings } = await context.useCases.createNetwork(engine, {
      name,
      driver: options.driver,
      internal: options.internal,
      attachable: options.attachable,
      enableIpv6: options.ipv6,
      ipam,
      options: toMap(options.opt),
      labels: toMap(options.label),
    });
    context.stdout.write(`${id}\n`);
    writeWarnings(context.stderr, warnings);
  },
});

function readIpam(options: IpamOptions) {
  try {
    return ipamConfigs(options);
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw new ExitStatus(error.message, undefined, error);
  }
}
