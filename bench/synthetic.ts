// SPDX-License-Identifier: Apache-2.0
import { createHash, type Hash } from "node:crypto";
import {
  memberSize,
  openTarSink,
  paddingOf,
  type TarSink,
  tarEnd,
  tarHeader,
} from "./tar-writer.ts";

/** Shares of the layers in the archive's size; a Debian with packages on top looks like this. */
const layerShares = [0.4, 0.25, 0.2, 0.1, 0.05] as const;
const FILES_PER_FOLDER = 200;
const POOL_SIZE = 32 * 1024 * 1024;
const CREATED = "2024-01-01T00:00:00Z";

export interface SyntheticArchive {
  readonly name: string;
  /** `sha256:…` of the config. */
  readonly id: string;
  readonly layerCount: number;
  readonly size: number;
}

export interface SyntheticOptions {
  readonly path: string;
  /** Bytes that the archive has, about. */
  readonly size: number;
  readonly name: string;
  /** Same seed and size, same bytes. */
  readonly seed: number;
}

/** A small generator of numbers that look random (xorshift32, Marsaglia 2003); the state is never 0. */
export function xorshift32(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

/**
 * Sizes of a layer's files that sum up to about `size` bytes of tar: many small ones and few large
 * ones, 43 kB on average.
 */
export function planFiles(size: number, next: () => number): number[] {
  const sizes: number[] = [];
  let left = size;
  while (left > 1024) {
    const kind = next() % 1000;
    const [from, to] =
      kind < 550
        ? [0, 4_000]
        : kind < 910
          ? [4_000, 32_000]
          : kind < 995
            ? [32_000, 512_000]
            : [1_000_000, 4_000_000];
    const wanted = from + (next() % (to - from));
    const fileSize = Math.min(wanted, left - 512);
    sizes.push(fileSize);
    left -= memberSize(fileSize);
  }
  return sizes;
}

/** Writes an archive in the form of `docker save`, as a stream; its content does not compress. */
export async function writeSyntheticArchive(options: SyntheticOptions): Promise<SyntheticArchive> {
  const next = xorshift32(options.seed);
  const pool = new Uint32Array(POOL_SIZE / 4).map(() => next());
  const content = new Uint8Array(pool.buffer);
  const sink = await openTarSink(options.path);
  const layers: { readonly path: string; readonly diffId: string }[] = [];
  for (const [index, share] of layerShares.entries()) {
    const files = planFiles(options.size * share, next);
    const path = `layer-${index}/layer.tar`;
    layers.push({ path, diffId: await writeLayer(sink, path, { files, content, next }) });
  }
  const config = makeConfig(layers.map((layer) => layer.diffId));
  const hex = sha256(config);
  await writeFile(sink, `${hex}.json`, config);
  const manifest = [
    {
      Config: `${hex}.json`,
      RepoTags: [options.name],
      Layers: layers.map((layer) => layer.path),
    },
  ];
  await writeFile(sink, "manifest.json", Buffer.from(JSON.stringify(manifest)));
  await sink.write(tarEnd);
  const size = await sink.close();
  return { name: options.name, id: `sha256:${hex}`, layerCount: layers.length, size };
}

interface LayerContent {
  readonly files: readonly number[];
  readonly content: Uint8Array;
  readonly next: () => number;
}

/** Writes one layer as a member of the archive. @returns its diffID */
async function writeLayer(
  sink: TarSink,
  path: string,
  { files, content, next }: LayerContent,
): Promise<string> {
  const folders = Math.ceil(files.length / FILES_PER_FOLDER);
  const size =
    folders * 512 + files.reduce((sum, file) => sum + memberSize(file), 0) + tarEnd.length;
  await sink.write(tarHeader({ path, kind: "file", size }));
  const hash = createHash("sha256");
  for (const [index, fileSize] of files.entries()) {
    const folder = `data/${Math.floor(index / FILES_PER_FOLDER)}`;
    if (index % FILES_PER_FOLDER === 0) {
      await tee(sink, hash, tarHeader({ path: `${folder}/`, kind: "folder", size: 0 }));
    }
    await tee(sink, hash, tarHeader({ path: `${folder}/${index}`, kind: "file", size: fileSize }));
    const from = next() % (content.length - fileSize);
    await tee(sink, hash, content.subarray(from, from + fileSize));
    await tee(sink, hash, tarEnd.subarray(0, paddingOf(fileSize)));
  }
  await tee(sink, hash, tarEnd);
  await sink.write(tarEnd.subarray(0, paddingOf(size)));
  return `sha256:${hash.digest("hex")}`;
}

async function tee(sink: TarSink, hash: Hash, bytes: Uint8Array): Promise<void> {
  hash.update(bytes);
  await sink.write(bytes);
}

async function writeFile(sink: TarSink, path: string, bytes: Uint8Array): Promise<void> {
  await sink.write(tarHeader({ path, kind: "file", size: bytes.length }));
  await sink.write(bytes);
  await sink.write(tarEnd.subarray(0, paddingOf(bytes.length)));
}

function makeConfig(diffIds: readonly string[], label = "0"): Buffer {
  return Buffer.from(
    JSON.stringify({
      architecture: process.arch === "arm64" ? "arm64" : "amd64",
      os: "linux",
      created: CREATED,
      config: { Cmd: ["/bin/sh"], Labels: { number: label } },
      rootfs: { type: "layers", diff_ids: diffIds },
      history: diffIds.map((_, index) => ({ created: CREATED, created_by: `layer ${index}` })),
    }),
  );
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Writes one archive with many images that share one tiny layer. @returns the images' names */
export async function writeManyImages(path: string, count: number): Promise<string[]> {
  const layer = Buffer.concat([
    tarHeader({ path: "hello", kind: "file", size: 6 }),
    Buffer.concat([Buffer.from("hello\n"), Buffer.alloc(paddingOf(6))]),
    tarEnd,
  ]);
  const sink = await openTarSink(path);
  await writeFile(sink, "layer/layer.tar", layer);
  const manifest: { Config: string; RepoTags: string[]; Layers: string[] }[] = [];
  for (let index = 0; index < count; index += 1) {
    const config = makeConfig([`sha256:${sha256(layer)}`], String(index));
    const file = `${sha256(config)}.json`;
    await writeFile(sink, file, config);
    const name = `lade-list/image-${index}:1`;
    manifest.push({ Config: file, RepoTags: [name], Layers: ["layer/layer.tar"] });
  }
  await writeFile(sink, "manifest.json", Buffer.from(JSON.stringify(manifest)));
  await sink.write(tarEnd);
  await sink.close();
  return manifest.flatMap((entry) => entry.RepoTags);
}
