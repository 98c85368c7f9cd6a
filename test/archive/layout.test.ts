// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import {
  layOutArchive,
  makeManifest,
  type SavedImage,
  type Segment,
} from "../../src/archive/layout.ts";
import { segmentSource } from "../../src/archive/segment-source.ts";
import { type Digest, digestHex, digestOf } from "../../src/spec/digest.ts";
import { parseReference } from "../../src/spec/reference.ts";
import { ociImage } from "../fixtures/archive-parts.ts";
import { type Scratch, scratch, skopeoRead } from "../fixtures/outside-tools.ts";
import { type SampleImage, sampleImage } from "../fixtures/sample-image.ts";
import { readAll } from "../helpers/bytes.ts";
import { scan } from "../tar/scan.ts";

const layerType = "application/vnd.oci.image.layer.v1.tar";

function saved(
  image: SampleImage,
  names: readonly string[],
  more: Partial<SavedImage> = {},
): SavedImage {
  return {
    id: image.imageId as Digest,
    configBytes: image.config,
    platform: image.platform,
    diffIds: image.diffIds as Digest[],
    layers: image.layers.map(({ diffId, tar }) => ({
      digest: diffId as Digest,
      size: tar.length,
      mediaType: layerType,
    })),
    manifest: undefined,
    index: undefined,
    references: names.map((name) => parseReference(name)),
    parent: undefined,
    ...more,
  };
}

const plain = sampleImage();
const other = sampleImage({ flavour: "other" });
const tars = new Map(
  [...plain.layers, ...other.layers].map(({ diffId, tar }) => [diffId as Digest, tar]),
);

let files: Scratch;
before(() => {
  files = scratch();
});
after(() => files.close());

/** The bytes of an archive, with the blobs from files. */
async function bytesOf(images: readonly SavedImage[]): Promise<Buffer> {
  const { segments, size } = layOutArchive(images);
  const fds = new Map(
    [...tars].map(([digest, tar]) => [digest, openSync(files.write(digestHex(digest), tar), "r")]),
  );
  const source = segmentSource(segments, (digest) => fds.get(digest) ?? -1);
  const bytes = await readAll(source, 10_007);
  for (const fd of fds.values()) closeSync(fd);
  assert.equal(bytes.length, size);
  return bytes;
}

function documents(bytes: Buffer): Map<string, string> {
  return new Map(
    scan(bytes)
      .filter(({ type }) => type === "file")
      .map(({ path, dataOffset, size }) => [
        path,
        bytes.toString("utf8", dataOffset, dataOffset + size),
      ]),
  );
}

const json = (bytes: Buffer, name: string) => JSON.parse(documents(bytes).get(name) ?? "null");

