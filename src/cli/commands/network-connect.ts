// SPDX-License-Identifier: Apache-2.0

import type { EndpointSettings } from "../../spec/container.ts";
import { trimSpace } from "../../spec/go-space.ts";
import { defineCommand } from "../command.ts";
import { parseLink } from "../container-flags/addresses.ts";
import { cut } from "../container-flags/key-values.ts";
import { ExitStatus } from "../exit-status.ts";
import { openEngine } from "../open-engine.ts";
import { listOption } from "../value-options.ts";

export const command = defineCommand({
  summary: "Connect a container to a network",
  usage: "[OPTIONS] NETWORK CONTAINER",
  operands: { min: 2, max: 2, completion: "endpoint" },
  options: {
    alias: { type: "strings", summary: "Add network-scoped alias for the container" },
    "driver-opt": { type: "strings", summary: "driver options for the network" },
    "gw-priority": {
      type: "refused",
      takesValue: true,
      harmless: ["0"],
      summary: "the gateway is that of the first network",
    },
    ip: { type: "string", summary: 'IPv4 address (e.g., "172.30.100.104")' },
    ip6: { type: "string", summary: 'IPv6 address (e.g., "2001:db8::33")' },
    link: listOption({
      summary: "Add link to another container",
      completion: "container",
      parse: parseLink,
    }),
    "link-local-ip": { type: "strings", summary: "Add a link-local address for the container" },
  },
  async run(context, { options, operands: [network = "", container = ""], globals }) {
    const { ip, ip6, link, alias } = options;
    const linkLocalIps = options["link-local-ip"];
    const settings: EndpointSettings = {
      IPAMConfig: {
        ...(ip === "" ? {} : { IPv4Address: ip }),
        ...(ip6 === "" ? {} : { IPv6Address: ip6 }),
        ...(linkLocalIps.length === 0 ? {} : { LinkLocalIPs: linkLocalIps }),
      },
      ...(link.length === 0 ? {} : { Links: link }),
      ...(alias.length === 0 ? {} : { Aliases: alias }),
      DriverOpts: driverOptions(options["driver-opt"]),
    };
    await using engine = await openEngine(context, globals);
    await context.useCases.connectNetwork(engine, network, container, settings);
  },
});

function driverOptions(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const [key, value] = cut(text);
      if (value === undefined || trimSpace(key) === "") {
        throw new ExitStatus("invalid key/value pair format in driver options");
      }
      return [trimSpace(key), trimSpace(value)] as const;
    }),
  );
}
