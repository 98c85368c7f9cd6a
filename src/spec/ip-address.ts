// SPDX-License-Identifier: Apache-2.0

/** IP addresses and prefixes as numbers, so that ranges can be counted through. */

export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** `172.17.0.0/16`: the address as it was written, also where it has bits beyond the prefix. */
export interface IpPrefix {
  readonly address: IpAddress;
  /** How many leading bits count. */
  readonly bits: number;
}

/** @returns undefined for what is no address; zones such as `%eth0` are none here */
export function parseIpAddress(text: string): IpAddress | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): IpAddress | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    // A leading zero reads as octal in some libraries and as decimal in others.
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256n + BigInt(part);
  }
  return { family: 4, value };
}

function parseIpv6(text: string): IpAddress | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(ipv6Groups);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const after = tail ?? [];
  const missing = 8 - head.length - after.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...after];
  return { family: 6, value: groups.reduce((sum, group) => sum * 65_536n + BigInt(group), 0n) };
}

function ipv6Groups(text: string): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const last = parts.at(-1) ?? "";
  const groups: number[] = [];
  if (last.includes(".")) {
    const embedded = parseIpv4(last);
    if (embedded === undefined) return undefined;
    parts.pop();
    groups.push(Number(embedded.value / 65_536n), Number(embedded.value % 65_536n));
  }
  if (!parts.every((part) => /^[\da-f]{1,4}$/i.test(part))) return undefined;
  return [...parts.map((part) => Number.parseInt(part, 16)), ...groups];
}

export function formatIpAddress(address: IpAddress): string {
  return address.family === 4 ? formatIpv4(address.value) : formatIpv6(address.value);
}

function formatIpv4(value: bigint): string {
  return [16_777_216n, 65_536n, 256n, 1n].map((unit) => String((value / unit) % 256n)).join(".");
}

/** The shortest form, as RFC 5952 wants it. */
function formatIpv6(value: bigint): string {
  const groups: string[] = [];
  for (let rest = value; groups.length < 8; rest /= 65_536n) {
    groups.unshift((rest % 65_536n).toString(16));
  }
  const zeros = longestZeros(groups);
  if (zeros.count < 2) return groups.join(":");
  const head = groups.slice(0, zeros.start).join(":");
  return `${head}::${groups.slice(zeros.start + zeros.count).join(":")}`;
}

function longestZeros(groups: readonly string[]): { start: number; count: number } {
  let best = { start: 0, count: 0 };
  let count = 0;
  for (const [position, group] of groups.entries()) {
    count = group === "0" ? count + 1 : 0;
    if (count > best.count) best = { start: position - count + 1, count };
  }
  return best;
}

/** @returns undefined for what is no address with a prefix length */
export function parseIpPrefix(text: string): IpPrefix | undefined {
  const slash = text.indexOf("/");
  const address = parseIpAddress(text.slice(0, Math.max(slash, 0)));
  const bits = text.slice(slash + 1);
  if (address === undefined || !/^(0|[1-9]\d{0,2})$/.test(bits)) return undefined;
  return Number(bits) > addressBits(address) ? undefined : { address, bits: Number(bits) };
}

export function formatIpPrefix(prefix: IpPrefix): string {
  return `${formatIpAddress(prefix.address)}/${prefix.bits}`;
}

/** How many bits an address of this family has. */
export function addressBits(address: IpAddress): number {
  return address.family === 4 ? 32 : 128;
}

/** How many addresses a prefix covers. */
export function prefixSize(prefix: IpPrefix): bigint {
  return 2n ** BigInt(addressBits(prefix.address) - prefix.bits);
}

/** The prefix without the bits that do not count. */
export function maskedPrefix(prefix: IpPrefix): IpPrefix {
  const { family, value } = prefix.address;
  return { address: { family, value: value - (value % prefixSize(prefix)) }, bits: prefix.bits };
}

/** The last address of a prefix: with IPv4 the one for broadcasts. */
export function lastAddress(prefix: IpPrefix): IpAddress {
  const { family, value } = maskedPrefix(prefix).address;
  return { family, value: value + prefixSize(prefix) - 1n };
}

export function prefixContains(prefix: IpPrefix, address: IpAddress): boolean {
  if (prefix.address.family !== address.family) return false;
  const offset = address.value - maskedPrefix(prefix).address.value;
  return offset >= 0n && offset < prefixSize(prefix);
}

export function prefixesOverlap(a: IpPrefix, b: IpPrefix): boolean {
  return prefixContains(a, b.address) || prefixContains(b, a.address);
}

/** True for 127.0.0.0/8 and ::1. */
export function isLoopback(address: IpAddress): boolean {
  return address.family === 4 ? address.value / 16_777_216n === 127n : address.value === 1n;
}

/** True for 0.0.0.0 and ::. */
export function isUnspecified(address: IpAddress): boolean {
  return address.value === 0n;
}

/** The MAC address that Docker gives an endpoint: `02:42` and the four bytes of its IPv4 address. */
export function macOfAddress(address: IpAddress): string {
  const hex = (address.value % 2n ** 32n).toString(16).padStart(8, "0");
  return `02:42:${(hex.match(/../g) ?? []).join(":")}`;
}