describe("layOutArchive", () => {
  it("has the documents first and each blob once, without times and owners", async () => {
    const bytes = await bytesOf([saved(plain, ["demo:1"]), saved(other, ["demo:2"])]);
    const entries = scan(bytes);
    const paths = entries.map(({ path }) => path);
    assert.deepEqual(paths.slice(0, 6), [
      ...["oci-layout", "index.json", "manifest.json", "repositories", "blobs/", "blobs/sha256/"],
    ]);
    assert.deepEqual([...new Set(paths)], paths);
    // Two manifests, two configs, and four layers of which two are shared.
    assert.equal(paths.length, 6 + 4 + 4);
    for (const { path, mtimeSeconds, uid, gid, mode, type } of entries) {
      assert.deepEqual([mtimeSeconds, uid, gid], [0, 0, 0], path);
      assert.equal(mode, type === "directory" ? 0o755 : 0o644);
    }
    for (const [path, text] of documents(bytes)) {
      if (!path.startsWith("blobs/")) continue;
      const entry = entries.find((one) => one.path === path);
      const start = entry?.dataOffset ?? 0;
      const blob = bytes.subarray(start, start + (entry?.size ?? 0));
      assert.equal(path, `blobs/sha256/${digestHex(digestOf(blob))}`, text.slice(0, 40));
    }
    assert.ok(bytes.subarray(-1024).equals(Buffer.alloc(1024)));
  });

  it("gives the same bytes each time, and whatever the images were made from", async () => {
    const once = await bytesOf([saved(plain, ["demo:1", "demo:2"])]);
    const again = await bytesOf([saved(sampleImage(), ["demo:1", "demo:2"])]);
    assert.equal(digestOf(again), digestOf(once));
  });

  it("names images as Docker does", async () => {
    const bytes = await bytesOf([
      saved(plain, ["demo:1", "example.com/team/demo:x"]),
      saved(other, []),
    ]);
    const Config = (image: SampleImage) => `blobs/sha256/${image.imageId.slice(7)}`;
    const manifest = json(bytes, "manifest.json");
    assert.deepEqual(
      manifest.map((item: Record<string, unknown>) => [item.Config, item.RepoTags]),
      [
        [Config(plain), ["demo:1", "example.com/team/demo:x"]],
        [Config(other), null],
      ],
    );
    assert.deepEqual(
      manifest[0].Layers,
      plain.diffIds.map((diffId) => `blobs/sha256/${diffId.slice(7)}`),
    );
    const { manifests } = json(bytes, "index.json");
    assert.deepEqual(
      manifests.map(({ annotations, platform }: Record<string, unknown>) => [
        annotations,
        platform,
      ]),
      [
        [
          {
            "io.containerd.image.name": "docker.io/library/demo:1",
            "org.opencontainers.image.ref.name": "1",
          },
          plain.platform,
        ],
        [
          {
            "io.containerd.image.name": "example.com/team/demo:x",
            "org.opencontainers.image.ref.name": "x",
          },
          plain.platform,
        ],
        [undefined, other.platform],
      ],
    );
    assert.deepEqual(json(bytes, "repositories"), {
      demo: { 1: plain.diffIds.at(-1)?.slice(7) },
      "example.com/team/demo": { x: plain.diffIds.at(-1)?.slice(7) },
    });
  });

  it("leaves out repositories where no image has a name", async () => {
    const bytes = await bytesOf([saved(plain, [])]);
    assert.equal(documents(bytes).has("repositories"), false);
    assert.deepEqual(json(bytes, "manifest.json")[0].RepoTags, null);
  });

  it("names a parent only where that comes along", async () => {
    const child = (parent: string) => saved(other, ["demo:2"], { parent: parent as Digest });
    const both = await bytesOf([saved(plain, ["demo:1"]), child(plain.imageId)]);
    assert.equal(json(both, "manifest.json")[1].Parent, plain.imageId);
    const alone = await bytesOf([child(plain.imageId)]);
    assert.ok(!("Parent" in json(alone, "manifest.json")[0]));
    assert.equal(digestOf(alone), digestOf(await bytesOf([saved(other, ["demo:2"])])));
  });

  it("keeps the manifest that came with an image, to the byte", async () => {
    const oci = ociImage(plain, { extra: { annotations: { made: "elsewhere" } } });
    const manifest = { bytes: oci.manifest, mediaType: oci.descriptor.mediaType };
    const bytes = await bytesOf([saved(plain, ["demo:1"], { manifest })]);
    assert.equal(json(bytes, "index.json").manifests[0].digest, oci.descriptor.digest);
    const path = `blobs/sha256/${oci.descriptor.digest.slice(7)}`;
    assert.equal(documents(bytes).get(path), oci.manifest.toString());
    assert.notEqual(digestOf(makeManifest(saved(plain, [])).bytes), oci.descriptor.digest);
  });

  it("is read by skopeo as either kind of archive", async () => {
    const file = files.write("saved.tar", await bytesOf([saved(plain, ["demo:1"])]));
    for (const source of [`docker-archive:${file}:demo:1`, `oci-archive:${file}:1`]) {
      const { config, layers } = skopeoRead(source, files.path("read"));
      assert.equal(config, plain.imageId);
      assert.deepEqual(layers, plain.diffIds);
    }
  });

  it("of no images is an archive without images", async () => {
    const bytes = await bytesOf([]);
    assert.deepEqual(json(bytes, "manifest.json"), []);
    assert.deepEqual(json(bytes, "index.json").manifests, []);
  });
});

describe("segmentSource", () => {
  const blob = Buffer.from("the bytes of a blob");
  const digest = digestOf(blob);

  it("joins bytes and blobs, in any pieces", async () => {
    const fd = openSync(files.write("blob", blob), "r");
    const segments: Segment[] = [
      { type: "bytes", bytes: Buffer.from("before ") },
      { type: "blob", digest, size: blob.length },
      { type: "bytes", bytes: Buffer.alloc(0) },
      { type: "blob", digest, size: 0 },
      { type: "bytes", bytes: Buffer.from(" after") },
    ];
    for (const pieceSize of [1, 2, 7, 100]) {
      const bytes = await readAll(
        segmentSource(segments, () => fd),
        pieceSize,
      );
      assert.equal(bytes.toString(), `before ${blob} after`);
    }
    closeSync(fd);
  });

  it("fails for a blob that is shorter than was said", async () => {
    const fd = openSync(files.write("blob", blob), "r");
    const size = blob.length + 1;
    const source = segmentSource([{ type: "blob", digest, size }], () => fd);
    await assert.rejects(readAll(source), {
      code: "DIGEST_MISMATCH",
      message: `blob ${digest}: size mismatch: want ${size} bytes, got ${blob.length}`,
    });
    closeSync(fd);
  });
});
