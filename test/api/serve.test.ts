// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { groupId } from "../../src/api/listen.ts";
import { send } from "../helpers/lade-serve.ts";
import { eventually, serveFolder, startServe } from "../helpers/serve-process.ts";
import { requireTool, run } from "../helpers/tools.ts";

const modeOf = (path: string) => (fs.statSync(path).mode % 0o1000).toString(8);

test("the socket is the group's, and the rest of the run root is nobody else's", async () => {
  using folder = serveFolder();
  const socket = join(folder.path, "run/lade.sock");
  await using serve = startServe(folder.env, "serve");
  await serve.says(`API listen on ${socket}`);
  const gid = groupId("docker");
  assert.ok(gid !== undefined, "docker.io makes a group");
  assert.deepEqual([modeOf(socket), fs.statSync(socket).gid], ["660", gid]);
  requireTool("setpriv", "util-linux");
  const user = ["--reuid=65534", "--regid=65534"];
  const as = (groups: string, ...words: string[]) => run("setpriv", [...user, groups, ...words]);
  const client =
    "const s = require('net').connect(process.argv[1]);" +
    "s.on('error', (e) => { console.log(e.code); process.exit(1); });" +
    "s.on('data', (d) => { console.log(String(d).split('\\r')[0]); process.exit(0); });" +
    "s.write('GET /_ping HTTP/1.1\\r\\nHost: d\\r\\n\\r\\n')";
  // The test's own program may lie where other users can't go.
  const copy = join(folder.path, "node");
  fs.copyFileSync(process.execPath, copy);
  fs.chmodSync(copy, 0o755);
  const member = await as(`--groups=${gid}`, copy, "-e", client, socket);
  assert.deepEqual([member.stdout, member.code], ["HTTP/1.1 200 OK\n", 0]);
  const stranger = await as("--clear-groups", copy, "-e", client, socket);
  assert.deepEqual([stranger.stdout, stranger.code], ["EACCES\n", 1]);
  const root = join(folder.path, "run");
  for (const name of [".", ...fs.readdirSync(root)]) {
    if (name === "lade.sock") continue;
    const { code } = await as(`--groups=${gid}`, "test", "-r", join(root, name));
    assert.equal(code, 1, `${name} can be read`);
    const inside = await as(`--groups=${gid}`, "test", "-x", join(root, name));
    assert.equal(inside.code, name === "." ? 0 : 1, `${name} can be searched`);
  }
});

test("one server has a socket; what a killed one left is taken over", async () => {
  using folder = serveFolder();
  const socket = join(folder.path, "run/lade.sock");
  const first = startServe(folder.env, "serve");
  await first.says("API listen on ");
  await using second = startServe(folder.env, "serve");
  assert.equal(await second.exit(), 1);
  assert.equal(second.output(), `listen unix ${socket}: bind: address already in use\n`);
  assert.equal((await send(socket, { method: "GET", path: "/_ping" })).status, 200);
  first.child.kill("SIGKILL");
  await first.exit();
  assert.ok(fs.existsSync(socket));
  await using third = startServe(folder.env, "serve");
  await third.says("API listen on ");
  assert.equal((await send(socket, { method: "GET", path: "/_ping" })).status, 200);
  third.child.kill("SIGTERM");
  assert.equal(await third.exit(), 0);
  const left = fs.readdirSync(join(folder.path, "run")).filter((name) => name.includes("sock"));
  assert.deepEqual(left, []);
});

test("many that start at once: one has the socket", async () => {
  using folder = serveFolder();
  const path = join(folder.path, "s");
  const all = Array.from({ length: 4 }, () =>
    startServe(folder.env, "serve", "-H", `unix://${path}`),
  );
  const codes: (number | string)[] = [];
  for (const one of all) void one.exit().then((code) => codes.push(code));
  await eventually("the end of all but one", () => codes.length === 3);
  assert.deepEqual(codes, [1, 1, 1]);
  const winner = all.find(({ child }) => child.exitCode === null);
  await winner?.says(`API listen on ${path}`);
  winner?.child.kill("SIGINT");
  assert.equal(await winner?.exit(), 0);
});

test("sockets and files of others are left alone, at the end too", async () => {
  using folder = serveFolder();
  const path = join(folder.path, "s");
  fs.writeFileSync(path, "precious");
  await using file = startServe(folder.env, "serve", "-H", `unix://${path}`);
  assert.equal(await file.exit(), 1);
  assert.match(file.output(), /address already in use/);
  assert.equal(fs.readFileSync(path, "utf8"), "precious");
  fs.rmSync(path);
  const other = createServer().listen(path);
  await using socket = startServe(folder.env, "serve", "-H", `unix://${path}`);
  assert.equal(await socket.exit(), 1);
  assert.match(socket.output(), /address already in use/);
  assert.equal(fs.lstatSync(path).isSocket(), true);
  other.close();
  await using own = startServe(folder.env, "serve", "-H", `unix://${path}`);
  await own.says("API listen on ");
  fs.rmSync(path);
  fs.writeFileSync(path, "another's");
  own.child.kill("SIGTERM");
  assert.equal(await own.exit(), 0);
  assert.equal(fs.readFileSync(path, "utf8"), "another's");
});

test("addresses that can't be listened on are told in a sentence", async () => {
  using folder = serveFolder();
  const long = `/${"x".repeat(107)}`;
  for (const [args, message] of [
    [["-H", "unix:///no/such/folder/s"], /^listen unix .*: bind: no such file or directory$/m],
    [["-H", `unix://${long}`], /bind: invalid argument/],
    [["-H", "tcp://127.0.0.1:0"], /the API is served on TCP only to clients with a certificate/],
    [["-H", "fd://"], /no sockets found via socket activation/],
    [["-H", "ftp://x"], /^invalid bind address \(ftp:\/\/x\)/],
    [["--tlsverify"], /TLS needs all of --tlsverify/],
    [["-G", "no-such-group"], /^group no-such-group not found$/m],
  ] as const) {
    await using serve = startServe(folder.env, "serve", ...args);
    assert.equal(await serve.exit(), 1, args.join(" "));
    assert.match(serve.output(), message);
  }
});

test("a stop ends streams and idle connections, and exits with 0", async () => {
  using folder = serveFolder();
  const socket = join(folder.path, "run/lade.sock");
  await using serve = startServe(folder.env, "-D", "serve");
  await serve.says("API listen on ");
  const idle = connect(socket);
  idle.on("error", () => {});
  const events = send(socket, { method: "GET", path: "/events" });
  const secret = { "X-Registry-Auth": "c2VjcmV0" };
  const path = "/images/create?fromSrc=https://ada:secret@example.org/a.tar&tag=x";
  await send(socket, { method: "GET", path: "/_ping?token=secret", headers: secret });
  await send(socket, { method: "GET", path, headers: secret });
  await serve.says('"path":"/images/create"');
  serve.child.kill("SIGTERM");
  assert.equal(await serve.exit(), 0);
  assert.equal((await events).status, 200);
  const lines = serve.output().trim().split("\n");
  const parsed: Record<string, unknown>[] = lines.map((line) => JSON.parse(line));
  const ping = parsed.find((line) => line.path === "/_ping");
  assert.deepEqual([ping?.level, ping?.status, ping?.msg], ["debug", 200, "request"]);
  assert.match(String(ping?.reqId), /^req-/);
  assert.doesNotMatch(serve.output(), /secret|c2VjcmV0/);
});
