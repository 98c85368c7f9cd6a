// SPDX-License-Identifier: Apache-2.0

/** A store with a small image, for tests that run real containers. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { allContainers } from "../../../src/content/containers.ts";
import type { CreateContainerOptions } from "../../../src/engine/container-types.ts";
import { createContainer } from "../../../src/engine/create.ts";
import { type Engine, openEngine } from "../../../src/engine/engine.ts";
import { importImage } from "../../../src/engine/import.ts";
import { removeContainer } from "../../../src/engine/remove-container.ts";
import { startContainer } from "../../../src/engine/start.ts";
import { waitContainer } from "../../../src/engine/wait.ts";
import type { ContainerBody, HostConfig } from "../../../src/spec/container.ts";
import { mountsBelow, unmountBelow } from "../../helpers/mounts.ts";
import { requireTool } from "../../helpers/tools.ts";

export interface Box extends AsyncDisposable {
  readonly engine: Engine;
  readonly folder: string;
  /** Another command's engine on the same store, also as if the machine had been started anew. */
  reopen(options?: { readonly bootId?: string }): Promise<Engine>;
}

export const image = "box:1";

const folders = new Set<string>();

process.on("exit", () => {
  for (const folder of folders) removeFolder(folder);
});

function removeFolder(folder: string): void {
  for (const { pid } of processesOf(folder)) kill(pid);
  unmountBelow(folder);
  fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  folders.delete(folder);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

let archive: Buffer | undefined;

const programs = "sh ls cat sleep echo true false id env kill touch mkdir test wc head rm mv stat";

/** The tar of a root with busybox and a few files. */
export function boxArchive(): Buffer {
  archive ??= makeArchive();
  return archive;
}

function makeArchive(): Buffer {
  const busybox = requireTool("busybox", "busybox-static");
  const root = fs.mkdtempSync(join(tmpdir(), "lade-box-"));
  try {
    for (const name of ["bin", "etc", "tmp", "data/deep", "root"]) {
      fs.mkdirSync(join(root, name), { recursive: true });
    }
    fs.copyFileSync(busybox, join(root, "bin/busybox"));
    for (const name of programs.split(" ")) fs.symlinkSync("busybox", join(root, "bin", name));
    fs.writeFileSync(join(root, "etc/passwd"), "root:x:0:0::/root:/bin/sh\nada:x:7:8::/:/bin/sh\n");
    fs.writeFileSync(join(root, "etc/group"), "root:x:0:\nfriends:x:8:ada\n");
    fs.writeFileSync(join(root, "data/file"), "from the image\n");
    fs.writeFileSync(join(root, "data/deep/file"), "deep\n");
    const { stdout, status } = spawnSync("tar", ["-C", root, "-cf", "-", "."], {
      maxBuffer: 64 * 1024 * 1024,
    });
    assert.equal(status, 0);
    return stdout;
  } finally {
    fs.rmSync(root, { recursive: true });
  }
}

/** The command line of the sources, which monitors run. */
const self = [
  process.execPath,
  "--disable-warning=ExperimentalWarning",
  join(import.meta.dirname, "../../../bin/main.ts"),
];

export async function openBox(): Promise<Box> {
  const folder = fs.mkdtempSync(join(tmpdir(), "lade-box-"));
  folders.add(folder);
  const reopen = (options: { readonly bootId?: string } = {}) =>
    openEngine({ root: join(folder, "store"), runRoot: join(folder, "run"), self, ...options });
  const engine = await reopen();
  const source = join(folder, "box.tar");
  fs.writeFileSync(source, boxArchive());
  await importImage(engine, {
    source,
    reference: image,
    changes: ['CMD ["sh"]', "ENV PATH=/bin COLOUR=blue", "LABEL kind=box"],
  });
  fs.rmSync(source);
  return {
    engine,
    folder,
    reopen,
    async [Symbol.asyncDispose]() {
      for (const { id } of allContainers(engine.store.database)) {
        await removeContainer(engine, id, { force: true, volumes: true }).catch(() => {});
      }
      await engine[Symbol.asyncDispose]();
      removeFolder(folder);
    },
  };
}

/** A container without a network, of the test's image. */
export function body(
  command: string | readonly string[],
  more: Partial<ContainerBody> & { readonly host?: HostConfig } = {},
): ContainerBody {
  const { host, ...config } = more;
  return {
    Image: image,
    Cmd: typeof command === "string" ? ["sh", "-c", command] : command,
    ...config,
    HostConfig: { NetworkMode: "none", ...host },
  };
}

/** Makes a container, and gives its ID. */
export async function create(
  { engine }: Pick<Box, "engine">,
  options: CreateContainerOptions,
): Promise<string> {
  return (await createContainer(engine, options)).id;
}

/** Makes and starts a container, and gives its ID. */
export async function start(
  box: Pick<Box, "engine">,
  options: CreateContainerOptions,
): Promise<string> {
  const id = await create(box, options);
  await startContainer(box.engine, id);
  return id;
}

/** Runs a container in the foreground to its end. */
export async function run(
  { engine }: Pick<Box, "engine">,
  options: CreateContainerOptions,
): Promise<{ id: string; output: string; errors: string; exitCode: number }> {
  const { id } = await createContainer(engine, options);
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  const { attachment } = await startContainer(engine, id, {
    attach: {
      stdout: (chunk) => void out.push(Buffer.from(chunk)),
      stderr: (chunk) => void err.push(Buffer.from(chunk)),
    },
  });
  assert.equal(await attachment?.ended, "closed");
  const { exitCode } = await waitContainer(engine, id);
  return {
    id,
    output: Buffer.concat(out).toString(),
    errors: Buffer.concat(err).toString(),
    exitCode,
  };
}

export interface RunningProcess {
  readonly pid: number;
  readonly command: string;
}

/** Processes whose command names something in the folder. */
export function processesOf(folder: string): RunningProcess[] {
  return fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const command = fs.readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
        const isOurs = command.includes(folder) && Number(name) !== process.pid;
        return isOurs ? [{ pid: Number(name), command }] : [];
      } catch {
        return [];
      }
    });
}

