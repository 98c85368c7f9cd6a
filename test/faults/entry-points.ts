// SPDX-License-Identifier: Apache-2.0

/** The ways by which what an archive holds comes in, each tried with layers that try to get out. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isLadeError } from "../../src/base/errors.ts";
import { exportContainer } from "../../src/engine/export.ts";
import { importImage } from "../../src/engine/import.ts";
import { loadImages } from "../../src/engine/load.ts";
import { type Box, body, create, run } from "../engine/containers/box.ts";
import { put } from "../engine/containers/copying.ts";
import { dockerEdited } from "../fixtures/hostile-base.ts";
import { layerOfBytes } from "../fixtures/sample-image.ts";
import { type TarEntry, tar } from "../fixtures/tar-builder.ts";
import type { ApiRequest, LadeServe } from "../helpers/lade-serve.ts";

export type Layers = readonly (readonly TarEntry[])[];

/** What the API's ways work on. */
export interface ServedPlace {
  readonly serve: LadeServe;
  /** The tar of a root with programs, which is the first layer of every image. */
  readonly base: Buffer;
}

/** What all work on. */
export interface Place extends ServedPlace {
  readonly box: Box;
}

/** One way in. It is done, or refused with a LadeError or a status that blames the archive. */
export interface EntryPoint<P = Place> {
  readonly name: string;
  take(place: P, layers: Layers): Promise<void>;
}

/** What a container tries to show of the folder outside. */
export const reads = "cat /victim/secret /secret /h /exfil /l/secret 2>/dev/null; true";

/** An archive of the image `demo:1`. */
export function archiveOf({ base }: Pick<Place, "base">, layers: Layers): Buffer {
  const all = [base, ...layers.map((parts) => tar(parts))].map(layerOfBytes);
  return dockerEdited({ layers: all });
}

/** One tar: what was split over layers is in one. */
export function rootTarOf({ base }: Pick<Place, "base">, layers: Layers): Buffer {
  return Buffer.concat([base.subarray(0, endOf(base)), tar(layers.flat())]);
}

/** @throws what is no refusal of the archive */
async function orRefused<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const isRefusal = isLadeError(error) && ["invalid", "not-found", "denied"].includes(error.kind);
    if (!isRefusal) throw error;
    return undefined;
  }
}

async function runOf({ box }: Place, image: string): Promise<void> {
  const ended = await orRefused(() => run(box, { body: body(reads, { Image: image }) }));
  if (ended === undefined) return;
  assert.ok(!ended.output.includes("SECRET"), ended.output);
  const { id: container } = ended;
  const path = join(box.folder, "exported.tar");
  await orRefused(() => exportContainer(box.engine, { container, path }));
}

async function askFor(
  serve: LadeServe,
  method: string,
  path: string,
  options?: ApiRequest,
): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await serve.request(method, path, options);
  const text = answer.body.toString();
  assert.ok(answer.status < 500, `${method} ${path}: ${answer.status} ${text}`);
  return { status: answer.status, text };
}

async function runByApi(serve: LadeServe): Promise<void> {
  const wanted = { Image: "demo:1", Cmd: ["sh", "-c", reads], HostConfig: { NetworkMode: "none" } };
  const made = await askFor(serve, "POST", "/containers/create", { body: wanted });
  if (made.status !== 201) return;
  const { Id: id } = JSON.parse(made.text) as { Id: string };
  const started = await askFor(serve, "POST", `/containers/${id}/start`);
  if (started.status === 204) await askFor(serve, "POST", `/containers/${id}/wait`);
  const logs = await askFor(serve, "GET", `/containers/${id}/logs?stdout=1`);
  assert.ok(!logs.text.includes("SECRET"), logs.text);
  await askFor(serve, "GET", `/containers/${id}/export`);
  await askFor(serve, "DELETE", `/containers/${id}?force=1`);
}

const engineWays: readonly EntryPoint[] = [
  {
    name: "load and run",
    async take(place, layers) {
      const path = join(place.box.folder, "image.tar");
      writeFileSync(path, archiveOf(place, layers));
      const loaded = await orRefused(() => loadImages(place.box.engine, { path }));
      if (loaded !== undefined) await runOf(place, "demo:1");
    },
  },
  {
    name: "import and run",
    async take(place, layers) {
      const source = join(place.box.folder, "root.tar");
      writeFileSync(source, rootTarOf(place, layers));
      const reference = "imported:1";
      const made = await orRefused(() => importImage(place.box.engine, { source, reference }));
      if (made !== undefined) await runOf(place, reference);
    },
  },
  {
    name: "run in place",
    async take(place, layers) {
      const path = join(place.box.folder, "place.tar");
      writeFileSync(path, archiveOf(place, layers));
      await runOf(place, path);
    },
  },
  {
    name: "cp",
    async take({ box }, layers) {
      const id = await create(box, { body: body("true") });
      for (const members of layers) await orRefused(() => put(box, id, { path: "/data", members }));
    },
  },
];

export const servedWays: readonly EntryPoint<ServedPlace>[] = [
  {
    name: "load and run by the API",
    async take(place, layers) {
      const { serve } = place;
      const answer = await askFor(serve, "POST", "/images/load", {
        body: archiveOf(place, layers),
      });
      if (answer.status === 200 && !answer.text.includes('"error"')) await runByApi(serve);
    },
  },
  {
    name: "PUT archive by the API",
    async take({ serve }, layers) {
      const wanted = { Image: "base:1", Cmd: ["true"], HostConfig: { NetworkMode: "none" } };
      const made = await askFor(serve, "POST", "/containers/create", { body: wanted });
      const { Id: id } = JSON.parse(made.text) as { Id: string };
      for (const members of layers) {
        for (const path of ["/data", "/"]) {
          await askFor(serve, "PUT", `/containers/${id}/archive?path=${path}`, {
            body: tar(members),
          });
        }
      }
      await askFor(serve, "DELETE", `/containers/${id}?force=1`);
    },
  },
];

export const entryPoints: readonly EntryPoint[] = [...engineWays, ...servedWays];

/** Where the zero blocks begin. */
function endOf(bytes: Buffer): number {
  let end = bytes.length;
  while (end >= 512 && bytes.subarray(end - 512, end).every((byte) => byte === 0)) end -= 512;
  return end;
}
