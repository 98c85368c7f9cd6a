// SPDX-License-Identifier: Apache-2.0

/** Connections that leave HTTP, from the client's side, for tests of attach and exec. */

import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import type { LadeServe } from "./lade-serve.ts";
import { requireTool, runOrThrow } from "./tools.ts";

export interface Hijacked {
  readonly head: string;
  readonly socket: Socket;
  /** What came after the head so far. */
  soFar(): Buffer;
  /** What came after the head, to the end of the connection. */
  readonly rest: Promise<Buffer>;
}

export interface HijackOptions {
  readonly body?: string;
  /** Undefined: asks for none. */
  readonly upgrade?: string | undefined;
}

/** Sends a request and hands out the connection once the head of its answer is there. */
export async function hijack(
  socketPath: string,
  path: string,
  { body = "", ...options }: HijackOptions = {},
): Promise<Hijacked> {
  const upgrade = "upgrade" in options ? options.upgrade : "tcp";
  const socket = connect({ path: socketPath, allowHalfOpen: true });
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: lade\r\n` +
      (upgrade === undefined ? "" : `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`) +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  const parts: Buffer[] = [];
  const head = Promise.withResolvers<string>();
  const rest = Promise.withResolvers<Buffer>();
  let headSize = -1;
  const soFar = () => Buffer.concat(parts).subarray(headSize);
  socket.on("data", (part: Buffer) => {
    parts.push(part);
    if (headSize >= 0) return;
    const whole = Buffer.concat(parts);
    const end = whole.indexOf("\r\n\r\n");
    if (end < 0) return;
    headSize = end + 4;
    head.resolve(whole.subarray(0, headSize).toString());
  });
  socket.once("close", () => rest.resolve(soFar()));
  socket.once("end", () => socket.end());
  socket.on("error", (error) => {
    head.reject(error);
    socket.destroy();
  });
  return { head: await head.promise, socket, soFar, rest: rest.promise };
}

/** Makes a container without a network, and gives its ID. */
export async function createBox(serve: LadeServe, body: object): Promise<string> {
  const answer = await serve.request("POST", "/v1.41/containers/create", {
    body: { Image: "box:1", HostConfig: { NetworkMode: "none" }, ...body },
  });
  assert.equal(answer.status, 201, answer.body.toString());
  return (answer.json as { Id: string }).Id;
}

export async function startBox(serve: LadeServe, id: string): Promise<void> {
  const { status, body } = await serve.request("POST", `/containers/${id}/start`);
  assert.equal(status, 204, body.toString());
}

/** Makes ready to run a command in a container, and gives its ID. */
export async function makeExec(serve: LadeServe, id: string, config: object): Promise<string> {
  const made = await serve.request("POST", `/containers/${id}/exec`, { body: config });
  assert.equal(made.status, 201, made.body.toString());
  return (made.json as { Id: string }).Id;
}

/** Takes in `box:1`, a root with busybox. */
export async function importBox(serve: LadeServe): Promise<void> {
  const busybox = requireTool("busybox", "busybox-static");
  const lines = [
    "mkdir -p box/bin box/tmp",
    `cp ${busybox} box/bin/busybox`,
    "for name in sh cat dd echo head sleep stty true yes; do ln -s busybox box/bin/$name; done",
    "tar -C box -cf box.tar .",
  ];
  await runOrThrow("/bin/bash", ["-ec", lines.join("\n")], { cwd: serve.folder });
  const { code, stderr } = await serve.lade("import", `${serve.folder}/box.tar`, "box:1");
  assert.equal(code, 0, stderr);
}

export function* frames(bytes: Buffer): Generator<{ stream: number; bytes: Buffer }> {
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at + 4);
    yield { stream: bytes.readUInt8(at), bytes: bytes.subarray(at + 8, at + 8 + size) };
    at += 8 + size;
  }
}

/** What came on each stream. */
export function readFrames(bytes: Buffer): Record<number, string> {
  const texts: Record<number, string> = {};
  for (const frame of frames(bytes)) {
    texts[frame.stream] = (texts[frame.stream] ?? "") + frame.bytes.toString();
  }
  return texts;
}
