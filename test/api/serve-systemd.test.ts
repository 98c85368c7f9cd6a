// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { takeServiceManager } from "../../src/api/service-manager.ts";
import { send } from "../helpers/lade-serve.ts";
import { ladeWords, serveFolder, watchServe } from "../helpers/serve-process.ts";
import { requireTool } from "../helpers/tools.ts";

/** As systemd: passes a socket that listens, and prints what the service tells it. */
const parent = `
import os, socket, sys
folder, kind, *command = sys.argv[1:]
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(folder + "/notify")
if kind == "unix":
    passed = socket.socket(socket.AF_UNIX)
    passed.bind(folder + "/passed.sock")
else:
    passed = socket.socket()
    passed.bind(("127.0.0.1", 0))
passed.listen()
pid = os.fork()
if pid == 0:
    os.dup2(passed.fileno(), 3)
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="lade.socket",
        NOTIFY_SOCKET=folder + "/notify")
    os.execv(command[0], command)
print("pid=%d" % pid, flush=True)
while kind == "unix":
    state = notify.recv(4096).decode()
    print(state, flush=True)
    if state == "STOPPING=1": break
_, status = os.waitpid(pid, 0)
print("exit=%d" % os.waitstatus_to_exitcode(status), flush=True)
`;

function startPassed(folder: ReturnType<typeof serveFolder>, kind: string) {
  const python = requireTool("python3", "python3");
  const words = ["-c", parent, folder.path, kind, ...ladeWords, "serve", "-H", "fd://"];
  return watchServe(
    spawn(python, words, { env: { ...folder.env }, stdio: ["ignore", "pipe", "pipe"] }),
  );
}

test("a socket that systemd passes is served, and systemd is told of start and stop", async () => {
  using folder = serveFolder();
  await using serve = startPassed(folder, "unix");
  await serve.says("READY=1");
  const socket = join(folder.path, "passed.sock");
  await serve.says(`API listen on ${socket}`);
  assert.equal((await send(socket, { method: "GET", path: "/_ping" })).status, 200);
  process.kill(Number(/pid=(\d+)/.exec(serve.output())?.[1]), "SIGTERM");
  await serve.says("STOPPING=1");
  await serve.says("exit=0");
  assert.equal(await serve.exit(), 0);
});

test("a TCP socket that is passed is not served without TLS", async () => {
  using folder = serveFolder();
  await using serve = startPassed(folder, "tcp");
  await serve.says("exit=1");
  assert.match(serve.output(), /listen fd:\/\/3: the API is served on TCP only to clients with a/);
});

test("what a service manager passes is taken out of the environment, by whom it is for", () => {
  const env = {
    LISTEN_FDS: "2",
    LISTEN_PID: "7",
    LISTEN_FDNAMES: "a",
    NOTIFY_SOCKET: "/n",
    A: "b",
  };
  const other: Record<string, string | undefined> = { ...env };
  assert.deepEqual(takeServiceManager(other, 8).sockets, []);
  assert.deepEqual(other, { A: "b" });
  const own = { ...env };
  const { sockets, notify } = takeServiceManager(own, 7);
  assert.deepEqual(sockets, [
    { fd: 3, name: "a" },
    { fd: 4, name: "unknown" },
  ]);
  // Nobody listens there.
  notify("READY=1");
});
