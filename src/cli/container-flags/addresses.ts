// SPDX-License-Identifier: Apache-2.0

import { isIPv4, isIPv6 } from "node:net";
import { goQuote } from "../../spec/go-quote.ts";
import { trimSpace } from "../../spec/go-space.ts";
import { InvalidValue } from "../invalid-value.ts";

/** Whether Go's `net.ParseIP` takes the text: no zones, no zeros in front of a decimal. */
export function isAddress(text: string): boolean {
  return isIPv4(text) || (isIPv6(text) && !text.includes("%"));
}

/** An IP address in its shortest form. */
export function parseAddress(text: string): string {
  const address = trimSpace(text);
  if (!isAddress(address)) {
    throw new InvalidValue(`IP address is not correctly formatted: ${text}`);
  }
  return isIPv4(address) ? address : shortened(address);
}

function shortened(address: string): string {
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([\da-f]+):([\da-f]+)$/.exec(short);
  if (mapped === null) return short;
  const halves = mapped.slice(1).map((half) => Number.parseInt(half, 16));
  return halves.flatMap((half) => [Math.trunc(half / 256), half % 256]).join(".");
}

const macForms = [
  /^[\da-f]{2}(?:(:|-)[\da-f]{2})(?:\1[\da-f]{2}){4}$/i,
  /^[\da-f]{2}(?:(:|-)[\da-f]{2})(?:\1[\da-f]{2}){6}$/i,
  /^[\da-f]{2}(?:(:|-)[\da-f]{2})(?:\1[\da-f]{2}){18}$/i,
  /^[\da-f]{4}(?:\.[\da-f]{4}){2}$/i,
  /^[\da-f]{4}(?:\.[\da-f]{4}){3}$/i,
  /^[\da-f]{4}(?:\.[\da-f]{4}){9}$/i,
];

/** @throws InvalidValue for what Go's `net.ParseMAC` doesn't take */
export function checkMacAddress(text: string): void {
  if (macForms.some((form) => form.test(trimSpace(text)))) return;
  throw new InvalidValue(`${text} is not a valid mac address`);
}

const domain =
  /^((?:[a-z\d]|[a-z\d][a-z\d-]*[a-z\d])(?:\.(?:[a-z\d]|[a-z\d][a-z\d-]*[a-z\d]))*)\.?\s*$/i;
const maxDomainLength = 254;

/** `--dns-search`: a domain, or a dot for none. */
export function parseSearchDomain(text: string): string {
  const value = text.replace(/^ +| +$/g, "");
  if (value === ".") return value;
  const name = /[a-z]/i.test(value) ? domain.exec(value)?.[1] : undefined;
  if (name !== undefined && name.length <= maxDomainLength) return name;
  throw new InvalidValue(`${value} is not a valid domain`);
}

/** `--add-host`: `NAME:IP`, `NAME=IP` or `NAME:[IP]`, as `NAME:IP`. */
export function parseExtraHost(text: string): string {
  const separator = text.includes("=") ? "=" : ":";
  const at = text.indexOf(separator);
  const name = text.slice(0, Math.max(0, at));
  if (name === "" || name.includes(":")) {
    throw new InvalidValue(`bad format for add-host: ${goQuote(text)}`);
  }
  const rest = text.slice(at + 1);
  if (rest === "host-gateway") return `${name}:${rest}`;
  const address = /^\[(.+)\]$/.exec(rest)?.[1] ?? rest;
  if (!isAddress(trimSpace(address))) {
    throw new InvalidValue(`invalid IP address in add-host: ${goQuote(address)}`);
  }
  return `${name}:${address}`;
}

/** `--link`: `CONTAINER[:ALIAS]`. */
export function parseLink(text: string): string {
  if (text === "") throw new InvalidValue("empty string specified for links");
  if (text.split(":").length > 2) throw new InvalidValue(`bad format for links: ${text}`);
  return text;
}
