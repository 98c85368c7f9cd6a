// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { containerExport } from "../fixtures/export.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { type LadeServe, startLadeServe } from "../helpers/lade-serve.ts";

/** A request for events whose answer has begun. */
interface OpenStream extends Disposable {
  readonly response: IncomingMessage;
  /** All that came so far. */
  text(): string;
  /** Waits until so many lines are there. */
  lines(count: number): Promise<Record<string, unknown>[]>;
}

async function open(serve: LadeServe, path: string): Promise<OpenStream> {
  const request = httpRequest({ socketPath: serve.socket, path, agent: false });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let all = "";
  response.setEncoding("utf8").on("data", (text: string) => {
    all += text;
  });
  response.on("error", () => {});
  return {
    response,
    text: () => all,
    async lines(count) {
      const end = Date.now() + 10_000;
      while (all.split("\n").length <= count) {
        assert.ok(Date.now() < end, `${count} events did not come: ${all}`);
        await delay(10);
      }
      return all
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    },
    [Symbol.dispose]: () => request.destroy(),
  };
}

const query = (filters: object) => `filters=${encodeURIComponent(JSON.stringify(filters))}`;

describe("GET /events", () => {
  let serve: LadeServe;
  let source: string;
  before(async () => {
    serve = await startLadeServe();
    source = join(serve.folder, "rootfs.tar");
    writeFileSync(source, tar(containerExport()));
    const { code, stderr } = await serve.lade("import", source, "base:1");
    assert.equal(code, 0, stderr);
  });
  after(() => serve[Symbol.asyncDispose]());

  it("sends its headers at once, then what any lade process does, in JSON lines", async () => {
    using stream = await open(serve, "/v1.41/events");
    const { statusCode, headers } = stream.response;
    assert.deepEqual([statusCode, headers["content-type"]], [200, "application/json"]);
    assert.equal(headers["transfer-encoding"], "chunked");
    assert.equal(stream.text(), "");
    assert.equal((await serve.lade("tag", "base:1", "live:1")).code, 0);
    const [event] = await stream.lines(1);
    const { time, timeNano, id, Actor, ...rest } = event as Record<string, unknown>;
    assert.deepEqual(rest, { status: "tag", Type: "image", Action: "tag", scope: "local" });
    assert.deepEqual(Actor, { ID: id, Attributes: { name: "live:1" } });
    assert.ok(Math.abs(Number(time) - Date.now() / 1000) < 10);
    assert.match(stream.text(), new RegExp(`"timeNano":${String(time)}\\d{9}\\}\\n$`));
    assert.equal(typeof timeNano, "number");
  });

  it("takes filters in both spellings, and times with nanoseconds", async () => {
    const since = (Date.now() / 1000).toFixed(3);
    await serve.lade("volume", "create", "one-volume");
    await serve.lade("tag", "base:1", "two:2");
    const until = (Date.now() / 1000 + 0.001).toFixed(9);
    const ask = async (more: string) => {
      const { body } = await serve.request("GET", `/events?since=${since}&until=${until}&${more}`);
      const lines = body.toString().split("\n").filter(Boolean);
      return lines.map((line) => JSON.parse(line).Actor.Attributes.name ?? "volume");
    };
    assert.deepEqual(await ask(""), ["volume", "two:2"]);
    assert.deepEqual(await ask(query({ type: ["image"] })), ["two:2"]);
    assert.deepEqual(await ask(query({ type: { volume: true } })), ["volume"]);
    assert.deepEqual(await ask(query({ image: { two: true } })), ["two:2"]);
  });

  it("refuses bad times and filters as Docker does", async () => {
    const order = await serve.request("GET", "/events?since=10&until=5");
    const message = "`since` time (10) cannot be after `until` time (5)";
    assert.deepEqual([order.status, order.json], [400, { message }]);
    for (const bad of ["since=abc", "until=1.x", "since=1e3", "filters=x", "filters=[1]"]) {
      const { status } = await serve.request("GET", `/events?${bad}`);
      assert.equal(status, 400, bad);
    }
  });

  it("ends at a time to come", async () => {
    const until = (Date.now() / 1000 + 0.5).toFixed(3);
    const { status, body } = await serve.request("GET", `/events?since=${until}&until=${until}`);
    assert.deepEqual([status, body.toString()], [200, ""]);
    assert.ok(Date.now() / 1000 >= Number(until));
  });

  it("leaves nothing behind of clients that leave", async () => {
    for (let index = 0; index < 20; index++) {
      using stream = await open(serve, "/events");
      assert.equal(stream.response.statusCode, 200);
    }
    await delay(200);
    assert.equal((await serve.request("GET", "/_ping")).status, 200);
    assert.doesNotMatch(serve.output(), /PIPE_CLOSED|"level":(50|60)/);
  });

  it("is what `docker events` reads", async () => {
    const child = follow("/usr/bin/docker", ["-H", serve.host, "events", "-f", "event=tag"]);
    // The client tells nothing when it listens.
    await delay(1000);
    await serve.lade("tag", "base:1", "docker:1");
    const line = await child.line();
    assert.match(line, /^\S+T\S+ image tag sha256:[0-9a-f]{64} \(name=docker:1\)$/);
    child.process.kill("SIGINT");
    await once(child.process, "exit");
  });

  it("is what `lade events` prints, until Ctrl-C", async () => {
    const main = join(import.meta.dirname, "../../bin/main.ts");
    const args = ["--disable-warning=ExperimentalWarning", main, "events", "--format", "json"];
    const env = { LADE_ROOT: serve.root, LADE_RUN_ROOT: serve.runRoot };
    const child = follow(process.execPath, [...args, "--since", "1h"], env);
    // What is kept comes first: then it listens.
    await child.line();
    await serve.lade("tag", "base:1", "last:1");
    while (!(await child.line()).includes('"name":"last:1"'));
    child.process.kill("SIGINT");
    const [code] = await once(child.process, "exit");
    assert.equal(code, 130);
  });

  it("ends whole when the server stops", async () => {
    await using own = await startLadeServe();
    using stream = await open(own, "/events");
    const ended = once(stream.response, "end");
    process.kill(own.pid, "SIGTERM");
    await ended;
    assert.ok(stream.response.complete, "the last chunk came");
  });
});

interface Follower {
  readonly process: ChildProcess;
  line(): Promise<string>;
}

function follow(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Follower {
  const child = spawn(program, args, {
    env: { ...process.env, ...env, TZ: "UTC" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.on("exit", () => child.kill("SIGKILL"));
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    rest += text;
  });
  return {
    process: child,
    async line() {
      const end = Date.now() + 10_000;
      while (!rest.includes("\n")) {
        assert.ok(Date.now() < end && child.exitCode === null, `no line came of ${program}`);
        await delay(10);
      }
      const at = rest.indexOf("\n");
      const line = rest.slice(0, at);
      rest = rest.slice(at + 1);
      return line;
    },
  };
}
