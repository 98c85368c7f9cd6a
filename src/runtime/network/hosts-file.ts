// SPDX-License-Identifier: Apache-2.0

/** A container's `/etc/hosts`: as Docker writes it, and with the names of its neighbours. */

import * as fs from "node:fs";
import { isSystemError } from "../../base/errors.ts";

/** One line: an address and the names that lead to it. */
export interface HostsLine {
  readonly address: string;
  readonly names: readonly string[];
}

export interface HostsOptions {
  /** `--add-host`, and the like. */
  readonly extra: readonly HostsLine[];
  /** The container's own addresses and names. */
  readonly own: readonly HostsLine[];
  readonly hasIpv6: boolean;
}

const localhost = "127.0.0.1\tlocalhost\n";
const ipv6Names: string = [
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::\tip6-localnet",
  "ff00::\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
  "",
].join("\n");

/** The file as it is when the container starts, before it has neighbours. */
export function formatHosts(options: HostsOptions): string {
  const lines = [...options.extra, ...options.own];
  return `${localhost}${options.hasIpv6 ? ipv6Names : ""}${formatLines(lines)}`;
}

/** The container's own name on its own line, as Docker has it: whole, then up to the first dot. */
export function ownNames(hostname: string, domainname = ""): string[] {
  const whole = domainname === "" ? hostname : `${hostname}.${domainname}`;
  const dot = whole.indexOf(".");
  return dot < 0 ? [whole] : [whole, whole.slice(0, dot)];
}

function formatLines(lines: readonly HostsLine[]): string {
  return lines.map(({ address, names }) => `${address}\t${names.join(" ")}\n`).join("");
}

const firstMark = "# Containers on the same networks:\n";
const lastMark = "# End of containers on the same networks.\n";

/**
 * The file with the names of the container's neighbours, which replace those of before. What the
 * container itself wrote around them stays.
 */
export function withNeighbours(hosts: string, neighbours: readonly HostsLine[]): string {
  const start = hosts.indexOf(firstMark);
  const end = hosts.indexOf(lastMark, start);
  const isMarked = start >= 0 && end >= 0;
  const before = isMarked ? hosts.slice(0, start) : hosts;
  const after = isMarked ? hosts.slice(end + lastMark.length) : "";
  if (neighbours.length === 0) return before + after;
  const newline = before === "" || before.endsWith("\n") ? "" : "\n";
  return `${before}${newline}${firstMark}${formatLines(neighbours)}${lastMark}${after}`;
}

/** What a container may have made of its file: larger ones are left alone. */
const mostSize = 1024 * 1024;

/**
 * Rewrites the names of a container's neighbours in its hosts file, which is mounted in the
 * container and so must stay the same file. Does nothing where there is none.
 */
export function updateNeighbours(path: string, neighbours: readonly HostsLine[]): void {
  let fd: number;
  try {
    fd = fs.openSync(path, fs.constants.O_RDWR + fs.constants.O_NOFOLLOW);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return;
    throw error;
  }
  try {
    if (fs.fstatSync(fd).size > mostSize) return;
    const hosts = fs.readFileSync(fd, "utf8");
    const changed = withNeighbours(hosts, neighbours);
    if (changed !== hosts) overwrite(fd, changed);
  } finally {
    fs.closeSync(fd);
  }
}

/** In one write, and cut only after it, so that a reader finds the old names or the new ones. */
function overwrite(fd: number, text: string): void {
  const bytes = Buffer.from(text, "utf8");
  fs.writeSync(fd, bytes, 0, bytes.length, 0);
  fs.ftruncateSync(fd, bytes.length);
}

/** Writes a file anew in place: a container that still runs keeps seeing it. */
export function writeInPlace(path: string, text: string): void {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = fs.constants;
  const fd = fs.openSync(path, O_RDWR + O_CREAT + O_NOFOLLOW, 0o644);
  try {
    overwrite(fd, text);
  } finally {
    fs.closeSync(fd);
  }
}

/** The host's own file, for containers that share its network; empty where there is none. */
export function readHostFile(path: string): string {
  try {
    return fs.readFileSync(path, "utf8");
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return "";
    throw error;
  }
}
