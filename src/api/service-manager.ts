// SPDX-License-Identifier: Apache-2.0

/**
 * What a service manager passes to a service, and what it wants to hear.
 *
 * @see sd_listen_fds(3), sd_notify(3)
 */

import { isSystemError } from "../base/errors.ts";
import { keepInheritedDescriptors } from "../sys/inherited.ts";
import { sendDatagram } from "../sys/socket.ts";

export interface PassedSocket {
  readonly fd: number;
  /** What the socket's unit calls it; `unknown` where it does not say. */
  readonly name: string;
}

export interface ServiceManager {
  /** Open sockets that listen already. */
  readonly sockets: readonly PassedSocket[];
  /** Tells of a state, such as `READY=1`; does nothing where nobody wants to know. */
  notify(state: string): void;
}

type Environment = Record<string, string | undefined>;

const firstFd = 3;
const ownVariables = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET"] as const;

/**
 * Takes over what the environment says, and takes it out of there: neither variables nor descriptors
 * are for processes that this one starts.
 */
export function takeServiceManager(env: Environment, pid: number): ServiceManager {
  const {
    LISTEN_FDS: count = "",
    LISTEN_PID: owner = "",
    LISTEN_FDNAMES: names = "",
    NOTIFY_SOCKET: address = "",
  } = env;
  for (const name of ownVariables) delete env[name];
  const isOurs = owner === String(pid) && /^\d{1,4}$/.test(count);
  const given = names === "" ? [] : names.split(":");
  const sockets = Array.from({ length: isOurs ? Number(count) : 0 }, (_, index) => ({
    fd: firstFd + index,
    name: given[index] ?? "unknown",
  }));
  keepInheritedDescriptors();
  return {
    sockets,
    notify(state) {
      if (!/^[/@]./.test(address)) return;
      try {
        sendDatagram(address, Buffer.from(state));
      } catch (error) {
        // Whoever asked is gone, or does not listen: that stops no service.
        if (!isSystemCallError(error)) throw error;
      }
    },
  };
}

function isSystemCallError(error: unknown): boolean {
  return error instanceof Error && "code" in error && isSystemError(error, String(error.code));
}
