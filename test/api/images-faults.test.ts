// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, truncateSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { dir, file, sampleImage, sampleLayer } from "../fixtures/sample-image.ts";
import { plainArchive } from "../fixtures/variants.ts";
import { type LadeServe, startLadeServe } from "../helpers/lade-serve.ts";

const MIB = 1024 * 1024;
const layerSize = 24 * MIB;

/** An image whose layer is more than sockets hold. */
function largeImage() {
  return sampleImage({
    layers: [sampleLayer([dir("data/"), file("data/random", randomBytes(layerSize))])],
  });
}

const small = sampleImage();
const large = largeImage();
const { archive } = plainArchive([large], { tags: ["large:1"] });

describe("what goes wrong in the middle of images by the API", () => {
  let serve: LadeServe;
  before(async () => {
    serve = await startLadeServe();
    await serve.request("POST", "/images/load", { body: plainArchive([small]).archive });
  });
  after(() => serve[Symbol.asyncDispose]());

  /** What the store holds: files by name, and what is left of commands. */
  function stored(): readonly string[] {
    const folders = ["blobs/sha256", "indexes/sha256", "ingest"];
    return folders.flatMap((folder) => readdirSync(join(serve.root, folder)).sort());
  }

  async function settled(): Promise<void> {
    const end = Date.now() + 10_000;
    while (readdirSync(join(serve.root, "ingest")).length > 0 && Date.now() < end) await delay(20);
  }

  async function isWhole(): Promise<void> {
    const check = await serve.lade("system", "check");
    assert.match(check.stdout, /No problems found/);
    assert.equal((await serve.request("GET", "/images/demo:1/json")).status, 200);
  }

  /** Sends the first bytes of a request with a body, waits until they are taken, and is gone. */
  async function leave(path: string, size: number, header: string): Promise<void> {
    const socket = connect(serve.socket);
    await once(socket, "connect");
    socket.on("error", () => {});
    socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`);
    const body = archive.subarray(0, size);
    const framed = header.startsWith("Transfer")
      ? Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n")])
      : body;
    await new Promise((resolve) => socket.write(framed, resolve));
    socket.destroy();
  }

  it("keeps nothing of what a client sent that left, at whatever byte", async () => {
    const before = stored();
    const length = `Content-Length: ${archive.length}`;
    for (const size of [0, 1, 511, 512, 5000, MIB, layerSize / 2, archive.length - 1]) {
      for (const header of [length, "Transfer-Encoding: chunked"]) {
        await leave("/images/load", size, header);
        await leave("/images/create?fromSrc=-&repo=large", size, header);
      }
    }
    await settled();
    assert.deepEqual(stored(), before);
    assert.equal((await serve.request("GET", "/images/large:1/json")).status, 404);
    assert.equal((await serve.request("GET", "/images/large:latest/json")).status, 404);
    await isWhole();
  });

  it("takes the same archive afterwards", async () => {
    const { body } = await serve.request("POST", "/images/load", { body: archive });
    assert.match(body.toString(), /Loaded image: large:1/);
  });

  it("answers who sends much that nobody reads, and is heard", async () => {
    const garbage = randomBytes(2 * layerSize);
    for (let turn = 0; turn < 5; turn++) {
      const loaded = await serve.request("POST", "/images/load", { body: garbage });
      assert.match(loaded.body.toString(), /^\{"errorDetail":\{"message":"archive: /);
      const path = "/images/create?fromSrc=-&changes=BOGUS";
      const imported = await serve.request("POST", path, { body: garbage });
      assert.equal(imported.status, 400);
    }
  });

  /** Asks for the archive of an image and reads its first bytes. */
  async function startSave(): Promise<IncomingMessage> {
    const request = httpRequest({ socketPath: serve.socket, path: "/images/large:1/get" });
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    await once(response, "readable");
    return response;
  }

  it("lets go of a save whose client left", async () => {
    const files = () => readdirSync(`/proc/${serve.pid}/fd`).length;
    await isWhole();
    const before = files();
    for (let turn = 0; turn < 10; turn++) (await startSave()).destroy();
    const end = Date.now() + 10_000;
    while (files() > before && Date.now() < end) await delay(20);
    assert.ok(files() <= before, `${files()} open files after ${before}`);
  });

  it("cuts the connection where the rest of a save can't be read", async () => {
    const response = await startSave();
    assert.equal(response.statusCode, 200);
    const blob = join(serve.root, "blobs/sha256", String(large.diffIds[0]).slice("sha256:".length));
    const whole = readFileSync(blob);
    truncateSync(blob, MIB);
    const ended = await new Promise((resolve) => {
      response.on("end", () => resolve("whole"));
      response.on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
      response.resume();
    });
    assert.equal(ended, "ECONNRESET");
    assert.equal(response.complete, false);
    assert.ok(whole.length > layerSize);
    // The next one finds the damage before its first byte.
    const next = await serve.request("GET", "/images/large:1/get");
    assert.equal(next.status, 500);
    assert.match((next.json as { message: string }).message, /sha256:/);
  });
});