/** The monitor of a container. */
export function monitorOf(box: Box, id: string): RunningProcess {
  const found = processesOf(box.folder).find(({ command }) =>
    command.includes(`conmon --api-version 1 -c ${id}`),
  );
  if (found === undefined) throw new Error(`no monitor of ${id}`);
  return found;
}

/** Waits until something holds; what is to come may take a moment. */
export async function eventually(what: string, check: () => boolean | Promise<boolean>) {
  for (let tries = 0; tries < 600; tries++) {
    if (await check()) return;
    await delay(50);
  }
  throw new Error(`it does not come: ${what}`);
}

function listFolder(path: string): string[] {
  return fs.existsSync(path) ? fs.readdirSync(path) : [];
}

/** What a reboot leaves of a machine: no process, no mount, an empty run root. */
export async function reboot(box: Box, bootId = "another-boot"): Promise<Engine> {
  for (const { pid } of processesOf(box.folder)) kill(pid);
  for (const { state } of allContainers(box.engine.store.database)) {
    if (state.pid > 0) kill(state.pid);
  }
  await eventually("the end of all", () => processesOf(box.folder).length === 0);
  unmountBelow(box.folder);
  fs.rmSync(box.engine.run.root, { recursive: true, force: true });
  return await box.reopen({ bootId });
}

/** Asserts that nothing of any container is left on the machine, but what is in the store. */
export async function assertNothingRuns({ engine, folder }: Box): Promise<void> {
  await eventually("the end of all processes", () => processesOf(folder).length === 0);
  const { run } = engine;
  const mounts = mountsBelow(fs.readFileSync("/proc/self/mountinfo", "utf8"), folder);
  assert.deepEqual(mounts, []);
  for (const path of [
    run.containers,
    run.exits,
    run.netns,
    run.layers,
    join(run.root, "runtime"),
  ]) {
    assert.deepEqual(listFolder(path), [], path);
  }
}

/** As {@link assertNothingRuns}, and no container is known either. */
export async function assertNothingLeft(box: Box): Promise<void> {
  await assertNothingRuns(box);
  const { store, run } = box.engine;
  for (const table of ["container", "container_layer", "container_volume", "endpoint", "exec"]) {
    assert.deepEqual(store.database.all(`SELECT * FROM ${table}`), [], table);
  }
  assert.deepEqual(listFolder(store.paths.containers), []);
  const locks = listFolder(run.locks).filter((name) => /^[0-9a-f]{64}/.test(name));
  assert.deepEqual(locks, []);
}
