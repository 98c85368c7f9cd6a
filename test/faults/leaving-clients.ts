// SPDX-License-Identifier: Apache-2.0

/** Clients of the API that leave in the middle, read slowly, or never finish what they say. */

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "./random.ts";
import type { WatchedServer } from "./watched-server.ts";

const piece = 64 * 1024;
const patienceMs = 30_000;

/** What the clients of a round know. */
export interface Leaving {
  readonly server: WatchedServer;
  readonly random: Random;
  /** An image archive whose image is not in the store. */
  readonly archive: Buffer;
  /** A tar for the container. */
  readonly files: Buffer;
  readonly image: string;
  readonly container: string;
}

/** After so many bytes somebody leaves: each 64 KiB, and right before the end. */
export function leavingPoints(size: number): number[] {
  const points = Array.from({ length: Math.ceil(size / piece) }, (_, index) => index * piece);
  return [...points, size - 1];
}

async function dial({ server }: Leaving): Promise<Socket> {
  const socket = connect(server.socket);
  socket.on("error", () => {});
  socket.setMaxListeners(0);
  await once(socket, "connect");
  return socket;
}

function written(socket: Socket, bytes: Uint8Array | string): Promise<unknown> {
  // A server that closed answers no more: then there is nothing to wait for.
  const gone = socket.closed ? undefined : once(socket, "close");
  return Promise.race([new Promise((resolve) => socket.write(bytes, resolve)), gone]);
}

/** Sends so much of a body and is gone; every other one in chunks. */
export async function leaveWhileSending(
  leaving: Leaving,
  request: string,
  body: Buffer,
): Promise<void> {
  const socket = await dial(leaving);
  const isChunked = leaving.random.chance(0.5);
  const size = request.startsWith("PUT") ? leaving.files.length : leaving.archive.length;
  const framing = isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${size}`;
  const head = `${request} HTTP/1.1\r\nHost: d\r\nContent-Type: application/x-tar\r\n${framing}\r\n\r\n`;
  await written(socket, head);
  for (let at = 0; at < body.length; at += piece) {
    const part = body.subarray(at, at + piece);
    if (isChunked) await written(socket, `${part.length.toString(16)}\r\n`);
    await written(socket, part);
    if (isChunked) await written(socket, "\r\n");
  }
  socket.destroy();
}

/** Reads a little of an answer, some of it slowly, and is gone. */
async function leaveWhileReading(leaving: Leaving, request: string): Promise<void> {
  const socket = await dial(leaving);
  socket.write(`${request} HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n`);
  await dataOrEnd(socket);
  const reads = leaving.random.below(4);
  for (let turn = 0; turn < reads; turn++) {
    await delay(leaving.random.below(30));
    socket.read(1 + leaving.random.below(piece));
  }
  socket.destroy();
}

async function dataOrEnd(socket: Socket): Promise<void> {
  const waits = [once(socket, "readable"), once(socket, "end"), once(socket, "close")];
  await Promise.race([...waits, delay(patienceMs, undefined, { ref: false })]);
}

/** A request that is never finished. */
async function leaveHalfSaid(leaving: Leaving): Promise<void> {
  const body = JSON.stringify({ Image: leaving.image, Cmd: ["/bin/busybox", "true"] });
  const whole =
    "POST /containers/create?name=half HTTP/1.1\r\nHost: d\r\n" +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const socket = await dial(leaving);
  await written(socket, whole.slice(0, 1 + leaving.random.below(whole.length - 1)));
  if (leaving.random.chance(0.3)) await delay(leaving.random.below(50));
  socket.destroy();
}

const upgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\n";

/** Watches the container, and leaves: at once, after some output, or by ending what it sends. */
async function attachAndLeave(leaving: Leaving): Promise<void> {
  const { container, random } = leaving;
  const socket = await dial(leaving);
  const path = `/containers/${container}/attach?stream=1&stdout=1&stderr=1&stdin=1&logs=1`;
  const isUpgrade = random.chance(0.7);
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: d\r\n${isUpgrade ? upgrade : ""}Content-Length: 0\r\n\r\n`,
  );
  if (random.chance(0.8)) await dataOrEnd(socket);
  if (random.chance(0.3)) {
    socket.end();
    socket.resume();
    await delay(random.below(20));
  }
  socket.destroy();
}

/** Runs something in the container; leaves while it runs, or hears it out. */
async function execAndLeave(leaving: Leaving): Promise<void> {
  const { container, random, server } = leaving;
  // One that reads until its client is gone, and one that ends by itself.
  const isReader = random.chance(0.4);
  const Cmd = isReader ? ["/bin/busybox", "cat"] : ["/bin/busybox", "echo", "said"];
  const body = { Cmd, AttachStdin: isReader, AttachStdout: true, AttachStderr: true };
  const made = await server.request("POST", `/containers/${container}/exec`, { body });
  if (made.status !== 201) throw new Error(`exec: ${made.status} ${made.body.toString()}`);
  if (random.chance(0.2)) return;
  const { Id } = made.json as { Id: string };
  const start = JSON.stringify({ Detach: false, Tty: false });
  const socket = await dial(leaving);
  await written(
    socket,
    `POST /exec/${Id}/start HTTP/1.1\r\nHost: d\r\n${upgrade}Content-Length: ${start.length}\r\n\r\n${start}`,
  );
  const isPatient = random.chance(0.7);
  if (isPatient) await dataOrEnd(socket);
  if (isReader && random.chance(0.5)) await written(socket, randomBytes(random.below(piece)));
  if (isPatient && !isReader) {
    socket.resume();
    await Promise.race([once(socket, "close"), delay(patienceMs, undefined, { ref: false })]);
  }
  socket.destroy();
}

/** One of those that cost little, as often as wanted. */
export async function anyCall(leaving: Leaving): Promise<void> {
  const { random } = leaving;
  // Starting a process in a container takes longest by far.
  if (random.chance(0.25)) await execAndLeave(leaving);
  else await attachAndLeave(leaving);
}

/** Every way to read an answer and not to. */
export function readers(leaving: Leaving): (() => Promise<void>)[] {
  const { container, image } = leaving;
  const requests = [
    `GET /images/${image}/get`,
    `GET /containers/${container}/export`,
    `GET /containers/${container}/logs?stdout=1&follow=1`,
    `GET /containers/${container}/logs?stdout=1`,
    `GET /containers/${container}/stats`,
    `GET /containers/${container}/archive?path=/`,
    `POST /containers/${container}/wait`,
    "GET /events",
    "GET /events?since=1",
  ];
  const reads = requests.map((request) => () => leaveWhileReading(leaving, request));
  return [...reads, () => leaveHalfSaid(leaving), () => leaveHalfSaid(leaving)];
}
