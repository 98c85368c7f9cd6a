// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { basename } from "node:path";

/**
 * Whether a connection to a Unix socket waits to be accepted: the kernel lists it under the socket's
 * name, with no inode before somebody has it.
 *
 * Who listens may have bound it by another path to its folder, so only the last part is compared,
 * and connections to other sockets of that name count, too.
 */
export function hasUnaccepted(path: string): boolean {
  return unacceptedIn(fs.readFileSync("/proc/net/unix", "latin1"), basename(path));
}

/** As {@link hasUnaccepted}, in the kernel's list: `Num RefCount Protocol Flags Type St Inode Path`. */
export function unacceptedIn(list: string, name: string): boolean {
  return list.split("\n").some((line) => line.endsWith(`/${name}`) && / 0 \//.test(line));
}
