// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { parseHost } from "../../src/api/host.ts";
import { statusOf } from "../../src/api/http-status.ts";
import { addressInUse, listenError } from "../../src/api/listen-error.ts";
import { choosePassed } from "../../src/api/listen-fd.ts";
import { readJson } from "../../src/api/request-body.ts";
import { countTraffic } from "../../src/api/traffic.ts";
import { isLadeError, LadeError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { goStruct } from "../../src/spec/schema.ts";

test("what -H may be", () => {
  const tcp = (address: string, port: number) => ({ type: "tcp", address, port });
  for (const [text, host] of [
    ["unix:///a/b", { type: "unix", path: "/a/b" }],
    ["fd://", { type: "fd", name: "*" }],
    ["fd://lade.socket", { type: "fd", name: "lade.socket" }],
    ["tcp://", tcp("localhost", 2376)],
    ["tcp://:80", tcp("", 80)],
    ["tcp://10.0.0.1:2376", tcp("10.0.0.1", 2376)],
    ["tcp://[::1]:1", tcp("::1", 1)],
    ["tcp://host", tcp("host", 2376)],
  ] as const) {
    assert.deepEqual(parseHost(text), host, text);
  }
  for (const text of [
    "",
    "/a/b",
    "unix://a",
    "tcp://a:99999",
    "tcp://::1:2",
    "tcp://a/b",
    "tcp://a:b",
    "ssh://a",
    "http://a:1",
  ]) {
    assert.throws(
      () => parseHost(text),
      (error) => isLadeError(error, "USAGE"),
      text,
    );
  }
});

test("which passed sockets fd:// means", () => {
  const passed = [
    { fd: 3, name: "a" },
    { fd: 4, name: "b" },
    { fd: 5, name: "a" },
  ];
  const fds = (name: string) => choosePassed(name, passed).map(({ fd }) => fd);
  assert.deepEqual(fds("*"), [3, 4, 5]);
  assert.deepEqual(fds("a"), [3, 5]);
  assert.deepEqual(fds("4"), [4]);
  assert.throws(() => fds("6"), /no socket 6 was passed by systemd, but 3 to 5: a, b, a/);
  assert.throws(() => choosePassed("*", []), /no sockets found via socket activation/);
});

test("requests under way are counted, limited and waited for", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const traffic = countTraffic(2);
  const [one, two, three] = [new EventEmitter(), new EventEmitter(), new EventEmitter()];
  assert.equal(traffic.admit(one), undefined);
  assert.equal(traffic.admit(two), undefined);
  assert.equal(traffic.admit(three), "too many requests: 2 are under way");
  one.emit("close");
  assert.equal(traffic.admit(three), undefined);
  traffic.close();
  assert.equal(traffic.admit(new EventEmitter()), "the server is stopping");
  three.emit("close");
  const drained = traffic.drained(10);
  two.emit("close");
  assert.equal(await drained, true);
});

test("a body that trickles in is not waited for for ever", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const body = { read: () => new Promise<number>(() => {}) };
  const headers = { "content-type": "application/json" };
  const reading = readJson({ headers, body, hasBody: true }, goStruct({}));
  t.mock.timers.tick(limits.api.smallBodyMs);
  await assert.rejects(reading, (error) => isLadeError(error, "LIMIT_EXCEEDED"));
});

test("an address that can't be listened on is told in dockerd's words", () => {
  const taken = Object.assign(new Error("listen EADDRINUSE"), { errno: -98 });
  for (const error of [listenError("tcp 127.0.0.1:1", taken), addressInUse("tcp 127.0.0.1:1")]) {
    assert.equal(error.code, "LISTEN_FAILED");
    assert.equal(error.message, "listen tcp 127.0.0.1:1: bind: address already in use");
  }
});

test("what the server's stop has ended may be asked for again", () => {
  assert.equal(statusOf(new LadeError("API_STOPPED", "the server is stopping")), 503);
});
