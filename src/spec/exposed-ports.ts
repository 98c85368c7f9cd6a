// SPDX-License-Identifier: Apache-2.0

import { changeError } from "./change-error.ts";

const PORT_MAX = 65535;
const PROTOCOLS = new Set(["tcp", "udp", "sctp"]);

interface PortRange {
  readonly start: number;
  readonly end: number;
}

function parsePort(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const port = Number(text);
  return port <= PORT_MAX ? port : undefined;
}

function parseRange(text: string): PortRange | undefined {
  const dash = text.indexOf("-");
  const start = parsePort(dash < 0 ? text : text.slice(0, dash));
  const end = dash < 0 ? start : parsePort(text.slice(dash + 1));
  return start === undefined || end === undefined || end < start ? undefined : { start, end };
}

/** Go's `net.ParseIP`: no zones, no zeros in front of a decimal. */
function isAddress(text: string): boolean {
  if (text.includes(":")) return /^[\da-fA-F:.]+$/.test(text) && URL.canParse(`http://[${text}]`);
  const parts = text.split(".");
  return (
    parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && +part < 256)
  );
}

function checkAddress(address: string): void {
  if (address === "") return;
  const bare = /^\[(.*)\]$/.exec(address)?.[1] ?? address;
  if (!isAddress(bare)) throw changeError(`invalid IP address: ${bare}`);
}

function checkHostPort(text: string, ports: PortRange, portText: string): void {
  if (text === "") return;
  const host = parseRange(text);
  if (host === undefined) throw changeError(`invalid hostPort: ${text}`);
  // A range on the host may stand for one port of the container, never for another range.
  if (ports.end !== ports.start && ports.end - ports.start !== host.end - host.start) {
    throw changeError(
      `invalid ranges specified for container and host Ports: ${portText} and ${text}`,
    );
  }
}

function parsePortSpec(spec: string): string[] {
  const parts = spec.split(":");
  const last = parts.at(-1) ?? "";
  const slash = last.indexOf("/");
  const portText = slash < 0 ? last : last.slice(0, slash);
  const protocol = ((slash < 0 ? "" : last.slice(slash + 1)) || "tcp").toLowerCase();
  if (portText === "") throw changeError(`no port specified: ${spec}<empty>`);
  if (!PROTOCOLS.has(protocol)) throw changeError(`invalid proto: ${protocol}`);
  checkAddress(parts.slice(0, -2).join(":"));
  const range = parseRange(portText);
  if (range === undefined) throw changeError(`invalid containerPort: ${portText}`);
  checkHostPort(parts.at(-2) ?? "", range, portText);
  return Array.from(
    { length: range.end - range.start + 1 },
    (_, index) => `${range.start + index}/${protocol}`,
  );
}

/**
 * The ports that EXPOSE names: `80`, `53/udp`, `8000-8010/tcp`; the host's side of `IP:HOST:PORT`
 * is checked and dropped, as Docker does.
 *
 * Source: `parsePortSpecs` of moby (daemon/builder/dockerfile).
 *
 * @returns `80/tcp` and so on
 * @throws LadeError CHANGE_INVALID
 */
export function parseExposedPorts(specs: readonly string[]): string[] {
  return specs.flatMap(parsePortSpec);
}
