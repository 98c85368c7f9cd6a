// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { after, afterEach, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type Docker from "dockerode";
import {
  bytes,
  clear,
  create,
  demux,
  dockerode,
  exec,
  start,
  tarNames,
  tarOf,
  tarText,
} from "./dockerode-lab.ts";
import { image, openLoadedTarget, type Target } from "./target.ts";

describe("dockerode: streams, files, events", { timeout: 180_000 }, () => {
  let target: Target;
  let docker: Docker;
  before(async () => {
    target = await openLoadedTarget();
    docker = dockerode(target);
  });
  afterEach(() => clear(docker));
  after(() => target[Symbol.asyncDispose]());

  it("runs a container with docker.run, output and exit code", async () => {
    const output = new PassThrough();
    const told = text(output);
    const words = ["sh", "-c", "echo hello; exit 3"];
    const [result, container] = await docker.run(image, words, output, { Tty: true });
    // It ends the output itself, maybe only after it has told the exit code.
    assert.deepEqual([result.StatusCode, await told], [3, "hello\r\n"]);
    await container.remove();
  });

  it("attaches before the start, and demuxStream tells the outputs apart", async () => {
    const container = await create(docker, ["sh", "-c", "echo out; echo err >&2"]);
    const stream = await container.attach({ stream: true, stdout: true, stderr: true });
    const [output] = await Promise.all([demux(docker, stream), container.start()]);
    assert.deepEqual(output, { stdout: "out\n", stderr: "err\n" });
  });

  it("attaches with stdin over a hijacked connection, and half-closes it", async () => {
    const container = await create(docker, ["cat"], {
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
    });
    const options = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true };
    const stream = await container.attach(options);
    const output = demux(docker, stream);
    await container.start();
    stream.write("first\n");
    await delay(50);
    stream.end("x".repeat(200_000));
    assert.equal((await output).stdout, `first\n${"x".repeat(200_000)}`);
    assert.equal((await container.wait()).StatusCode, 0);
  });

  it("attaches to a terminal, and sets its size", async () => {
    const container = await create(docker, ["sh"], { OpenStdin: true, Tty: true });
    const options = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true };
    const stream = await container.attach(options);
    await container.start();
    await container.resize({ h: 31, w: 91 });
    stream.write("stty size; exit 4\n");
    assert.match((await bytes(stream)).toString(), /31 91/);
    assert.equal((await container.wait()).StatusCode, 4);
  });

  it("attaches with earlier output", async () => {
    const container = await start(docker, ["sh", "-c", "echo early; read line; echo late"], {
      OpenStdin: true,
    });
    await delay(300);
    const stream = await container.attach({
      ...{ stream: true, stdin: true, stdout: true, stderr: true },
      ...{ logs: true, hijack: true },
    });
    stream.write("\n");
    assert.equal((await demux(docker, stream)).stdout, "early\nlate\n");
  });

  it("execs with output, exit code, user, folder and environment", async () => {
    const container = await start(docker);
    assert.deepEqual(
      await exec(docker, container, ["sh", "-c", "echo out; echo err >&2; exit 5"]),
      {
        stdout: "out\n",
        stderr: "err\n",
        code: 5,
      },
    );
    const options = { User: "ada", WorkingDir: "/data", Env: ["A=b c"] };
    const { stdout } = await exec(docker, container, ["sh", "-c", "id -u; pwd; echo $A"], options);
    assert.equal(stdout, "1000\n/data\nb c\n");
  });

  it("execs with stdin over a hijacked connection", async () => {
    const container = await start(docker);
    const made = await container.exec({
      Cmd: ["wc", "-c"],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await made.start({ hijack: true, stdin: true });
    const output = demux(docker, stream);
    stream.end("x".repeat(300_000));
    assert.equal((await output).stdout.trim(), "300000");
    const { ExitCode, Running } = await made.inspect();
    assert.deepEqual([ExitCode, Running], [0, false]);
  });

  it("execs on a terminal, and sets its size", async () => {
    const container = await start(docker);
    const made = await container.exec({
      ...{ Cmd: ["sh"], Tty: true },
      ...{ AttachStdin: true, AttachStdout: true, AttachStderr: true },
    });
    const stream = await made.start({ hijack: true, stdin: true, Tty: true });
    await made.resize({ h: 32, w: 92 });
    stream.write("stty size; exit\n");
    assert.match((await bytes(stream)).toString(), /32 92/);
  });

  it("execs in the background", async () => {
    const container = await start(docker);
    const made = await container.exec({ Cmd: ["sh", "-c", "sleep 0.2; touch /data/done"] });
    await made.start({ Detach: true });
    assert.equal((await made.inspect()).Running, true);
    while ((await made.inspect()).Running) await delay(50);
    assert.equal((await exec(docker, container, ["cat", "/data/done"])).code, 0);
  });

  it("gives logs whole, by parts and as they come", async () => {
    const line = "echo one; echo err >&2; sleep 0.3; echo two";
    const container = await start(docker, ["sh", "-c", line]);
    const follow = await container.logs({ follow: true, stdout: true, stderr: true });
    assert.deepEqual(await demux(docker, follow), { stdout: "one\ntwo\n", stderr: "err\n" });
    const whole = await container.logs({ stdout: true, tail: 1, timestamps: true });
    const { stdout } = await demux(docker, Readable.from([whole]));
    assert.match(stdout, /^20\d\d-\d\d-\d\dT[\d:.]+Z two\n$/);
  });

  it("stops following logs when the client leaves", async () => {
    const container = await start(docker, ["sh", "-c", "while :; do echo line; sleep 0.05; done"]);
    const follow = await container.logs({ follow: true, stdout: true });
    await once(follow, "data");
    (follow as Readable).destroy();
    await container.kill();
  });

  it("puts files in and gets them out, and tells of them", async () => {
    const container = await create(docker, ["cat", "/data/put"]);
    await container.putArchive(tarOf({ put: "put there\n" }), { path: "/data" });
    const stream = await container.getArchive({ path: "/data/put" });
    const archive = await bytes(stream);
    assert.deepEqual(await tarNames(archive), ["put"]);
    assert.equal(await tarText(archive, "put"), "put there\n");
    const info = await container.infoArchive({ path: "/data/put" });
    const stat = JSON.parse(
      Buffer.from(info.headers["x-docker-container-path-stat"], "base64").toString(),
    );
    assert.deepEqual([stat.name, stat.size, stat.mode], ["put", 10, 0o644]);
    await assert.rejects(container.getArchive({ path: "/no/such" }), { statusCode: 404 });
    await assert.rejects(container.putArchive(tarOf({}), { path: "/no/such" }), {
      statusCode: 404,
    });
    await container.start();
    await container.wait();
    const logs = await container.logs({ stdout: true });
    assert.equal((await demux(docker, Readable.from([logs]))).stdout, "put there\n");
  });

  it("exports a container", async () => {
    const container = await create(docker, ["true"]);
    const names = await tarNames(await bytes(await container.export()));
    assert.ok(names.includes("bin/busybox"));
    assert.ok(names.includes("data/file"));
  });

  it("tells events as they come, and those of the past", async () => {
    const since = Math.floor(Date.now() / 1000) - 1;
    const stream = (await docker.getEvents({
      filters: { type: ["container"], event: ["create", "start", "die", "destroy"] },
    })) as Readable;
    const container = await start(docker, ["sh", "-c", "exit 2"], { name: "watched" });
    await container.wait();
    await container.remove();
    const seen: string[] = [];
    for await (const line of createInterface({ input: stream })) {
      const { Action, Actor } = JSON.parse(line);
      assert.equal(Actor.ID, container.id);
      seen.push(Action);
      if (Action === "die") assert.equal(Actor.Attributes.exitCode, "2");
      if (Action === "destroy") break;
    }
    stream.destroy();
    assert.deepEqual(seen, ["create", "start", "die", "destroy"]);
    const past = (await docker.getEvents({
      since,
      until: Math.floor(Date.now() / 1000) + 1,
      filters: { container: ["watched"], event: ["start"] },
    })) as Readable;
    const [only, ...more] = (await bytes(past)).toString().trimEnd().split("\n");
    assert.deepEqual([JSON.parse(only ?? "").Action, more], ["start", []]);
  });

  it("waits for the next exit and for the removal", async () => {
    const container = await create(docker, ["sh", "-c", "exit 8"], {
      HostConfig: { AutoRemove: true },
    });
    const next = container.wait({ condition: "next-exit" });
    const removed = container.wait({ condition: "removed" });
    await delay(200);
    await container.start();
    assert.equal((await next).StatusCode, 8);
    assert.equal((await removed).StatusCode, 8);
    await assert.rejects(container.inspect(), { statusCode: 404 });
  });
});
