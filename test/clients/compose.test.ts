// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type RunResult, requireTool, run } from "../helpers/tools.ts";
import { image, openTarget, otherImage, type Target } from "./target.ts";

/** Two services, a volume that both have, a network of their own, a published port. */
const composeFile = `
version: "3.8"
services:
  web:
    image: ${image}
    command: ["sh", "-c", "echo web is up; exec httpd -f -h /shared"]
    environment:
      COLOUR: green
    volumes:
      - shared:/shared
      - ./settings:/settings:ro
    networks:
      - inner
    ports:
      - "127.0.0.1:18080:80"
    stop_signal: SIGKILL
    depends_on:
      - writer
  writer:
    image: ${otherImage}
    command:
      - sh
      - -c
      - |
        trap 'exit 3' TERM
        echo written > /shared/file
        echo writer is up
        while :; do sleep 0.1; done
    volumes:
      - shared:/shared
    networks:
      inner:
        aliases:
          - scribe
    restart: "no"
volumes:
  shared: {}
networks:
  inner: {}
`;

describe("docker-compose 1.29", { timeout: 300_000 }, () => {
  let target: Target;
  let project: string;
  before(async () => {
    target = await openTarget();
    project = join(target.folder, "demo");
    mkdirSync(join(project, "settings"), { recursive: true });
    writeFileSync(join(project, "settings/name"), "a setting\n");
    writeFileSync(join(project, "docker-compose.yml"), composeFile);
  });
  after(() => target[Symbol.asyncDispose]());

  const compose = (...args: string[]): Promise<RunResult> =>
    run(requireTool("docker-compose", "docker-compose"), args, {
      cwd: project,
      env: { DOCKER_HOST: target.host, COMPOSE_HTTP_TIMEOUT: "60" },
      timeoutMs: 90_000,
    });
  const docker = (...args: string[]): Promise<RunResult> =>
    run("/usr/bin/docker", ["-H", target.host, ...args], { timeoutMs: 60_000 });
  const good = async (result: Promise<RunResult>): Promise<string> => {
    const { code, stdout, stderr } = await result;
    assert.equal(code, 0, stderr + stdout);
    return stdout;
  };
  /** The lines of `ps`; a long command goes on in lines of its own. */
  const states = async () =>
    (await good(compose("ps"))).split("\n").filter((line) => line.startsWith("demo_"));

  it("loads both images from one archive, and a valid file", async () => {
    const loaded = await good(docker("load", "-i", target.archive));
    assert.deepEqual(loaded.trim().split("\n").sort(), [
      "Loaded image: box-other:1",
      "Loaded image: box:1",
    ]);
    await good(compose("config", "-q"));
  });

  it("up -d makes a network, a volume and both containers", async () => {
    const { code, stderr } = await compose("up", "-d");
    assert.equal(code, 0, stderr);
    for (const made of [
      'network "demo_inner"',
      'volume "demo_shared"',
      "demo_web_1",
      "demo_writer_1",
    ]) {
      assert.match(stderr, new RegExp(`Creating ${made}`));
    }
    const [web = "", writer = ""] = await states();
    assert.match(web, /^demo_web_1 .* Up +127\.0\.0\.1:18080->80\/tcp/);
    assert.match(writer, /^demo_writer_1.*Up/);
  });

  it("up -d again leaves what is up to date", async () => {
    const { code, stderr } = await compose("up", "-d");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /demo_writer_1 is up-to-date\ndemo_web_1 is up-to-date/);
  });

  it("the services share the volume, find each other by name, and answer on the port", async () => {
    const first = await good(compose("exec", "-T", "web", "cat", "/shared/file"));
    assert.equal(first, "written\n");
    for (const name of ["web", "writer", "scribe"]) {
      await good(compose("exec", "-T", "web", "ping", "-c", "1", "-W", "2", name));
    }
    const fetched = await good(compose("exec", "-T", "writer", "wget", "-qO-", "http://web/file"));
    assert.equal(fetched, "written\n");
    const response = await fetch("http://127.0.0.1:18080/file");
    assert.equal(await response.text(), "written\n");
  });

  it("exec gives output, exit code, environment and binds; stdin goes in", async () => {
    const words = ["sh", "-c", "echo $COLOUR; cat /settings/name; exit 5"];
    const { code, stdout } = await compose("exec", "-T", "web", ...words);
    assert.deepEqual([code, stdout], [5, "green\na setting\n"]);
    const typed = await good(
      run("docker-compose", ["exec", "-T", "web", "cat"], {
        cwd: project,
        env: { DOCKER_HOST: target.host },
        input: "typed\n",
        timeoutMs: 30_000,
      }),
    );
    assert.equal(typed, "typed\n");
  });

  it("exec on a terminal", async () => {
    // compose asks for a terminal where it is on one itself: script(1) gives it one.
    const { stdout, code } = await run(
      requireTool("script", "bsdutils"),
      ["-qec", "docker-compose exec web sh -c 'tty; exit 6'", "/dev/null"],
      { cwd: project, env: { DOCKER_HOST: target.host }, timeoutMs: 30_000 },
    );
    // Where script itself is given the end of its input, it shows it as ^@, before or after.
    assert.match(stdout, /\/dev\/pts\/0\r\n/);
    assert.equal(code, 6);
  });

  it("ps -q, port, top, images tell of the project", async () => {
    assert.equal((await good(compose("ps", "-q"))).trim().split("\n").length, 2);
    assert.equal(await good(compose("port", "web", "80")), "127.0.0.1:18080\n");
    assert.match(await good(compose("top", "web")), /httpd -f -h \/shared/);
    assert.match(await good(compose("images")), /demo_web_1 +box +1 /);
  });

  it("logs, whole and followed", async () => {
    const logs = await good(compose("logs", "--no-color"));
    assert.match(logs, /^web_1 +\| web is up$/m);
    assert.match(logs, /^writer_1 +\| writer is up$/m);
    assert.match(await good(compose("logs", "--tail=1", "--no-color", "web")), /web is up/);
    const followed = await run("timeout", ["-s", "INT", "3", "docker-compose", "logs", "-f"], {
      cwd: project,
      env: { DOCKER_HOST: target.host },
      timeoutMs: 30_000,
    });
    assert.match(followed.stdout, /writer is up/);
  });

  it("pause, unpause, restart", async () => {
    await good(compose("pause", "writer"));
    assert.match((await states()).join("\n"), /demo_writer_1.*Paused/);
    await good(compose("unpause", "writer"));
    await good(compose("restart", "-t", "5", "writer"));
    assert.match((await states()).join("\n"), /demo_writer_1.*Up/);
  });

  it("stop ends both in their own way, start brings them back", async () => {
    // Its first loop sets the trap.
    await delay(500);
    await good(compose("stop", "-t", "5"));
    const stopped = (await states()).join("\n");
    assert.match(stopped, /demo_web_1.*Exit 137/);
    assert.match(stopped, /demo_writer_1.*Exit 3/);
    await good(compose("start"));
    assert.match((await states()).join("\n"), /demo_web_1.*Up(.|\n)*demo_writer_1.*Up/);
    assert.equal(await good(compose("exec", "-T", "web", "cat", "/shared/file")), "written\n");
  });

  it("up makes a service anew whose settings have changed, with its volumes", async () => {
    writeFileSync(
      join(project, "docker-compose.yml"),
      composeFile.replace("COLOUR: green", "COLOUR: red"),
    );
    const { code, stderr } = await compose("up", "-d", "-t", "5");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Recreating demo_web_1/);
    const words = ["sh", "-c", "echo $COLOUR; cat /shared/file"];
    assert.equal(await good(compose("exec", "-T", "web", ...words)), "red\nwritten\n");
  });

  it("run --rm runs one command, up --scale a service twice", async () => {
    assert.match(await good(compose("run", "--rm", "-T", "writer", "echo", "once")), /^once\n/);
    await good(compose("up", "-d", "--scale", "writer=2"));
    assert.equal((await states()).length, 3);
    await good(compose("exec", "-T", "--index=2", "writer", "cat", "/shared/file"));
  });

  it("up in the foreground shows output and ends with the services", async () => {
    writeFileSync(
      join(project, "short.yml"),
      `version: "3.8"\nservices:\n  short:\n    image: ${image}\n    command: ["sh", "-c", "echo short; exit 4"]\n`,
    );
    const words = ["-p", "short", "-f", "short.yml"];
    const { stdout, code } = await compose(...words, "up", "--no-color", "--exit-code-from=short");
    assert.match(stdout, /short_1 +\| short\n/);
    assert.match(stdout, /exited with code 4/);
    assert.equal(code, 4);
    await good(compose(...words, "down"));
  });

  it("down -v leaves nothing", async () => {
    const { code, stderr } = await compose("down", "-v", "-t", "5");
    assert.equal(code, 0, stderr);
    for (const gone of ["demo_web_1", "network demo_inner", "volume demo_shared"]) {
      assert.match(stderr, new RegExp(`Removing ${gone}`));
    }
    assert.equal(await good(docker("ps", "-aq")), "");
    assert.equal(await good(docker("volume", "ls", "-q")), "");
    const networks = await good(docker("network", "ls", "--format", "{{.Name}}"));
    assert.deepEqual(networks.trim().split("\n").sort(), ["bridge", "host", "none"]);
  });
});
