// SPDX-License-Identifier: Apache-2.0

/** Clients that have left while nothing was written to them and nothing more was read from them. */

import type { Duplex } from "node:stream";
import { hungUp } from "../sys/hang-up.ts";

const periodMs = 500;

interface Watched {
  /** What it sent last is read first, if the process takes it. */
  wasGone: boolean;
}

const watched = new Map<Duplex, Watched>();
let timer: NodeJS.Timeout | undefined;

/** Destroys a connection once its client has left altogether; one timer looks after all of them. */
export function watchHangUp(socket: Duplex): void {
  if (socket.destroyed) return;
  watched.set(socket, { wasGone: false });
  socket.once("close", () => {
    watched.delete(socket);
    if (watched.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  });
  timer ??= setInterval(look, periodMs).unref();
}

/** Undefined for what has no descriptor of its own, such as TLS: its closing ends both ways. */
function descriptorOf(socket: Duplex): number | undefined {
  const { _handle: handle } = socket as Duplex & { readonly _handle?: { readonly fd?: number } };
  const fd = handle?.fd;
  return fd === undefined || fd < 0 || socket.destroyed ? undefined : fd;
}

function look(): void {
  const found = [...watched].flatMap(([socket, state]) => {
    const fd = descriptorOf(socket);
    return fd === undefined ? [] : [{ socket, state, fd }];
  });
  const gone = hungUp(found.map(({ fd }) => fd));
  for (const [index, { socket, state }] of found.entries()) {
    if (gone[index] !== true) continue;
    if (state.wasGone || socket.readableEnded) socket.destroy();
    state.wasGone = true;
  }
}
