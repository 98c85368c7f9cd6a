// SPDX-License-Identifier: Apache-2.0

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { libcCalls } from "../../src/sys/calls.ts";
import { type RunResult, requireTool, run } from "./tools.ts";

const newNetwork = 0x40000000;

/**
 * Moves this process into a network namespace of its own, with nothing in it but loopback: what a
 * test makes there is seen by nobody, and goes with the process.
 */
export function enterPrivateNetwork(): void {
  const ip = requireTool("ip", "iproute2");
  if (libcCalls().unshare(newNetwork) < 0) throw new Error("unshare(CLONE_NEWNET): not permitted");
  spawnSync(ip, ["link", "set", "lo", "up"]);
}

/** Runs a program in a network namespace. */
export function runInNamespace(
  namespace: string,
  command: string,
  ...args: string[]
): Promise<RunResult> {
  return run(requireTool("nsenter", "util-linux"), [`--net=${namespace}`, command, ...args], {
    timeoutMs: 20_000,
  });
}

/** A server in a network namespace that answers every connection with one line. */
export interface LineServer extends AsyncDisposable {
  readonly child: ChildProcess;
}

const serverProgram = `
const [protocol, port, line] = process.argv.slice(1);
if (protocol === "tcp") {
  require("node:net").createServer((socket) => socket.on("error", () => {}).end(line + "\\n"))
    .listen({ port: Number(port), host: "::" }, () => console.log("ready"));
} else {
  const socket = require("node:dgram").createSocket("udp4");
  socket.on("message", (_, from) => socket.send(line, from.port, from.address));
  socket.bind(Number(port), () => console.log("ready"));
}`;

/** Starts a server and waits until it answers. */
export async function serveLine(
  namespace: string,
  port: number,
  line: string,
  protocol: "tcp" | "udp" = "tcp",
): Promise<LineServer> {
  const words = [process.execPath, "-e", serverProgram, protocol, String(port), line];
  const command = namespace === "" ? words : ["nsenter", `--net=${namespace}`, ...words];
  const [program = "", ...args] = command;
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const stop = () => child.kill("SIGKILL");
  process.once("exit", stop);
  await once(child.stdout, "data");
  // A test that fails before it gets there must not wait for its server.
  child.unref();
  child.stdout.destroy();
  return {
    child,
    async [Symbol.asyncDispose]() {
      process.off("exit", stop);
      child.ref();
      const ended = once(child, "exit");
      stop();
      await ended;
    },
  };
}

/** What a server says; empty where nobody answers within a second. */
export function askTcp(namespace: string, host: string, port: number): Promise<string> {
  return ask({ namespace, host, port }, 1);
}

/** As {@link askTcp} where an answer is to come: it may take its time on a busy machine. */
export function hearTcp(namespace: string, host: string, port: number): Promise<string> {
  return ask({ namespace, host, port }, 20);
}

interface Asked {
  readonly namespace: string;
  readonly host: string;
  readonly port: number;
}

async function ask({ namespace, host, port }: Asked, seconds: number): Promise<string> {
  requireTool("busybox", "busybox-static");
  const words = [String(seconds + 1), "busybox", "nc", "-w", String(seconds), host, String(port)];
  const result =
    namespace === ""
      ? await run("timeout", words)
      : await runInNamespace(namespace, "timeout", ...words);
  return result.stdout.trim();
}

/** As {@link askTcp} from this process's own namespace, with a datagram. */
export function askUdp(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    const end = (answer: string) => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end(""), 5000);
    socket.on("error", () => end(""));
    socket.on("message", (message) => end(message.toString()));
    socket.send("?", port, host);
  });
}
