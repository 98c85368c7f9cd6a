// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type * as Testcontainers from "testcontainers";
import { run } from "../helpers/tools.ts";
import { tarNames, tarText } from "./dockerode-lab.ts";
import { image, openLoadedTarget, type Target } from "./target.ts";

describe("testcontainers", { timeout: 180_000 }, () => {
  let target: Target;
  let lib: typeof Testcontainers;
  before(async () => {
    target = await openLoadedTarget();
    // It reads them once. Ryuk, which sweeps after it, is an image of a registry's.
    process.env.DOCKER_HOST = target.host;
    process.env.TESTCONTAINERS_RYUK_DISABLED = "true";
    lib = await import("testcontainers");
  });
  after(() => target[Symbol.asyncDispose]());

  const server = () => new lib.GenericContainer(image).withCommand(["httpd", "-f", "-h", "/data"]);

  it("starts a container and waits for a line of its log", async () => {
    await using container = await new lib.GenericContainer(image)
      .withCommand(["sh", "-c", "sleep 0.5; echo it is ready; exec sleep 100"])
      .withWaitStrategy(lib.Wait.forLogMessage("it is ready"))
      .start();
    const logs = await container.logs();
    assert.equal(String((await logs.take(1).toArray())[0]), "it is ready\n");
  });

  it("gives up where the line does not come", async () => {
    const container = new lib.GenericContainer(image)
      .withCommand(["sleep", "100"])
      .withWaitStrategy(lib.Wait.forLogMessage("never"))
      .withStartupTimeout(1000);
    await assert.rejects(container.start(), /Log message "never" not received after 1000ms/);
  });

  it("starts a server and waits for its port, which is published on a free one", async () => {
    await using container = await server().withExposedPorts(80).start();
    const url = `http://${container.getHost()}:${container.getMappedPort(80)}/file`;
    assert.equal(await (await fetch(url)).text(), "from the image\n");
    assert.equal(container.getFirstMappedPort(), container.getMappedPort(80));
    await container.restart();
    const again = `http://${container.getHost()}:${container.getMappedPort(80)}/file`;
    assert.equal(await (await fetch(again)).text(), "from the image\n");
  });

  it("waits for an answer over HTTP, for a health check, for a command, for an exit", async () => {
    const { Wait } = lib;
    await using _http = await server()
      .withExposedPorts(80)
      .withWaitStrategy(Wait.forHttp("/file", 80).forStatusCode(200))
      .start();
    await using _healthy = await server()
      .withHealthCheck({ test: ["CMD", "true"], interval: 200, timeout: 2000, retries: 3 })
      .withWaitStrategy(Wait.forHealthCheck())
      .start();
    await using _shell = await server()
      .withWaitStrategy(Wait.forSuccessfulCommand("test -e /data/file"))
      .start();
    await using _once = await new lib.GenericContainer(image)
      .withCommand(["true"])
      .withWaitStrategy(Wait.forOneShotStartup())
      .start();
  });

  it("execs: output, error output, exit code, user, folder, environment", async () => {
    await using container = await server().withEnvironment({ COLOUR: "red" }).start();
    const both = await container.exec(["sh", "-c", "echo out; echo err >&2; exit 3"]);
    assert.deepEqual([both.stdout, both.stderr, both.exitCode], ["out\n", "err\n", 3]);
    const line = "id -u; pwd; echo $COLOUR $SIZE";
    const options = { user: "ada", workingDir: "/data", env: { SIZE: "big" } };
    const { output } = await container.exec(["sh", "-c", line], options);
    assert.equal(output, "1000\n/data\nred big\n");
  });

  it("copies content, files and folders in, before and after the start, and out", async () => {
    const source = join(target.folder, "source");
    writeFileSync(source, "of a file\n");
    await using container = await server()
      .withCopyContentToContainer([{ content: "before\n", target: "/data/before" }])
      .withCopyFilesToContainer([{ source, target: "/made/of/file", mode: 0o600 }])
      .start();
    await container.copyContentToContainer([{ content: "after\n", target: "/data/after" }]);
    const { output } = await container.exec([
      "sh",
      "-c",
      "cat /data/before /made/of/file /data/after; stat -c %a /made/of/file",
    ]);
    assert.equal(output, "before\nof a file\nafter\n600\n");
    const archive = await container.copyArchiveFromContainer("/data");
    const bytes = Buffer.concat(await Array.fromAsync(archive as AsyncIterable<Buffer>));
    assert.ok((await tarNames(bytes)).includes("data/after"));
    assert.equal(await tarText(bytes, "data/after"), "after\n");
  });

  it("puts containers in a network, where they find each other", async () => {
    await using network = await new lib.Network().start();
    await using _server = await server().withNetwork(network).withNetworkAliases("web").start();
    await using client = await new lib.GenericContainer(image)
      .withCommand(["sleep", "100"])
      .withNetwork(network)
      .start();
    const { output } = await client.exec(["wget", "-qO-", "http://web/file"]);
    assert.equal(output, "from the image\n");
    assert.deepEqual(client.getNetworkNames(), [network.getName()]);
  });

  it("commits a container", async () => {
    await using container = await server().start();
    await container.exec(["touch", "/data/touched"]);
    const id = await container.commit({ repo: "made", tag: "tc", deleteOnExit: false });
    await using copy = await new lib.GenericContainer("made:tc")
      .withCommand(["sleep", "100"])
      .start();
    assert.match(id, /^sha256:/);
    assert.equal((await copy.exec(["test", "-e", "/data/touched"])).exitCode, 0);
  });

  it("says what it can't start", async () => {
    await assert.rejects(new lib.GenericContainer("nobody/has:this").start());
    const container = new lib.GenericContainer(image).withCommand(["/no/such"]);
    await assert.rejects(container.start(), /no such file or directory/);
  });

  it("has stopped and removed what it started", async () => {
    const { stdout } = await run("/usr/bin/docker", [
      ...["-H", target.host, "ps", "-aq", "--filter", "status=running"],
    ]);
    assert.equal(stdout, "");
  });
});
