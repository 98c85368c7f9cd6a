// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import {
  planFiles,
  writeManyImages,
  writeSyntheticArchive,
  xorshift32,
} from "../../bench/synthetic.ts";
import { memberSize, tarHeader } from "../../bench/tar-writer.ts";
import { runOrThrow } from "../helpers/tools.ts";

interface ManifestEntry {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  readonly Layers: readonly string[];
}

async function member(archive: string, path: string): Promise<string> {
  return (await runOrThrow("tar", ["-xOf", archive, path])).stdout;
}

function sha256(bytes: string | Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

test("an archive has the size asked for, and digests that fit its bytes", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "lade-test-"));
  const path = join(folder.path, "a.tar");
  const made = await writeSyntheticArchive({ path, size: 2e6, name: "a:1", seed: 7 });
  assert(Math.abs(made.size - 2e6) < 50_000, `${made.size}`);
  const manifest = JSON.parse(await member(path, "manifest.json")) as ManifestEntry[];
  const entry = manifest[0];
  assert(entry !== undefined);
  assert.deepEqual(entry.RepoTags, ["a:1"]);
  assert.equal(entry.Layers.length, made.layerCount);
  const config = await member(path, entry.Config);
  assert.equal(`sha256:${sha256(config)}`, made.id);
  const { rootfs } = JSON.parse(config) as { rootfs: { diff_ids: string[] } };
  for (const [index, layer] of entry.Layers.entries()) {
    const target = join(folder.path, "layer");
    await runOrThrow("tar", ["-xOf", path, layer], { stdoutFile: target });
    assert.equal(rootfs.diff_ids[index], `sha256:${sha256(await readFile(target))}`);
    const listed = await runOrThrow("tar", ["-tf", target]);
    assert.match(listed.stdout, /^data\/0\/\ndata\/0\/0\n/);
  }
});

test("the same seed gives the same bytes, another seed others", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "lade-test-"));
  const make = async (file: string, seed: number): Promise<string> => {
    const path = join(folder.path, file);
    await writeSyntheticArchive({ path, size: 100_000, name: "a:1", seed });
    return sha256(await readFile(path));
  };
  const first = await make("1", 1);
  assert.equal(await make("2", 1), first);
  assert.notEqual(await make("3", 2), first);
});

test("many images share one layer and differ in their configs", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "lade-test-"));
  const path = join(folder.path, "many.tar");
  const names = await writeManyImages(path, 25);
  assert.equal(new Set(names).size, 25);
  const manifest = JSON.parse(await member(path, "manifest.json")) as ManifestEntry[];
  assert.equal(new Set(manifest.map((entry) => entry.Config)).size, 25);
  assert.deepEqual([...new Set(manifest.flatMap((entry) => entry.Layers))], ["layer/layer.tar"]);
});

test("files planned for a layer fill it, and no more", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2048, max: 5_000_000 }), fc.nat(), (size, seed) => {
      const files = planFiles(size, xorshift32(seed));
      const taken = files.reduce((sum, file) => sum + memberSize(file), 0);
      assert(files.every((file) => file >= 0));
      assert(Math.abs(size - taken) <= 1536, `${taken} of ${size}`);
    }),
  );
});

test("what does not fit a plain header is refused", () => {
  assert.throws(() => tarHeader({ path: "a".repeat(101), kind: "file", size: 0 }), /do not fit/);
  assert.throws(() => tarHeader({ path: "a", kind: "file", size: 8 * 1024 ** 3 }), /do not fit/);
});
