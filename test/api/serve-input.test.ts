// SPDX-License-Identifier: Apache-2.0

/** Clients that send what no client should. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { limits } from "../../src/base/limits.ts";
import { type LadeServe, startLadeServe } from "../helpers/lade-serve.ts";
import { eventually, openFiles, sendBytes } from "../helpers/serve-process.ts";

const ping = "GET /_ping HTTP/1.1\r\nHost: d\r\n";
const post = (headers: string, body = "") =>
  `POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n${headers}\r\n${body}`;
const events = "GET /events HTTP/1.1\r\nHost: d\r\n\r\n";
const statusesOf = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, s]) => s);

describe("a server that is sent anything", () => {
  let serve: LadeServe;
  before(async () => {
    serve = await startLadeServe();
    await serve.request("GET", "/_ping");
    await serve.request("GET", "/containers/json");
    // What is opened once stays: the watch on events of other processes is.
    const watcher = connect(serve.socket);
    watcher.write(events);
    await once(watcher, "data");
    watcher.destroy();
  });
  after(async () => {
    assert.equal((await serve.request("GET", "/_ping")).status, 200);
    await serve[Symbol.asyncDispose]();
  });

  it("answers what is no HTTP with 400", async () => {
    for (const bytes of [
      "garbage\r\n\r\n",
      "\u0016\u0003\u0001\u0002\u0000\u0001",
      "GET /_ping HTTP/1.1\r\n\r\n",
      "GET /_ping HTTP/9.9\r\nHost: d\r\n\r\n",
      `${ping}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
      `${ping}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `${ping}Content-Length: -1\r\n\r\n`,
      `${ping}A: b\n c\u0000\r\n\r\n`,
    ]) {
      const answer = await sendBytes(serve.socket, bytes);
      assert.deepEqual(statusesOf(answer), ["400"], JSON.stringify(bytes));
    }
  });

  it("refuses headers beyond number and size", async () => {
    const many = Array.from({ length: 10_000 }, (_, index) => `h${index}: x\r\n`).join("");
    assert.deepEqual(statusesOf(await sendBytes(serve.socket, `${ping}${many}\r\n`)), ["431"]);
    const some = "h: x\r\n".repeat(limits.api.headersCount);
    assert.deepEqual(statusesOf(await sendBytes(serve.socket, `${ping}${some}\r\n`)), ["431"]);
    const long = `h: ${"x".repeat(limits.api.headersSize)}\r\n`;
    assert.deepEqual(statusesOf(await sendBytes(serve.socket, `${ping}${long}\r\n`)), ["431"]);
  });

  it("answers pipelined requests in their order", async () => {
    const last = "GET /nothing HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n";
    const answer = await sendBytes(serve.socket, `${ping}\r\n${last}`);
    assert.deepEqual(statusesOf(answer), ["200", "404"]);
  });

  it("lives on when an upgrade comes behind a request that is not answered yet", async () => {
    const attach =
      "POST /containers/x/attach HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
    await sendBytes(serve.socket, `${events}${attach}`);
    const again = await sendBytes(serve.socket, `${attach}${attach}`);
    assert.deepEqual(statusesOf(again), ["404"]);
  });

  it("takes a length that lies for what it is", async () => {
    const short = await sendBytes(serve.socket, post("Content-Length: 1\r\n", "{}}}}"));
    assert.deepEqual(statusesOf(short), ["400"]);
    // One that promises more than comes, and leaves.
    for (const cut of [
      post("Content-Length: 99\r\n", "{"),
      ping,
      "GET",
      post("Content-Length: 5"),
    ]) {
      const socket = connect(serve.socket);
      await once(socket, "connect");
      socket.write(cut);
      await serve.request("GET", "/_ping");
      socket.destroy();
    }
    const halfClosed = connect(serve.socket);
    halfClosed.resume();
    halfClosed.on("error", () => {});
    halfClosed.end(post("Content-Length: 99\r\n", "{"));
    await once(halfClosed, "close");
  });

  it("gives back the descriptors of many clients that leave in the middle", async () => {
    let [files, same] = [0, 0];
    await eventually("a number of descriptors that stays", () => {
      const now = openFiles(serve.pid);
      same = now === files ? same + 1 : 0;
      files = now;
      return same === 40;
    });
    const sockets = Array.from({ length: 200 }, () => connect(serve.socket));
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    sockets.forEach((socket, index) => {
      socket.on("error", () => {});
      const whole = index % 2 === 0 ? events : post("Content-Length: 99\r\n", "{");
      socket.write(whole.slice(0, index));
    });
    await serve.request("GET", "/_ping");
    for (const socket of sockets) socket.destroy();
    await eventually("all descriptors come back", () => openFiles(serve.pid) <= files);
  });
});
