// SPDX-License-Identifier: Apache-2.0

/**
 * Interfaces by the kernel's own interface, for what needs no firewall rule: a container that joins
 * a network whose bridge and rules are there. netavark looks at every rule again for that, with
 * twenty programs, which takes longer than the container's process.
 */

import * as fs from "node:fs";
import { isSystemError, LadeError, messageOf } from "../../base/errors.ts";
import { parseIpAddress, parseIpPrefix } from "../../spec/ip-address.ts";
import { inNetworkNamespace } from "../../sys/namespace.ts";
import {
  encodeAttribute,
  encodeUint32,
  findAttribute,
  type Netlink,
  openNetlink,
} from "../../sys/netlink.ts";
import type { Plug } from "./netavark.ts";

// <linux/rtnetlink.h>, <linux/netlink.h>.
const newLink = 16;
const deleteLink = 17;
const getLink = 18;
const setLink = 19;
const newAddress = 20;
const deleteAddress = 21;
const newRoute = 24;
const create = 0x400;
const exclusive = 0x200;

// <linux/if_link.h> and <linux/veth.h>; PF_BRIDGE, NLA_F_NESTED and IFLA_BRPORT_MODE.
const bridgeFamily = 7;
const linkPortInfo = 12 | 0x8000;
const bridgePortMode = 4;
const linkAddress = 1;
const linkName = 3;
const linkMtu = 4;
const linkPeer = 5;
const linkMaster = 10;
const linkInfo = 18;
const linkNamespace = 28;
const infoKind = 1;
const infoData = 2;
const vethPeer = 1;

// <linux/if_addr.h>, <linux/rtnetlink.h>.
const addressOwn = 1;
const addressLocal = 2;
const addressBroadcast = 4;
const noDuplicateCheck = 2;
const routeOut = 4;
const routeGateway = 5;
const routePriority = 6;

const families = { 4: 2, 6: 10 } as const;
const interfaceUp = 1;

/**
 * Puts an interface into a namespace, on a bridge that is there; with addresses and default routes.
 *
 * @throws LadeError NETWORK_FAILED
 */
