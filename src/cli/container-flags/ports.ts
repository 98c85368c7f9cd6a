// SPDX-License-Identifier: Apache-2.0

import type { PortBinding, PortMap } from "../../spec/container.ts";
import type { TextSet } from "../../spec/image-config.ts";
import { parseInteger } from "../go-numbers.ts";
import { InvalidValue } from "../invalid-value.ts";
import { isAddress } from "./addresses.ts";
import { cut } from "./key-values.ts";

const protocols = new Set(["tcp", "udp", "sctp"]);

interface PortRange {
  readonly start: number;
  readonly end: number;
}

function parsePort(text: string): number {
  return parseInteger(text, { bits: 16, isUnsigned: true, isDecimal: true });
}

function parsePortRange(text: string): PortRange {
  if (text === "") throw new InvalidValue("empty string specified for ports");
  const [first = "", last = first] = text.split("-");
  const range = { start: parsePort(first), end: parsePort(last) };
  if (range.end >= range.start) return range;
  throw new InvalidValue(`invalid range specified for port: ${text}`);
}

/** A range or a message of its own, whatever the reason. */
function rangeOr(text: string, message: string): PortRange {
  try {
    return parsePortRange(text);
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw new InvalidValue(message);
  }
}

/** Splits `80/udp`; what names no port is empty. */
function splitProtocol(text: string): readonly [port: string, protocol: string] {
  const [port = "", protocol] = text.split("/");
  return port === ""
    ? ["", ""]
    : [port, protocol === undefined || protocol === "" ? "tcp" : protocol];
}

/** `published=80,target=8080,protocol=tcp` as `80:8080/tcp`. */
function toShortForm(text: string): string {
  if (!text.includes("=")) return text;
  const fields: Record<string, string> = { published: "", target: "", protocol: "tcp" };
  for (const field of text.split(",")) {
    const [name, value] = cut(field);
    if (value === undefined || name === "") {
      throw new InvalidValue(
        `invalid publish opts format (should be name=value but got '${field}')`,
      );
    }
    fields[name] = value;
  }
  return `${fields.published}:${fields.target}/${fields.protocol}`;
}

interface PublishedPort {
  readonly port: string;
  readonly binding: PortBinding;
}

/** Source: `ParsePortSpec` of go-connections/nat. */
function parsePublish(spec: string): PublishedPort[] {
  const parts = spec.split(":");
  const [portText, protocol] = splitProtocol(parts.at(-1) ?? "");
  const hostText = parts.at(-2) ?? "";
  const HostIp = parseHostAddress(parts.slice(0, -2).join(":"));
  if (portText === "") throw new InvalidValue(`no port specified: ${spec}<empty>`);
  const ports = rangeOr(portText, `invalid containerPort: ${portText}`);
  const host = hostText === "" ? undefined : rangeOr(hostText, `invalid hostPort: ${hostText}`);
  const isRange = ports.end > ports.start;
  // A range on the host may stand for one port of the container, never for another range.
  if (host !== undefined && isRange && ports.end - ports.start !== host.end - host.start) {
    throw new InvalidValue(
      `invalid ranges specified for container and host Ports: ${portText} and ${hostText}`,
    );
  }
  if (!protocols.has(protocol.toLowerCase())) throw new InvalidValue(`invalid proto: ${protocol}`);
  const hostPort = (index: number) => {
    if (host === undefined) return "";
    if (!isRange && host.end > host.start) return `${host.start}-${host.end}`;
    return String(host.start + index);
  };
  return Array.from({ length: ports.end - ports.start + 1 }, (_, index) => ({
    port: `${ports.start + index}/${protocol.toLowerCase()}`,
    binding: { HostIp, HostPort: hostPort(index) },
  }));
}

function parseHostAddress(text: string): string {
  if (text === "") return "";
  let address = text;
  if (text.startsWith("[")) {
    const inner = /^\[([^[\]]*)\]$/.exec(text)?.[1];
    if (inner === undefined) {
      throw new InvalidValue(
        `invalid IP address ${text}: address ${text}:: missing ']' in address`,
      );
    }
    address = inner;
  }
  if (address !== "" && !isAddress(address)) {
    throw new InvalidValue(`invalid IP address: ${address}`);
  }
  return address;
}

function parseExpose(text: string): string[] {
  if (text.includes(":")) throw new InvalidValue(`invalid port format for --expose: ${text}`);
  const [portText, protocol] = splitProtocol(text);
  let range: PortRange;
  try {
    range = parsePortRange(portText);
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw new InvalidValue(`invalid range format for --expose: ${text}, error: ${error.message}`);
  }
  return Array.from(
    { length: range.end - range.start + 1 },
    (_, index) => `${range.start + index}/${protocol}`,
  );
}

export interface Ports {
  readonly exposed: TextSet;
  readonly bindings: PortMap;
}

/** `-p` and `--expose`. */
export function parsePorts(publish: readonly string[], expose: readonly string[]): Ports {
  const exposed: Record<string, Record<string, never>> = {};
  const bindings: Record<string, PortBinding[]> = {};
  for (const spec of publish.map(toShortForm)) {
    for (const { port, binding } of parsePublish(spec)) {
      exposed[port] = {};
      bindings[port] = [...(bindings[port] ?? []), binding];
    }
  }
  for (const port of expose.flatMap(parseExpose)) exposed[port] = {};
  return { exposed, bindings };
}
