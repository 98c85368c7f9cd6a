// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { promisify } from "node:util";
import { acquireLock, ifLockFree, withLock } from "../../src/sys/lock.ts";
import { connectSeqpacket, shutdownSocket } from "../../src/sys/socket.ts";
import { requireTool } from "../helpers/tools.ts";

let root: string;

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "lade-sys-"));
});

afterEach(() => {
  fs.rmSync(root, { recursive: true });
});

const server = `
import os, socket, sys
os.chdir(os.path.dirname(sys.argv[1]))
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(os.path.basename(sys.argv[1])); s.listen()
print("ready", flush=True)
c, _ = s.accept()
c.send(b"one"); c.send(b"three")
print(c.recv(100).decode(), flush=True)
c.recv(100)
`;

describe("seqpacket socket", () => {
  it("keeps messages apart, and ends a waiting read", async () => {
    requireTool("python3", "python3");
    // Longer than an address has room for.
    const folder = join(root, "f".repeat(150));
    fs.mkdirSync(folder);
    const path = join(folder, "socket");
    const child = spawn("python3", ["-c", server, path], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    const fd = connectSeqpacket(path);
    const read = promisify(fs.read);
    const buffer = Buffer.alloc(100);
    assert.equal((await read(fd, buffer, 0, 100, null)).bytesRead, 3);
    assert.equal((await read(fd, buffer, 0, 100, null)).bytesRead, 5);
    const said = once(child.stdout, "data");
    fs.writeSync(fd, "hello");
    assert.equal(String(await said).trim(), "hello");
    const waiting = read(fd, buffer, 0, 100, null);
    shutdownSocket(fd, "both");
    assert.equal((await waiting).bytesRead, 0);
    fs.closeSync(fd);
    await once(child, "exit");
    assert.throws(() => connectSeqpacket(path), { code: "ECONNREFUSED" });
  });
});

describe("lock", () => {
  it("is held by one at a time", async () => {
    const path = join(root, "lock");
    const held = await acquireLock(path);
    const order: string[] = [];
    const second = acquireLock(path).then((lock) => {
      order.push("second");
      lock[Symbol.dispose]();
    });
    order.push("first");
    held[Symbol.dispose]();
    held[Symbol.dispose]();
    await second;
    assert.deepEqual(order, ["first", "second"]);
    assert.equal(
      withLock(path, () => 5),
      5,
    );
    const shared = await acquireLock(path, { shared: true });
    const other = await acquireLock(path, { shared: true });
    const signal = AbortSignal.timeout(20);
    await assert.rejects(acquireLock(path, { signal }), { name: "AbortError" });
    shared[Symbol.dispose]();
    other[Symbol.dispose]();
  });

  it("is taken anew where its file was removed", async () => {
    const path = join(root, "lock");
    const held = await acquireLock(path);
    const waiting = acquireLock(path);
    assert.equal(
      ifLockFree(path, () => assert.fail("it is not free")),
      false,
    );
    fs.rmSync(path);
    held[Symbol.dispose]();
    const next = await waiting;
    assert.equal(fs.fstatSync(next.fd).ino, fs.statSync(path).ino);
    assert.equal(
      ifLockFree(path, () => assert.fail("it is not free")),
      false,
    );
    next[Symbol.dispose]();
    let done = 0;
    assert.equal(
      ifLockFree(path, () => done++),
      true,
    );
    assert.equal(done, 1);
  });
});
