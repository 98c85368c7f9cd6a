// SPDX-License-Identifier: Apache-2.0

/**
 * Network namespaces.
 *
 * A namespace belongs to a thread. All here is synchronous and goes back before it returns, so
 * that nothing else of this thread runs inside; the threads of Node's pool never leave.
 */

import * as fs from "node:fs";
import { libcCalls } from "./calls.ts";
import { checkCall } from "./errno.ts";
import { bindMount } from "./mount.ts";

// CLONE_NEWNET of <linux/sched.h>.
const newNetwork = 0x40000000;
const ownNamespace = "/proc/thread-self/ns/net";

/**
 * Makes a network namespace with its loopback device up, and keeps it at a path until that is
 * unmounted.
 *
 * @param path a file is made there; its folder must exist
 * @throws SystemError EPERM without root, EEXIST where the path is taken
 */
export function createNetworkNamespace(path: string): void {
  fs.closeSync(fs.openSync(path, "wx", 0o600));
  try {
    withOwnNetwork(() => {
      checkCall(libcCalls().unshare(newNetwork), { syscall: "unshare" });
      bringLoopbackUp();
      bindMount(ownNamespace, path);
    });
  } catch (error) {
    fs.rmSync(path, { force: true });
    throw error;
  }
}

/**
 * Does some work in the network namespace at a path; programs that it spawns start in there.
 *
 * @param work synchronous
 */
export function inNetworkNamespace<T>(path: string, work: () => T): T {
  const there = fs.openSync(path, "r");
  try {
    return withOwnNetwork(() => {
      checkCall(libcCalls().setns(there, newNetwork), { syscall: "setns", path });
      return work();
    });
  } finally {
    fs.closeSync(there);
  }
}

/** Goes back to the namespace of before, whatever the work does. */
function withOwnNetwork<T>(work: () => T): T {
  const own = fs.openSync(ownNamespace, "r");
  try {
    return work();
  } finally {
    const back = libcCalls().setns(own, newNetwork);
    fs.closeSync(own);
    checkCall(back, { syscall: "setns", path: ownNamespace });
  }
}

// <sys/socket.h>, <linux/sockios.h> and <linux/if.h>.
const internetDomain = 2;
const datagramType = 2 | 0o2000000;
const setInterfaceFlags = 0x8914n;
const interfaceUp = 1;

function bringLoopbackUp(): void {
  const calls = libcCalls();
  const fd = checkCall(calls.socket(internetDomain, datagramType, 0), { syscall: "socket" });
  try {
    // struct ifreq: a name of 16 bytes, then the flags.
    const request = Buffer.alloc(40);
    request.write("lo", 0);
    request.writeUInt16LE(interfaceUp, 16);
    checkCall(calls.ioctl(fd, setInterfaceFlags, request), { syscall: "ioctl SIOCSIFFLAGS" });
  } finally {
    fs.closeSync(fd);
  }
}
