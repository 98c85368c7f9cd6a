// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { type ApiAnswer, type LadeServe, startLadeServe } from "../helpers/lade-serve.ts";
import { requireTool } from "../helpers/tools.ts";

/** A tar with one file. */
function tarOf(name: string, content: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "lade-tar-"));
  try {
    writeFileSync(join(folder, name), content);
    return execFileSync("tar", ["-C", folder, "-cf", "-", name]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function importBusybox(serve: LadeServe): Promise<void> {
  const tree = join(serve.folder, "tree");
  mkdirSync(join(tree, "bin"), { recursive: true });
  mkdirSync(join(tree, "data"));
  writeFileSync(join(tree, "data/big"), Buffer.alloc(8 * 1024 * 1024, "x"));
  execFileSync("cp", [requireTool("busybox", "busybox-static"), join(tree, "bin/sh")]);
  execFileSync("tar", ["-C", tree, "-cf", join(serve.folder, "tree.tar"), "."]);
  const { code, stderr } = await serve.lade("import", join(serve.folder, "tree.tar"), "box");
  assert.equal(code, 0, stderr);
}

function messageOf({ json }: ApiAnswer): string {
  return (json as { message: string }).message;
}

describe("containers by the API", () => {
  let serve: LadeServe;
  before(async () => {
    serve = await startLadeServe();
    await importBusybox(serve);
  });
  after(() => serve[Symbol.asyncDispose]());

  async function create(body: object, query = ""): Promise<ApiAnswer> {
    return await serve.request("POST", `/containers/create${query}`, { body });
  }

  it("takes members in any case, and drops what it does not know", async () => {
    const made = await create(
      { image: "box", CMD: ["sh"], Nonsense: { a: 1 }, hostconfig: { networkmode: "none" } },
      "?name=any",
    );
    assert.equal(made.status, 201);
    const { json } = await serve.request("GET", "/containers/any/json");
    const { Config: config, HostConfig: host } = json as {
      Config: { Image: string; Cmd: string[] };
      HostConfig: { NetworkMode: string };
    };
    assert.deepEqual([config.Image, config.Cmd, host.NetworkMode], ["box", ["sh"], "none"]);
    assert.equal((await serve.request("DELETE", "/containers/any")).status, 204);
  });

  it("refuses by its name what it can't carry out", async () => {
    for (const [host, name] of [
      [{ DeviceRequests: [{ Count: -1, Capabilities: [["gpu"]] }] }, "HostConfig.DeviceRequests"],
      [{ KernelMemoryTCP: 5 }, undefined],
      [{ Cgroup: "container:x" }, "HostConfig.Cgroup"],
      [{ Mounts: [{ Type: "image", Source: "box", Target: "/i" }] }, "mount type image"],
      [
        { Mounts: [{ Type: "tmpfs", Target: "/t", TmpfsOptions: { Options: [["exec"]] } }] },
        "TmpfsOptions.Options",
      ],
    ] as const) {
      const answer = await create({ Image: "box", Cmd: ["sh"], HostConfig: host });
      if (name === undefined) assert.equal(answer.status, 501);
      else assert.deepEqual([answer.status, messageOf(answer)], [501, `${name} is not supported`]);
    }
    const endpoints = { EndpointsConfig: { bridge: { GwPriority: 5 } } };
    const answer = await create({ Image: "box", Cmd: ["sh"], NetworkingConfig: endpoints });
    assert.deepEqual(
      [answer.status, messageOf(answer)],
      [501, "EndpointSettings.GwPriority is not supported"],
    );
    const speed = await create({ Image: "box", Cmd: ["sh"], HostConfig: { IOMaximumIOps: 5 } });
    assert.equal(speed.status, 400);
  });

  it("refuses numbers that it can't hold or that are none", async () => {
    for (const host of [
      { Memory: 1e30 },
      { Memory: 1.5 },
      { BlkioWeight: -1 },
      { ConsoleSize: [1] },
      { ConsoleSize: [-1, 1] },
      { Ulimits: [{ Name: "nofile", Soft: "x" }] },
      { Mounts: {} },
      { PortBindings: { "80/tcp": { HostPort: "1" } } },
    ]) {
      const answer = await create({ Image: "box", Cmd: ["sh"], HostConfig: host });
      assert.equal(answer.status, 400, JSON.stringify(host));
    }
  });

  describe("files", () => {
    before(async () => {
      const made = await create(
        { Image: "box", Cmd: ["sh"], HostConfig: { NetworkMode: "none" } },
        "?name=files",
      );
      assert.equal(made.status, 201);
    });

    it("takes a tar, plain and compressed, and gives it back with what it is", async () => {
      const plain = tarOf("plain", "first");
      const packed = gzipSync(tarOf("packed", "second"));
      for (const body of [plain, packed]) {
        const put = await serve.request("PUT", "/containers/files/archive?path=/data", { body });
        assert.deepEqual([put.status, put.body.toString()], [200, ""]);
      }
      const got = await serve.request("GET", "/containers/files/archive?path=/data/packed");
      assert.equal(got.headers["content-type"], "application/x-tar");
      const listed = execFileSync("tar", ["-xOf", "-"], { input: got.body }).toString();
      assert.equal(listed, "second");
      const header = String(got.headers["x-docker-container-path-stat"]);
      const stat = JSON.parse(Buffer.from(header, "base64").toString()) as Record<string, unknown>;
      assert.deepEqual([stat.name, stat.size, stat.linkTarget], ["packed", 6, ""]);
      const head = await serve.request("HEAD", "/containers/files/archive?path=/data/packed");
      assert.equal(head.headers["x-docker-container-path-stat"], header);
    });

    it("does not take what a client left half for a whole, and goes on", async () => {
      const tar = tarOf("half", "y".repeat(100_000));
      await sendHalf(serve.socket, "/containers/files/archive?path=/data", tar);
      const body = tarOf("after", "z");
      const put = await serve.request("PUT", "/containers/files/archive?path=/data", { body });
      assert.equal(put.status, 200);
    });

    it("refuses a half archive", async () => {
      const body = tarOf("short", "y".repeat(100_000)).subarray(0, 50_000);
      const put = await serve.request("PUT", "/containers/files/archive?path=/data", { body });
      assert.equal(put.status, 400);
      const packed = gzipSync(tarOf("short", "y".repeat(100_000)));
      const cut = await serve.request("PUT", "/containers/files/archive?path=/data", {
        body: packed.subarray(0, packed.length - 20),
      });
      assert.equal(cut.status, 400);
    });

    it("does not put a file in place of a folder, where that is not wanted", async () => {
      const body = tarOf("data", "a file");
      const path = "/containers/files/archive?path=/&noOverwriteDirNonDir=true";
      const put = await serve.request("PUT", path, { body });
      assert.equal(put.status, 409);
      assert.match(messageOf(put), /cannot overwrite directory/);
    });

    it("exports a tar, and lives on when a client leaves in the middle of one", async () => {
      const got = await serve.request("GET", "/containers/files/export");
      assert.equal(got.headers["content-type"], "application/octet-stream");
      const names = execFileSync("tar", ["-tf", "-"], { input: got.body }).toString().split("\n");
      assert.ok(names.includes("data/big") && names.includes("data/packed"));
      await leaveEarly(serve.socket, "/containers/files/export");
      assert.equal((await serve.request("GET", "/containers/files/json")).status, 200);
    });

    it("is found by the parameters that came before filters", async () => {
      const second = await create({ Image: "box", Cmd: ["sh"] }, "?name=later");
      assert.equal(second.status, 201);
      for (const [query, name] of [
        ["before=later", "/files"],
        ["since=files", "/later"],
        ["limit=1", "/later"],
      ] as const) {
        const { json } = await serve.request("GET", `/v1.24/containers/json?all=1&${query}`);
        const names = (json as { Names: string[] }[]).map(({ Names: [first] }) => first);
        assert.deepEqual(names, [name]);
      }
      assert.equal((await serve.request("DELETE", "/containers/later?v=1")).status, 204);
    });
  });

  it("has the short ID among the aliases on networks of the user's, until 1.45", async () => {
    const net = await serve.request("POST", "/networks/create", { body: { Name: "mine" } });
    assert.equal(net.status, 201);
    const body = { Image: "box", Cmd: ["sh"], Hostname: "h", HostConfig: { NetworkMode: "mine" } };
    const { json: made } = await create(body, "?name=alias");
    const id = (made as { Id: string }).Id;
    const aliases = async (version: string) => {
      const { json } = await serve.request("GET", `/${version}/containers/alias/json`);
      const { NetworkSettings: settings } = json as {
        NetworkSettings: { Networks: Record<string, { Aliases: unknown }> };
      };
      return settings.Networks.mine?.Aliases;
    };
    assert.deepEqual(await aliases("v1.44"), [id.slice(0, 12), "h"]);
    assert.equal(await aliases("v1.45"), null);
    assert.equal((await serve.request("DELETE", "/containers/alias")).status, 204);
    assert.equal((await serve.request("DELETE", "/networks/mine")).status, 204);
  });

  it("prunes volumes with names only until 1.42", async () => {
    await serve.request("POST", "/volumes/create", { body: { Name: "named" } });
    const now = await serve.request("POST", "/v1.42/volumes/prune");
    assert.deepEqual((now.json as { VolumesDeleted: unknown }).VolumesDeleted, null);
    const old = await serve.request("POST", "/v1.41/volumes/prune");
    assert.deepEqual((old.json as { VolumesDeleted: unknown }).VolumesDeleted, ["named"]);
  });
});

/** Sends a request with half of its body and hangs up. */
async function sendHalf(socketPath: string, path: string, body: Buffer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect(socketPath, () => {
    socket.write(
      `PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-tar\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    socket.write(body.subarray(0, body.length / 2), () => socket.destroy());
  });
  socket.once("close", () => resolve());
  await promise;
}

/** Reads the first bytes of an answer and hangs up. */
async function leaveEarly(socketPath: string, path: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect(socketPath, () => {
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  });
  socket.once("data", () => socket.destroy());
  socket.once("close", () => resolve());
  await promise;
}
