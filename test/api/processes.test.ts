// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  createBox,
  frames,
  hijack as hijackAt,
  importBox,
  makeExec as makeExecAt,
  readFrames,
  startBox,
} from "../helpers/hijack.ts";
import { type LadeServe, startLadeServe } from "../helpers/lade-serve.ts";

/** How many execs and attachments the server is watched over; 10,000 by hand. */
const rounds = Number(process.env.LADE_TEST_EXECS ?? 100);

describe("processes by the API", { timeout: 600_000 }, () => {
  let serve: LadeServe;
  before(async () => {
    serve = await startLadeServe();
    await importBox(serve);
  });
  after(() => serve[Symbol.asyncDispose]());

  const create = (body: object) => createBox(serve, body);
  const start = (id: string) => startBox(serve, id);
  const hijack = (path: string, body?: string) =>
    hijackAt(serve.socket, path, { body: body ?? "" });
  const makeExec = (id: string, config: object) => makeExecAt(serve, id, config);

  async function running(): Promise<string> {
    const id = await create({ Cmd: ["sleep", "1000"] });
    await start(id);
    return id;
  }

  const bothOutputs = { AttachStdout: true, AttachStderr: true };

  it("attaches before the start, and misses nothing", async () => {
    for (let round = 0; round < 10; round++) {
      const id = await create({ Cmd: ["sh", "-c", "echo out; echo err >&2; exit 7"] });
      const path = `/v1.41/containers/${id}/attach?stream=1&stdout=1&stderr=1`;
      const { head, rest } = await hijack(path);
      assert.match(head, /^HTTP\/1\.1 101 UPGRADED\r\nContent-Type: application\/vnd\.docker\.raw/);
      const waiting = serve.request("POST", `/v1.41/containers/${id}/wait?condition=next-exit`);
      await start(id);
      const frames = readFrames(await rest);
      assert.deepEqual(frames, { 1: "out\n", 2: "err\n" });
      assert.deepEqual((await waiting).json, { Error: null, StatusCode: 7 });
    }
  });

  it("attaches to what another process starts", async () => {
    const id = await create({ Cmd: ["echo", "hi"] });
    const { rest } = await hijack(`/containers/${id}/attach?stream=1&stdout=1`);
    const { code, stderr } = await serve.lade("start", id);
    assert.equal(code, 0, stderr);
    assert.deepEqual(readFrames(await rest), { 1: "hi\n" });
  });

  it("ends who waits for a start that fails, or never comes", async () => {
    const bad = await create({ Cmd: ["nope"] });
    const waiting = await hijack(`/containers/${bad}/attach?stream=1&stdout=1`);
    const { status } = await serve.request("POST", `/containers/${bad}/start`);
    assert.equal(status, 400);
    assert.equal((await waiting.rest).length, 0);
    const other = await create({ Cmd: ["true"] });
    const left = await hijack(`/containers/${other}/attach?stream=1&stdout=1`);
    assert.equal((await serve.request("DELETE", `/containers/${other}`)).status, 204);
    assert.equal((await left.rest).length, 0);
  });

  it("refuses what it can't attach to", async () => {
    const path = "/containers/missing/attach?stream=1";
    const { status, json } = await serve.request("POST", path);
    assert.deepEqual([status, json], [404, { message: "No such container: missing" }]);
    const { status: logs } = await serve.request("GET", "/containers/missing/logs");
    assert.equal(logs, 400);
  });

  it("runs commands, and tells how they ended", async () => {
    const id = await running();
    for (const [Cmd, output, code] of [
      [["sh", "-c", "echo out; echo err >&2; exit 3"], { 1: "out\n", 2: "err\n" }, 3],
      [["true"], {}, 0],
    ] as const) {
      const exec = await makeExec(id, { ...bothOutputs, Cmd });
      const { rest } = await hijack(`/exec/${exec}/start`, "{}");
      assert.deepEqual(readFrames(await rest), output);
      const { json } = await serve.request("GET", `/exec/${exec}/json`);
      assert.equal((json as { ExitCode: number }).ExitCode, code);
      const again = await hijack(`/exec/${exec}/start`, "{}");
      assert.match((await again.rest).toString(), /has already run/);
    }
    const missing = await makeExec(id, { ...bothOutputs, Cmd: ["nope"] });
    const { rest } = await hijack(`/exec/${missing}/start`, "{}");
    assert.match(readFrames(await rest)[1] ?? "", /executable file not found in \$PATH.*\r\n$/s);
    const { json } = await serve.request("GET", `/exec/${missing}/json`);
    assert.equal((json as { ExitCode: number }).ExitCode, 127);
  });

  it("carries bytes both ways, and the end of input", async () => {
    const id = await running();
    const exec = await makeExec(id, { ...bothOutputs, AttachStdin: true, Cmd: ["cat"] });
    const { socket, rest } = await hijack(`/exec/${exec}/start`, "{}");
    const bytes = randomBytes(8 * 1024 * 1024);
    socket.end(bytes);
    const hash = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");
    assert.equal(hash(framesBytes(await rest)), hash(bytes));
  });

  it("reads logs, in frames, with times, to the end", async () => {
    const id = await create({ Cmd: ["sh", "-c", "echo one; echo two >&2; sleep 1; echo three"] });
    await start(id);
    const all = await serve.request("GET", `/containers/${id}/logs?stdout=1&stderr=1&follow=1`);
    assert.deepEqual(readFrames(all.body), { 1: "one\nthree\n", 2: "two\n" });
    const tail = await serve.request("GET", `/containers/${id}/logs?stdout=1&tail=1&timestamps=1`);
    assert.match(readFrames(tail.body)[1] ?? "", /^\d{4}-\d\d-\d\dT[\d:]+\.\d{9}Z three\n$/);
  });

  it("samples what a container uses", async () => {
    const id = await running();
    const { json } = await serve.request("GET", `/containers/${id}/stats?stream=0`);
    const { precpu_stats: before, cpu_stats: now } = json as Record<
      "precpu_stats" | "cpu_stats",
      { system_cpu_usage: number }
    >;
    assert.ok(now.system_cpu_usage > before.system_cpu_usage);
    assert.ok(before.system_cpu_usage > 0);
  });

  it("takes what comes after a hijack as input", async () => {
    const id = await running();
    const exec = await makeExec(id, { ...bothOutputs, AttachStdin: true, Cmd: ["cat"] });
    const { socket, rest } = await hijack(`/exec/${exec}/start`, "{}");
    const second = "POST /containers/x/attach HTTP/1.1\r\nUpgrade: tcp\r\n\r\n";
    socket.end(second);
    assert.deepEqual(readFrames(await rest), { 1: second });
  });

  it(`keeps nothing of clients that left, ${rounds} times over`, async () => {
    const id = await running();
    const round = async (index: number) => {
      const attached = await hijack(`/containers/${id}/attach?stream=1&stdout=1`);
      attached.socket.destroy();
      const exec = await makeExec(id, { ...bothOutputs, Cmd: ["true"] });
      const { socket, rest } = await hijack(`/exec/${exec}/start`, "{}");
      if (index % 2 === 0) socket.destroy();
      else await rest;
    };
    for (let index = 0; index < 10; index++) await round(index);
    await delay(2000);
    const files = openFiles(serve.pid);
    for (let index = 0; index < rounds; index++) await round(index);
    await delay(2000);
    assert.ok(openFiles(serve.pid) <= files + 5, `${openFiles(serve.pid)} files, ${files} before`);
  });
});

function openFiles(pid: number): number {
  assert.match(readFileSync(`/proc/${pid}/status`, "utf8"), /^VmRSS:/m);
  return readdirSync(`/proc/${pid}/fd`).length;
}

function framesBytes(bytes: Buffer): Buffer {
  return Buffer.concat(Array.from(frames(bytes), (frame) => frame.bytes));
}
