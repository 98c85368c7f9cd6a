// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { LadeError } from "../base/errors.ts";
import { localSocketPath } from "../sys/socket.ts";
import { systemText } from "./listen-error.ts";
import type { PassedSocket } from "./service-manager.ts";

const firstFd = 3;

/**
 * The sockets that `fd://NAME` means.
 *
 * @param name a name, a descriptor's number from 3 on, or `*` for all of them
 * @throws LadeError LISTEN_FAILED where there is none
 */
export function choosePassed(name: string, passed: readonly PassedSocket[]): PassedSocket[] {
  if (passed.length === 0) {
    throw new LadeError(
      "LISTEN_FAILED",
      "no sockets found via socket activation: make sure the service was started by systemd",
    );
  }
  if (name === "*") return [...passed];
  const number = /^\d{1,4}$/.test(name) ? Number(name) : undefined;
  const chosen = passed.filter((socket) => socket.name === name || socket.fd === number);
  if (chosen.length > 0) return chosen;
  const last = firstFd + passed.length - 1;
  const there = passed.map((socket) => socket.name).join(", ");
  throw new LadeError(
    "LISTEN_FAILED",
    `no socket ${name} was passed by systemd, but ${firstFd} to ${last}: ${there}`,
  );
}

/** Whether a passed socket is a local one, and its path. */
export function passedSocketPath({ fd }: PassedSocket): string | undefined {
  try {
    if (!fs.fstatSync(fd).isSocket()) throw new Error("it is no socket");
    return localSocketPath(fd);
  } catch (error) {
    throw new LadeError("LISTEN_FAILED", `listen fd://${fd}: ${systemText(error)}`, {
      cause: error,
    });
  }
}
