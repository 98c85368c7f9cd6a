// SPDX-License-Identifier: Apache-2.0

import type { PublishedPort } from "../../engine/container-types.ts";

/** An address and port: `0.0.0.0:80`, `[::]:80` (Go's `net.JoinHostPort`). */
export function joinHostPort(host: string, port: string): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

interface Group {
  readonly ip: string;
  readonly type: string;
  readonly first: number;
  last: number;
}

/**
 * The ports of a container as `ps` lists them: `90-91/udp, 0.0.0.0:8080->80/tcp`; neighbours are
 * put together.
 *
 * Source: `DisplayablePorts` of docker/cli.
 */
export function portsText(ports: readonly PublishedPort[]): string {
  const done: string[] = [];
  const mapped: string[] = [];
  const groups = new Map<string, Group>();
  for (const port of [...ports].sort(comparePorts)) {
    const { IP: ip = "", PrivatePort: number, PublicPort: publicPort = 0, Type: type } = port;
    if (ip !== "" && publicPort !== number) {
      mapped.push(`${joinHostPort(ip, String(publicPort))}->${number}/${type}`);
      continue;
    }
    const key = `${ip}/${type}`;
    const group = groups.get(key);
    if (group !== undefined && number === group.last + 1) {
      group.last = number;
      continue;
    }
    if (group !== undefined) done.push(groupText(group));
    groups.set(key, { ip, type, first: number, last: number });
  }
  return [...done, ...[...groups.values()].map(groupText), ...mapped].join(", ");
}

function groupText({ ip, type, first, last }: Group): string {
  const numbers = first === last ? String(first) : `${first}-${last}`;
  return ip === "" ? `${numbers}/${type}` : `${joinHostPort(ip, numbers)}->${numbers}/${type}`;
}

function comparePorts(left: PublishedPort, right: PublishedPort): number {
  const texts = (one: string | undefined, other: string | undefined) => {
    const [first, second] = [one ?? "", other ?? ""];
    return first === second ? 0 : first < second ? -1 : 1;
  };
  return (
    left.PrivatePort - right.PrivatePort ||
    texts(left.IP, right.IP) ||
    (left.PublicPort ?? 0) - (right.PublicPort ?? 0) ||
    texts(left.Type, right.Type)
  );
}
