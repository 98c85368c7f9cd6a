// SPDX-License-Identifier: Apache-2.0

/** Copying into and out of containers, for tests. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { bytesSource } from "../../../src/base/bytes.ts";
import { type ErrorCode, isLadeError } from "../../../src/base/errors.ts";
import {
  getArchive,
  type PutArchiveOptions,
  putArchive,
  statArchive,
} from "../../../src/engine/copy-container.ts";
import { type TarEntry, tar } from "../../fixtures/tar-builder.ts";
import { type Box, body, run, start } from "./box.ts";

export async function get(box: Box, id: string, path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await getArchive(box.engine, id, path, (chunk) => void chunks.push(Buffer.from(chunk)));
  return Buffer.concat(chunks);
}

/** The members of a tar as GNU tar names them. */
export async function names(box: Box, id: string, path: string): Promise<string[]> {
  const { stdout } = spawnSync("tar", ["-t"], { input: await get(box, id, path) });
  return stdout.toString().split("\n").filter(Boolean);
}

/** What GNU tar makes of the one file in a tar. */
export async function content(box: Box, id: string, path: string): Promise<string> {
  return spawnSync("tar", ["-xO"], { input: await get(box, id, path) }).stdout.toString();
}

export async function put(
  box: Box,
  id: string,
  to: { readonly path: string; readonly members: readonly TarEntry[] } & PutArchiveOptions,
): Promise<void> {
  const { path, members, ...options } = to;
  await putArchive(box.engine, id, path, bytesSource(tar(members)), options);
}

export async function assertRefused(
  work: Promise<unknown>,
  code: ErrorCode,
  message: string | RegExp,
): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(isLadeError(error, code), String(error));
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}

/** Makes a container that runs, and one that does not. */
export async function both(
  box: Box,
  command: string,
  host = {},
): Promise<readonly { readonly id: string; readonly state: string }[]> {
  const script = `${command}; touch /ready; sleep 1000`;
  const running = await start(box, { body: body(script, { host }) });
  await until(() => statArchive(box.engine, running, "/ready"));
  const { id: stopped } = await run(box, { body: body(command, { host }) });
  return [
    { id: running, state: "running" },
    { id: stopped, state: "stopped" },
  ];
}

export async function until(work: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (
      await work().then(
        () => true,
        () => false,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("it does not come");
}

export const links = `cd /data && busybox ln -s deep to-deep && busybox ln -s /data/file to-file &&
busybox ln -s ../../../../etc up && busybox ln -s loop loop && busybox ln -s /not/there dangling`;
