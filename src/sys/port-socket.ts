// SPDX-License-Identifier: Apache-2.0

/** Sockets that hold a port of the host, so that no other program takes it. */

import * as fs from "node:fs";
import { type IpAddress, parseIpAddress } from "../spec/ip-address.ts";
import { libcCalls } from "./calls.ts";
import { checkCall } from "./errno.ts";

// <sys/socket.h>, <netinet/in.h> on x86-64 and arm64.
const domains = { 4: 2, 6: 10 } as const;
const streamType = 1;
const datagramType = 2;
const closeOnExecType = 0o2000000;
const sctpProtocol = 132;
const socketLevel = 1;
const reuseAddress = 2;
const ipv6Level = 41;
const ipv6Only = 26;
const shutdownRead = 0;
const enabled: Buffer = Buffer.from([1, 0, 0, 0]);
const disabled: Buffer = Buffer.alloc(4);

export interface PortAddress {
  readonly protocol: "tcp" | "udp" | "sctp";
  /** An address of the host; `0.0.0.0` or `::` for all of them. */
  readonly address: string;
  readonly port: number;
}

/**
 * Takes a port until the descriptor closes, here and in every process that inherited it.
 *
 * @throws SystemError EADDRINUSE where another program has it, EADDRNOTAVAIL where the address is
 *   none of this host's, EPROTONOSUPPORT where the kernel lacks the protocol
 */
export function holdPort({ protocol, address, port }: PortAddress): number {
  const calls = libcCalls();
  const parsed = parseIpAddress(address);
  if (parsed === undefined) throw new RangeError(`no address: ${address}`);
  const type = (protocol === "udp" ? datagramType : streamType) | closeOnExecType;
  const number = protocol === "sctp" ? sctpProtocol : 0;
  const fd = checkCall(calls.socket(domains[parsed.family], type, number), { syscall: "socket" });
  try {
    // As every server does: connections of the one before that are still closing don't count.
    if (protocol !== "udp") {
      calls.setsockopt(fd, socketLevel, reuseAddress, enabled, enabled.length);
    }
    if (parsed.family === 6) calls.setsockopt(fd, ipv6Level, ipv6Only, enabled, enabled.length);
    const encoded = encodeAddress(parsed, port);
    checkCall(calls.bind(fd, encoded, encoded.length), { syscall: "bind" });
    if (protocol !== "udp") {
      // With that option two may bind, but only one may listen.
      checkCall(calls.listen(fd, 1), { syscall: "listen" });
      // Ended again it refuses connections that no rule leads elsewhere, rather than let them wait;
      // without the option it keeps others from listening all the same.
      calls.shutdown(fd, shutdownRead);
      calls.setsockopt(fd, socketLevel, reuseAddress, disabled, disabled.length);
    }
    return fd;
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/** struct sockaddr_in or sockaddr_in6: the family in the machine's order, the rest in the network's. */
function encodeAddress({ family, value }: IpAddress, port: number): Buffer {
  const encoded = Buffer.alloc(family === 4 ? 16 : 28);
  encoded.writeUInt16LE(domains[family], 0);
  encoded.writeUInt16BE(port, 2);
  if (family === 4) encoded.writeUInt32BE(Number(value), 4);
  else encoded.write(value.toString(16).padStart(32, "0"), 8, "hex");
  return encoded;
}
