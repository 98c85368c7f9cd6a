// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeRunFolders, type RunPaths, runPaths } from "../../src/rootfs/run-paths.ts";
import { attachTo } from "../../src/runtime/attach.ts";
import { readDevices } from "../../src/runtime/devices.ts";
import { readMachine } from "../../src/runtime/machine.ts";
import type { StdinMode } from "../../src/runtime/monitor.ts";
import {
  type CreateProcessOptions,
  createProcess,
  deleteProcess,
  startProcess,
  waitForExit,
} from "../../src/runtime/process.ts";
import { buildSpec } from "../../src/runtime/spec/build-spec.ts";
import type { SpecInput, SpecMount } from "../../src/runtime/spec/input.ts";
import type { Attachment, AttachOptions } from "../../src/runtime/types.ts";
import type { ContainerConfig, HostConfig } from "../../src/spec/container.ts";
import { unmountBelow } from "../helpers/mounts.ts";
import { requireTool } from "../helpers/tools.ts";

/** A run root with the root file system of a small image: busybox and a few users. */
export interface Lab extends AsyncDisposable {
  readonly folder: string;
  readonly run: RunPaths;
  readonly rootfs: string;
}

const labs = new Set<string>();
process.on("exit", () => {
  for (const folder of labs) removeLab(folder);
});

function removeLab(folder: string): void {
  for (const id of fs.readdirSync(join(folder, "run", "containers"))) {
    const root = join(folder, "run", "runtime");
    spawnSync("runc", ["--root", root, "delete", "--force", id], { stdio: "ignore" });
  }
  unmountBelow(folder);
  fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  labs.delete(folder);
}

export function openLab(): Lab {
  const folder = fs.mkdtempSync(join(tmpdir(), "lade-run-"));
  const run = runPaths(join(folder, "run"));
  makeRunFolders(run);
  labs.add(folder);
  const rootfs = join(folder, "rootfs");
  makeBusyboxRoot(rootfs);
  return {
    folder,
    run,
    rootfs,
    async [Symbol.asyncDispose]() {
      removeLab(folder);
    },
  };
}

export function makeBusyboxRoot(rootfs: string): void {
  const busybox = requireTool("/bin/busybox", "busybox-static");
  for (const name of ["bin", "proc", "sys", "dev", "etc", "tmp", "root", "data"]) {
    fs.mkdirSync(join(rootfs, name), { recursive: true });
  }
  fs.copyFileSync(busybox, join(rootfs, "bin/busybox"));
  const { stdout } = spawnSync(busybox, ["--list"], { encoding: "utf8" });
  for (const name of stdout.split("\n").filter((applet) => applet && applet !== "busybox")) {
    fs.symlinkSync("busybox", join(rootfs, "bin", name));
  }
  fs.writeFileSync(
    join(rootfs, "etc/passwd"),
    "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\n",
  );
  fs.writeFileSync(
    join(rootfs, "etc/group"),
    "root:x:0:\napp:x:1001:\nwheel:x:10:root,app\nextra:x:77:app\n",
  );
}

export interface BoxOptions {
  readonly config?: ContainerConfig;
  readonly host?: HostConfig;
  readonly mounts?: readonly SpecMount[];
  readonly input?: Partial<SpecInput>;
  readonly stdin?: StdinMode;
  readonly create?: Partial<CreateProcessOptions>;
}

/** A made container. */
export interface Box extends AsyncDisposable {
  readonly id: string;
  readonly pid: number;
  readonly monitorPid: number;
  readonly logPath: string;
}

export function newId(): string {
  return randomBytes(32).toString("hex");
}

export function boxInput(lab: Lab, id: string, options: BoxOptions): SpecInput {
  const host = options.host ?? {};
  return {
    id,
    rootfs: lab.rootfs,
    config: options.config ?? {},
    host,
    hostname: options.config?.Hostname ?? id.slice(0, 12),
    user: { uid: 0, gid: 0, additionalGids: [0] },
    mounts: options.mounts ?? [],
    files: {},
    namespaces: { network: "new" },
    devices: readDevices(host),
    machine: readMachine(),
    ...options.input,
  };
}

export async function createBox(lab: Lab, options: BoxOptions): Promise<Box> {
  const id = newId();
  const logPath = join(lab.folder, `${id}.log`);
  const made = await createProcess(lab.run, {
    id,
    spec: buildSpec(boxInput(lab, id, options)),
    stdin: options.stdin ?? "none",
    logPath,
    ...options.create,
  });
  return {
    ...made,
    id,
    logPath,
    async [Symbol.asyncDispose]() {
      await deleteProcess(lab.run, id, { force: true });
    },
  };
}

export async function startBox(lab: Lab, options: BoxOptions): Promise<Box> {
  const box = await createBox(lab, options);
  await startProcess(lab.run, box.id);
  return box;
}

/** Collects what an attached process writes. */
export function collector() {
  const parts: { stream: "stdout" | "stderr"; bytes: Buffer }[] = [];
  const take = (stream: "stdout" | "stderr") => (chunk: Uint8Array) => {
    parts.push({ stream, bytes: Buffer.from(chunk) });
  };
  const text = (stream: string) =>
    Buffer.concat(parts.flatMap((part) => (part.stream === stream ? [part.bytes] : []))).toString();
  return {
    stdout: take("stdout"),
    stderr: take("stderr"),
    out: () => text("stdout"),
    err: () => text("stderr"),
  };
}

export interface BoxResult {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
}

/** Runs a command to its end, attached, and removes the container. */
export async function runBox(
  lab: Lab,
  command: readonly string[],
  options: BoxOptions & { readonly attach?: AttachOptions } = {},
): Promise<BoxResult> {
  await using box = await createBox(lab, {
    ...options,
    config: { ...options.config, Cmd: command },
  });
  const output = collector();
  const attachment: Attachment = attachTo(
    lab.run,
    box.id,
    { stdout: output.stdout, stderr: output.stderr, ...options.attach },
    { hasTerminal: options.config?.Tty === true },
  );
  await startProcess(lab.run, box.id);
  assert.equal(await attachment.ended, "closed");
  const code = await waitForExit(lab.run, box.id);
  return { code, out: output.out(), err: output.err() };
}

export function shell(script: string): readonly string[] {
  return ["/bin/sh", "-c", script];
}

/** All that is left of a lab's containers on the machine. */
export function remains(lab: Lab, id: string): string[] {
  const cgroups = fs
    .readdirSync("/sys/fs/cgroup")
    .map((tree) => join("/sys/fs/cgroup", tree, "lade", id))
    .filter((path) => fs.existsSync(path));
  const mounts = fs.readFileSync("/proc/self/mountinfo", "utf8").includes(id) ? ["mount"] : [];
  const state = [join(lab.run.root, "runtime", id), join(lab.run.containers, id, "bundle")];
  return [...cgroups, ...mounts, ...state.filter((path) => fs.existsSync(path))];
}
