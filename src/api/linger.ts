// SPDX-License-Identifier: Apache-2.0

import type { IncomingMessage } from "node:http";

/** How long a client may take to read why it is not listened to any more. */
const lingerMs = 500;

/**
 * Has a connection end as Go's server ends one whose request nobody has read to its end: this side
 * is closed, and what still comes is thrown away for a moment. Closed at once, the client's next
 * write would fail, and clients then tell of a broken pipe and not of the answer.
 */
export function lingerAtEnd(request: IncomingMessage): void {
  const { socket } = request;
  const destroySoon = socket.destroySoon.bind(socket);
  // Node calls it when the last answer of a connection is out.
  socket.destroySoon = () => {
    if (request.complete || socket.destroyed) return destroySoon();
    socket.end();
    request.resume();
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    request.once("end", destroySoon);
    socket.once("close", () => clearTimeout(timer));
  };
}
