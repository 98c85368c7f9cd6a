// SPDX-License-Identifier: Apache-2.0

/** What the suites of dockerode share. */

import type { Readable } from "node:stream";
import { PassThrough } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import Docker from "dockerode";
import { type TarEntry, tar } from "../fixtures/tar-builder.ts";
import { runOrThrow } from "../helpers/tools.ts";
import { image, type Target } from "./target.ts";

export function dockerode({ socket }: Target): Docker {
  return new Docker({ socketPath: socket });
}

/** Ends at once when it is told to. */
export const sleeping = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"];

export function create(
  docker: Docker,
  command: readonly string[],
  options: Docker.ContainerCreateOptions = {},
): Promise<Docker.Container> {
  return docker.createContainer({ Image: image, Cmd: [...command], ...options });
}

export async function start(
  docker: Docker,
  command: readonly string[] = sleeping,
  options: Docker.ContainerCreateOptions = {},
): Promise<Docker.Container> {
  const container = await create(docker, command, options);
  await container.start();
  return container;
}

/** A stream of frames, as the two texts in it. */
export async function demux(
  docker: Docker,
  stream: NodeJS.ReadableStream,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  docker.modem.demuxStream(stream, stdout, stderr);
  const end = () => {
    stdout.end();
    stderr.end();
  };
  // A connection that was taken over closes without an end where both sides have let go of it.
  stream.on("end", end);
  stream.on("close", end);
  const [out, err] = await Promise.all([text(stdout), text(stderr)]);
  return { stdout: out, stderr: err };
}

/** All that a stream of progress tells, and its error. */
export function progress(
  docker: Docker,
  stream: NodeJS.ReadableStream,
): Promise<readonly Record<string, unknown>[]> {
  const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>[]>();
  docker.modem.followProgress(stream, (error, result) => (error ? reject(error) : resolve(result)));
  return promise;
}

export function bytes(stream: NodeJS.ReadableStream): Promise<Buffer> {
  return buffer(stream as Readable);
}

export function tarOf(files: Readonly<Record<string, string>>): Buffer {
  return tar(Object.entries(files).map(([name, body]): TarEntry => ({ name, body })));
}

export async function tarNames(archive: Uint8Array): Promise<string[]> {
  const { stdout } = await runOrThrow("tar", ["-t"], { input: archive });
  return stdout.trimEnd().split("\n");
}

export async function tarText(archive: Uint8Array, name: string): Promise<string> {
  return (await runOrThrow("tar", ["-xO", name], { input: archive })).stdout;
}

/** Runs a program in a container, and gives its output and exit code. */
export async function exec(
  docker: Docker,
  container: Docker.Container,
  command: readonly string[],
  options: Docker.ExecCreateOptions = {},
): Promise<{ readonly stdout: string; readonly stderr: string; readonly code: number | null }> {
  const made = await container.exec({
    Cmd: [...command],
    AttachStdout: true,
    AttachStderr: true,
    ...options,
  });
  const output = await demux(docker, await made.start({}));
  const { ExitCode } = await made.inspect();
  return { ...output, code: ExitCode };
}

/** Takes away what a test has left, so that the next one finds nothing but the images. */
export async function clear(docker: Docker): Promise<void> {
  for (const { Id } of await docker.listContainers({ all: true })) {
    await docker.getContainer(Id).remove({ force: true, v: true });
  }
  await docker.pruneNetworks();
  const { Volumes } = await docker.listVolumes();
  for (const { Name } of Volumes) await docker.getVolume(Name).remove();
}