export function joinBridge(namespace: string, plug: Plug): void {
  try {
    using host = openNetlink();
    using inside = inNetworkNamespace(namespace, openNetlink);
    addPair(host, namespace, plug);
    const link = findLink(inside, plug.interface);
    setUp(host, link.peer);
    inNetworkNamespace(namespace, () => quietIpv6(plug));
    plug.addresses.forEach((address, position) => {
      addAddress(inside, link.index, address, plug.subnets[position]?.subnet ?? "");
    });
    setUp(inside, link.index);
    if (plug.internal) return;
    for (const { gateway } of plug.subnets) addDefaultRoute(inside, link.index, gateway, plug);
  } catch (error) {
    const what = `connect ${plug.interface} to ${plug.bridge}`;
    throw new LadeError("NETWORK_FAILED", `${what}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Lets a container reach its own published ports: a bridge sends nothing back through the port that
 * it came from unless it is told to.
 */
export function allowHairpin(namespace: string, plug: Plug): void {
  using host = openNetlink();
  using inside = inNetworkNamespace(namespace, openNetlink);
  const header = linkHeader(findLink(inside, plug.interface).peer);
  header.writeUInt8(bridgeFamily, 0);
  const mode = encodeAttribute(bridgePortMode, Buffer.from([1]));
  host.request(setLink, 0, Buffer.concat([header, encodeAttribute(linkPortInfo, mode)]));
}

/** Takes an interface out of a namespace, and waits until it is gone. Missing ones are fine. */
export function removeInterface(namespace: string, name: string): void {
  using inside = inNetworkNamespace(namespace, openNetlink);
  removeLink(inside, name);
}

/** Takes an interface's addresses away, which takes no time. Missing ones are fine. */
export function removeAddresses(namespace: string, plug: Plug): void {
  using inside = inNetworkNamespace(namespace, openNetlink);
  try {
    const { index } = findLink(inside, plug.interface);
    plug.addresses.forEach((address, position) => {
      const subnet = plug.subnets[position]?.subnet ?? "";
      inside.request(deleteAddress, 0, encodeInterfaceAddress(index, address, subnet));
    });
  } catch (error) {
    if (!isSystemError(error, "ENODEV") && !isSystemError(error, "EADDRNOTAVAIL")) throw error;
  }
}

/** Removes a bridge with whatever is on it. Does nothing where it is not there. */
export function removeBridgeLink(name: string): void {
  using host = openNetlink();
  removeLink(host, name);
}

function removeLink(netlink: Netlink, name: string): void {
  try {
    const body = Buffer.concat([linkHeader(0), encodeAttribute(linkName, name)]);
    netlink.request(deleteLink, 0, body);
  } catch (error) {
    if (!isSystemError(error, "ENODEV")) throw error;
  }
}

function addPair(host: Netlink, namespace: string, plug: Plug): void {
  const there = fs.openSync(namespace, "r");
  try {
    const mtu = plug.mtu === undefined ? [] : [encodeAttribute(linkMtu, encodeUint32(plug.mtu))];
    const peer = [
      linkHeader(0),
      encodeAttribute(linkName, plug.interface),
      encodeAttribute(linkAddress, Buffer.from(plug.macAddress.replaceAll(":", ""), "hex")),
      encodeAttribute(linkNamespace, encodeUint32(there)),
      ...mtu,
    ];
    const info = [
      encodeAttribute(infoKind, Buffer.from("veth")),
      encodeAttribute(infoData, encodeAttribute(vethPeer, ...peer)),
    ];
    const body = [
      linkHeader(0),
      encodeAttribute(linkMaster, encodeUint32(findLink(host, plug.bridge).index)),
      encodeAttribute(linkInfo, ...info),
      ...mtu,
    ];
    host.request(newLink, create | exclusive, Buffer.concat(body));
  } finally {
    fs.closeSync(there);
  }
}

interface Link {
  readonly index: number;
  /** Index of the other end of a pair, in its own namespace; 0 for what is no pair. */
  readonly peer: number;
}

function findLink(netlink: Netlink, name: string): Link {
  const body = Buffer.concat([linkHeader(0), encodeAttribute(linkName, name)]);
  const [answer] = netlink.request(getLink, 0, body);
  if (answer === undefined) throw new Error(`no interface ${name}`);
  const peer = findAttribute(answer.subarray(linkHeaderSize), linkPeer);
  return { index: answer.readInt32LE(4), peer: peer?.readUInt32LE(0) ?? 0 };
}

const linkHeaderSize = 16;

/** struct ifinfomsg: of the family only the default, of the flags only whether it is up. */
function linkHeader(index: number, flags = 0): Buffer {
  const header = Buffer.alloc(linkHeaderSize);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(flags, 8);
  header.writeUInt32LE(flags, 12);
  return header;
}

function setUp(netlink: Netlink, index: number): void {
  netlink.request(newLink, 0, linkHeader(index, interfaceUp));
}

function addAddress(inside: Netlink, index: number, address: string, subnet: string): void {
  const body = encodeInterfaceAddress(index, address, subnet);
  inside.request(newAddress, create | exclusive, body);
}

function encodeInterfaceAddress(index: number, address: string, subnet: string): Buffer {
  const parsed = parseIpAddress(address);
  const prefix = parseIpPrefix(subnet);
  if (parsed === undefined || prefix === undefined) throw new Error(`no address: ${address}`);
  // struct ifaddrmsg
  const header = Buffer.alloc(8);
  header.writeUInt8(families[parsed.family], 0);
  header.writeUInt8(prefix.bits, 1);
  header.writeUInt8(parsed.family === 6 ? noDuplicateCheck : 0, 2);
  header.writeUInt32LE(index, 4);
  const bytes = encodeAddress(address);
  const attributes = [encodeAttribute(addressLocal, bytes), encodeAttribute(addressOwn, bytes)];
  if (parsed.family === 4) {
    const hostPart = 2n ** BigInt(32 - prefix.bits);
    const last = parsed.value - (parsed.value % hostPart) + hostPart - 1n;
    attributes.push(encodeAttribute(addressBroadcast, encodeValue(last, 4)));
  }
  return Buffer.concat([header, ...attributes]);
}

// RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_UNIVERSE and RTN_UNICAST of <linux/rtnetlink.h>.
const mainTable = 254;
const staticProtocol = 4;
const unicast = 1;

function addDefaultRoute(inside: Netlink, index: number, gateway: string, plug: Plug): void {
  // struct rtmsg
  const header = Buffer.alloc(12);
  header.writeUInt8(families[gateway.includes(":") ? 6 : 4], 0);
  header.writeUInt8(mainTable, 4);
  header.writeUInt8(staticProtocol, 5);
  header.writeUInt8(unicast, 7);
  const attributes = [
    encodeAttribute(routeGateway, encodeAddress(gateway)),
    encodeAttribute(routeOut, encodeUint32(index)),
    encodeAttribute(routePriority, encodeUint32(plug.metric)),
  ];
  inside.request(newRoute, create, Buffer.concat([header, ...attributes]));
}

function encodeAddress(text: string): Buffer {
  const address = parseIpAddress(text);
  if (address === undefined) throw new Error(`no address: ${text}`);
  return encodeValue(address.value, address.family === 4 ? 4 : 16);
}

function encodeValue(value: bigint, size: number): Buffer {
  return Buffer.from(value.toString(16).padStart(size * 2, "0"), "hex");
}

/** As netavark does: addresses are given, never made up. */
function quietIpv6({ interface: name }: Plug): void {
  try {
    fs.writeFileSync(`/proc/sys/net/ipv6/conf/${name}/autoconf`, "0");
  } catch (error) {
    if (!isSystemError(error, "ENOENT") && !isSystemError(error, "EROFS")) throw error;
  }
}
