// SPDX-License-Identifier: Apache-2.0

/** The HTTP libraries, a file of their own in the bundle: only `lade serve` reads it. */

export { fastify, LogController } from "fastify";
export { WebSocketServer } from "ws";
