// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { ExitStatus } from "../exit-status.ts";
import { compareNaturally } from "../format/natural-order.ts";
import { joinHostPort } from "../format/port-text.ts";
import { parseInteger } from "../go-numbers.ts";
import { InvalidValue } from "../invalid-value.ts";
import { openEngine } from "../open-engine.ts";

export const command = defineCommand({
  summary: "List port mappings or a specific mapping for the container",
  usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  operands: { min: 1, max: 2, completion: "running" },
  options: {},
  async run(context, { operands: [name = "", port = ""], globals }) {
    await using engine = await openEngine(context, globals);
    const container = await context.useCases.inspectContainer(engine, name);
    const all = Object.entries(container.NetworkSettings.Ports).flatMap(([key, bindings]) =>
      (bindings ?? []).map(
        ({ HostIp, HostPort }) => [key, joinHostPort(HostIp, HostPort)] as const,
      ),
    );
    const wanted = port === "" ? undefined : portKey(port);
    const lines = all
      .filter(([key]) => wanted === undefined || key === wanted)
      .map(([key, place]) => (wanted === undefined ? `${key} -> ${place}` : place));
    if (wanted !== undefined && lines.length === 0) {
      throw new ExitStatus(`Error: No public port '${port}' published for ${name}`);
    }
    context.stdout.write(
      lines
        .sort(compareNaturally)
        .map((line) => `${line}\n`)
        .join(""),
    );
  },
});

/** `80` and `80/` as `80/tcp`. */
function portKey(text: string): string {
  const slash = text.indexOf("/");
  const number = slash === -1 ? text : text.slice(0, slash);
  const protocol = slash === -1 ? "" : text.slice(slash + 1);
  try {
    parseInteger(number, { bits: 16, isUnsigned: true, isDecimal: true });
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw new ExitStatus(`Error: invalid port (${number}): ${error.message}`, undefined, error);
  }
  return `${number}/${protocol === "" ? "tcp" : protocol}`;
}
