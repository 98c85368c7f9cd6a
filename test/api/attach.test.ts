// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { createBox, hijack, importBox, makeExec, readFrames, startBox } from "../helpers/hijack.ts";
import { type LadeServe, startLadeServe } from "../helpers/lade-serve.ts";
import { eventually, openFiles } from "../helpers/serve-process.ts";

describe("attaching by the API", { timeout: 600_000 }, () => {
  let serve: LadeServe;
  before(async () => {
    serve = await startLadeServe();
    await importBox(serve);
  });
  after(() => serve[Symbol.asyncDispose]());

  async function started(body: object): Promise<string> {
    const id = await createBox(serve, body);
    await startBox(serve, id);
    return id;
  }

  async function runs(id: string): Promise<boolean> {
    const { json } = await serve.request("GET", `/containers/${id}/json`);
    return (json as { State: { Running: boolean } }).State.Running;
  }

  /** What was noted of a container so far, the oldest first. */
  async function actions(id: string): Promise<string[]> {
    const now = (Date.now() / 1000).toFixed(3);
    const filters = encodeURIComponent(JSON.stringify({ container: [id] }));
    const { body } = await serve.request("GET", `/events?since=0&until=${now}&filters=${filters}`);
    const lines = body.toString().split("\n").filter(Boolean);
    return lines.map((line) => (JSON.parse(line) as { Action: string }).Action);
  }

  const attachPath = (id: string, query: string) => `/v1.41/containers/${id}/attach?${query}`;

  it("by a websocket, both ways", async () => {
    const id = await started({ Cmd: ["cat"], OpenStdin: true });
    const query = "stream=1&stdin=1&stdout=1";
    const client = new WebSocket(
      `ws+unix://${serve.socket}:/v1.41/containers/${id}/attach/ws?${query}`,
    );
    await once(client, "open");
    let text = "";
    client.on("message", (data: Buffer, isBinary: boolean) => {
      assert.ok(isBinary);
      text += data.toString();
    });
    client.send("one\n");
    client.send(Buffer.from("two\n"));
    await eventually("what was sent", () => text === "one\ntwo\n");
    client.terminate();
    await delay(1000);
    assert.ok(await runs(id));
    const again = new WebSocket(`ws+unix://${serve.socket}:/containers/${id}/attach/ws?${query}`);
    await once(again, "open");
    const closed = once(again, "close");
    await serve.request("POST", `/containers/${id}/kill`);
    await closed;
  });

  it("refuses handshakes that are none, and containers that are not there", async () => {
    const id = await started({ Cmd: ["sleep", "1000"] });
    const { status } = await serve.request("GET", `/containers/${id}/attach/ws?stream=1`);
    assert.equal(status, 400);
    const answer = await sendHead(serve, `GET /containers/${id}/attach/ws HTTP/1.1`, [
      "Connection: Upgrade",
      "Upgrade: websocket",
    ]);
    assert.match(answer, /^HTTP\/1\.1 400 /);
    const missing = new WebSocket(`ws+unix://${serve.socket}:/containers/missing/attach/ws`);
    const [error] = await once(missing, "error");
    assert.match(String(error), /404/);
    assert.ok(await runs(id));
  });

  for (const [title, keys, typed] of [
    ["Docker's keys", "", "\x10\x11"],
    ["keys of one's own", "ctrl-a,b", "\x01b"],
  ] as const) {
    it(`detaches by ${title}, and the container lives on`, async () => {
      const id = await started({ Cmd: ["cat"], Tty: true, OpenStdin: true });
      const query = `stream=1&stdin=1&stdout=1&detachKeys=${keys}`;
      const { socket, soFar, rest } = await hijack(serve.socket, attachPath(id, query));
      socket.write("hello\r");
      await eventually("an echo", () => soFar().includes("hello\r\nhello\r\n"));
      socket.write(typed);
      await rest;
      assert.ok(await runs(id));
      assert.equal((await actions(id)).at(-1), "detach");
    });

    it(`detaches from an exec by ${title}, and it lives on`, async () => {
      const id = await started({ Cmd: ["sleep", "1000"] });
      const exec = await makeExec(serve, id, {
        AttachStdin: true,
        AttachStdout: true,
        Tty: true,
        DetachKeys: keys,
        Cmd: ["cat"],
      });
      const { socket, soFar, rest } = await hijack(serve.socket, `/exec/${exec}/start`, {
        body: '{"Tty":true}',
      });
      socket.write("hello\r");
      await eventually("an echo", () => soFar().includes("hello\r\nhello\r\n"));
      socket.write(typed);
      await rest;
      const { json } = await serve.request("GET", `/exec/${exec}/json`);
      assert.equal((json as { Running: boolean }).Running, true);
      assert.equal((await actions(id)).at(-1), "exec_detach");
    });
  }

  it("without keys, who leaves is no event", async () => {
    const id = await started({ Cmd: ["cat"], Tty: true, OpenStdin: true });
    const { socket } = await hijack(serve.socket, attachPath(id, "stream=1&stdin=1&stdout=1"));
    socket.destroy();
    await delay(1000);
    assert.ok(!(await actions(id)).includes("detach"));
  });

  it("shows the log first, or alone", async () => {
    const id = await started({ Cmd: ["sh", "-c", "echo a; echo b >&2; cat"], OpenStdin: true });
    await eventually("the log", async () => {
      const { body } = await serve.request("GET", `/containers/${id}/logs?stdout=1&stderr=1`);
      return body.includes("b\n");
    });
    const alone = await hijack(serve.socket, attachPath(id, "logs=1&stream=0&stdout=1&stderr=1"));
    assert.deepEqual(readFrames(await alone.rest), { 1: "a\n", 2: "b\n" });
    const both = await hijack(
      serve.socket,
      attachPath(id, "logs=1&stream=1&stdin=1&stdout=1&stderr=1"),
    );
    both.socket.write("c\n");
    await eventually("an answer", () => both.soFar().includes("c\n"));
    await serve.request("POST", `/containers/${id}/kill`);
    assert.deepEqual(readFrames(await both.rest), { 1: "a\nc\n", 2: "b\n" });
  });

  it("several before one start: each gets all", async () => {
    for (let round = 0; round < 10; round++) {
      const id = await createBox(serve, { Cmd: ["sh", "-c", "echo first; echo last"] });
      const path = attachPath(id, "stream=1&stdin=1&stdout=1");
      const clients = await Promise.all([1, 2, 3, 4].map(() => hijack(serve.socket, path)));
      await startBox(serve, id);
      for (const { rest } of clients)
        assert.deepEqual(readFrames(await rest), { 1: "first\nlast\n" });
    }
  });

  it("a slow reader holds up the process, and not the server's memory", async () => {
    const size = 400_000_000;
    const id = await started({
      Cmd: ["sh", "-c", `read x; head -c ${size} /dev/zero`],
      OpenStdin: true,
      HostConfig: { NetworkMode: "none", LogConfig: { Type: "none" } },
    });
    const { socket } = await hijack(serve.socket, attachPath(id, "stream=1&stdin=1&stdout=1"));
    socket.pause();
    const before = rss(serve.pid);
    socket.write("go\n");
    await delay(3000);
    assert.ok(rss(serve.pid) < before + 100e6, `${rss(serve.pid)} bytes, ${before} before`);
    assert.ok(await runs(id));
    // Once it reads, all comes.
    let read = 0;
    socket.on("data", (part: Buffer) => {
      read += part.length;
    });
    socket.resume();
    await once(socket, "close");
    assert.ok(read >= size, `${read} bytes`);
  });

  it("a slow reader of logs does not fill the server's memory", async () => {
    const id = await started({ Cmd: ["sh", "-c", "head -c 150000000 /dev/zero; sleep 1000"] });
    const query = "stdout=1&follow=1";
    const before = rss(serve.pid);
    const socket = connect(serve.socket);
    socket.pause();
    socket.write(`GET /containers/${id}/logs?${query} HTTP/1.1\r\nHost: lade\r\n\r\n`);
    await delay(4000);
    assert.ok(rss(serve.pid) < before + 100e6, `${rss(serve.pid)} bytes, ${before} before`);
    socket.destroy();
  });

  it("keeps nothing of who leaves while nothing is written", async () => {
    const id = await started({ Cmd: ["sleep", "1000"] });
    const waiting = await createBox(serve, { Cmd: ["true"] });
    const requests = [
      ["GET", `/containers/${id}/logs?stdout=1&follow=1`],
      ["POST", `/containers/${id}/wait`],
      ["POST", `/containers/${id}/attach?stream=1&stdout=1`],
      ["POST", `/containers/${waiting}/attach?stream=1&stdout=1`],
      ["GET", "/events"],
    ] as const;
    const leave = async (times: number) => {
      for (let round = 0; round < times; round++) {
        for (const [method, path] of requests) {
          const socket = connect(serve.socket);
          socket.write(`${method} ${path} HTTP/1.1\r\nHost: lade\r\n\r\n`);
          await once(socket, "data");
          socket.destroy();
        }
      }
    };
    await leave(1);
    await delay(2000);
    const files = openFiles(serve.pid);
    await leave(10);
    await eventually("files closed", () => openFiles(serve.pid) <= files + 2);
  });
});

it("a wait that is cut off by the server's stop is no error in its log", async () => {
  await using serve = await startLadeServe();
  await importBox(serve);
  const id = await createBox(serve, { Cmd: ["sleep", "1000"] });
  await startBox(serve, id);
  const waits = ["not-running", "removed", "next-exit"].map((condition) => {
    const path = `/v1.41/containers/${id}/wait?condition=${condition}`;
    return assert.rejects(serve.request("POST", path));
  });
  const follows = serve.request("GET", `/containers/${id}/logs?stdout=1&follow=1`);
  await delay(1000);
  process.kill(serve.pid, "SIGTERM");
  await Promise.all([...waits, follows]);
  await eventually("its end", () => !isThere(serve.pid));
  assert.doesNotMatch(serve.output(), /"level":"(error|warn)"/);
});

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function sendHead(serve: LadeServe, line: string, headers: readonly string[]) {
  const socket = connect(serve.socket);
  socket.write([line, "Host: lade", ...headers, "", ""].join("\r\n"));
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  await once(socket, "close");
  return Buffer.concat(parts).toString();
}

function rss(pid: number): number {
  const [, kilobytes = ""] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  assert.notEqual(kilobytes, "");
  return Number(kilobytes) * 1024;
}
