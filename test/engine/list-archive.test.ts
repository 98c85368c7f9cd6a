// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { ProgressEvent } from "../../src/base/progress.ts";
import { listArchive } from "../../src/engine/list-archive.ts";
import { loadImages } from "../../src/engine/load.ts";
import { saveImages } from "../../src/engine/save.ts";
import type { ArchiveListing } from "../../src/engine/types.ts";
import { familiarString, parseReference } from "../../src/spec/reference.ts";
import type { ExpectedImage } from "../fixtures/archive-parts.ts";
import { compressed } from "../fixtures/compress.ts";
import { containerdNested, containerdSingle } from "../fixtures/containerd.ts";
import { docker24 } from "../fixtures/docker-classic.ts";
import { docker25 } from "../fixtures/docker-oci.ts";
import { dockerV1 } from "../fixtures/docker-v1.ts";
import { containerExport, exportArchives } from "../fixtures/export.ts";
import { folderMakers, makers } from "../fixtures/makers.ts";
import { CREATED, dir, file, sampleImage, symlink } from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { plainArchive } from "../fixtures/variants.ts";
import { openTestStore, writeFixture } from "../helpers/store.ts";

let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "lade-test-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function listBytes(bytes: Uint8Array): Promise<ArchiveListing> {
  return listArchive(write("archive", bytes));
}

/** What a process of its own lists from its standard input. */
function listInput(bytes: Uint8Array, how: "pipe" | "file"): ArchiveListing {
  const script = `
    import { listArchive } from "./src/engine/list-archive.ts";
    console.log(JSON.stringify(await listArchive(undefined)));`;
  const feed = how === "pipe" ? 'cat "$1" | exec' : 'exec < "$1"; exec';
  const child = spawnSync(
    "sh",
    [
      "-c",
      `${feed} "$2" --disable-warning=ExperimentalWarning --input-type=module -e "$3"`,
      "sh",
      write("input", bytes),
      process.execPath,
      script,
    ],
    { encoding: "utf8" },
  );
  assert.equal(child.stderr, "");
  return JSON.parse(child.stdout) as ArchiveListing;
}

function assertListed(listing: ArchiveListing, expected: readonly ExpectedImage[]): void {
  const normal = (name: string) => familiarString(parseReference(name));
  for (const image of expected) {
    const found = listing.images.find(({ id }) => id === image.imageId);
    assert.ok(found, `image ${image.imageId}`);
    assert.deepEqual([...found.names].sort(), image.repoTags.map(normal).sort());
    assert.equal(found.platform, image.platform);
    assert.equal(found.layers.length, image.diffIds.length);
    if (image.manifestDigest !== undefined) {
      assert.equal(found.manifestDigest, image.manifestDigest);
    }
  }
}

describe("every maker's archive", () => {
  for (const { name, make } of makers) {
    test(`${name}: lists what loads`, async () => {
      const made = make();
      const listing = await listBytes(made.archive);
      assert.equal(listing.size, made.archive.length);
      assert.deepEqual(listing.topEntries, []);
      const expected = [...made.expected, ...(made.otherPlatforms ?? [])];
      assert.equal(listing.images.length, expected.length);
      // An image of the old format has no ID before its layers were read.
      if (listing.format !== "docker-legacy") assertListed(listing, expected);
    });
  }

  for (const { name, make } of folderMakers) {
    test(`folder, ${name}: lists what loads`, async () => {
      const made = make();
      const path = join(folder, "layout");
      for (const [member, bytes] of made.files) {
        mkdirSync(dirname(join(path, member)), { recursive: true });
        writeFileSync(join(path, member), bytes);
      }
      const listing = await listArchive(path);
      rmSync(path, { recursive: true });
      assert.equal(listing.path, path);
      assert.equal(listing.format, "oci-layout");
      assert.equal(listing.compression, "none");
      assert.equal(
        listing.size,
        [...made.files.values()].reduce((sum, bytes) => sum + bytes.length, 0),
      );
      assertListed(listing, made.expected);
    });
  }
});

test("a listing has all that is known, in the order of its type", async () => {
  const image = sampleImage();
  const made = docker25();
  const path = write("docker25.tar", made.archive);
  const mediaType = "application/vnd.oci.image.layer.v1.tar";
  const expected: ArchiveListing = {
    path,
    format: "docker-archive+oci-layout",
    maker: "docker 25 or later",
    compression: "none",
    size: made.archive.length,
    images: [
      {
        id: image.imageId,
        names: ["demo:1", "example.com/team/demo:x"],
        platform: "linux/amd64",
        created: CREATED,
        manifestDigest: made.expected[0]?.manifestDigest,
        layers: image.layers.map(({ diffId, tar: { length: size } }) => ({
          digest: diffId,
          mediaType,
          size,
        })),
      },
    ],
    topEntries: [],
  };
  const listing = await listArchive(path);
  assert.deepEqual(listing, expected);
  assert.equal(JSON.stringify(listing), JSON.stringify(expected));
});

describe("layers", () => {
  test("digest and type are the manifest's where there is one", async () => {
    const { images } = await listBytes(containerdSingle().archive);
    const types = new Set(images[0]?.layers.map((layer) => layer.mediaType));
    assert.deepEqual([...types], ["application/vnd.oci.image.layer.v1.tar+gzip"]);
    const diffIds = containerdSingle().expected[0]?.diffIds ?? [];
    assert.ok(images[0]?.layers.every((layer) => !diffIds.includes(layer.digest)));
  });

  test("else the diffID and what the bytes say", async () => {
    const image = sampleImage();
    for (const compression of ["none", "gzip", "bzip2", "xz", "zstd"] as const) {
      const { archive } = plainArchive([image], { layerCompression: compression });
      for (const listing of [await listBytes(archive), listInput(archive, "pipe")]) {
        assert.deepEqual(
          listing.images[0]?.layers.map(({ digest, mediaType }) => [digest, mediaType]),
          image.diffIds.map((diffId) => [
            diffId,
            compression === "none" ? "tar" : `tar+${compression}`,
          ]),
        );
      }
    }
  });

  test("one that the archive leaves out has no size", async () => {
    const image = sampleImage();
    const names = image.diffIds.map((diffId) => `${diffId.slice(7)}.tar`);
    const manifest = [{ Config: "c.json", RepoTags: ["x:1"], Layers: names }];
    const { images } = await listBytes(
      tar([
        { name: "manifest.json", body: JSON.stringify(manifest) },
        { name: "c.json", body: image.config },
        { name: names[2] ?? "", body: image.layers[2]?.tar ?? "" },
      ]),
    );
    assert.deepEqual(images[0]?.layers, [
      { digest: image.diffIds[0], mediaType: "", size: 0 },
      { digest: image.diffIds[1], mediaType: "", size: 0 },
      { digest: image.diffIds[2], mediaType: "tar", size: image.layers[2]?.tar.length },
    ]);
  });
});

test("an image of Docker before 1.10 has the archive's ID, and layers without digests", async () => {
  const { images, format } = await listBytes(dockerV1().archive);
  assert.equal(format, "docker-legacy");
  assert.equal(images.length, 1);
  const [image] = images;
  assert.match(image?.id ?? "", /^[0-9a-f]{64}$/);
  assert.deepEqual(image?.names, ["demo:1", "demo:latest"]);
  assert.equal(image?.platform, "linux/amd64");
  assert.equal(image?.created, CREATED);
  assert.equal(image?.layers.length, 4);
  assert.ok(image?.layers.every(({ digest, mediaType }) => digest === "" && mediaType === "tar"));
});

test("all platforms are listed, not only the host's", async () => {
  const { images } = await listBytes(containerdNested().archive);
  assert.deepEqual(images.map(({ platform }) => platform).sort(), [
    "linux/amd64",
    "linux/arm64/v8",
  ]);
});

describe("standard input", () => {
  const packed = [docker24().archive, compressed(docker25().archive, "zstd")];

  test("a pipe lists as the file does, with its size", async () => {
    for (const archive of packed) {
      const { path: _, ...fromFile } = await listBytes(archive);
      const { path, ...fromPipe } = listInput(archive, "pipe");
      assert.equal(path, "-");
      assert.deepEqual(fromPipe, JSON.parse(JSON.stringify(fromFile)));
    }
  });

  test("a file as standard input lists as the file does", async () => {
    for (const archive of packed) {
      const { path: _, ...fromFile } = await listBytes(archive);
      const { path: __, ...fromInput } = listInput(archive, "file");
      assert.deepEqual(fromInput, JSON.parse(JSON.stringify(fromFile)));
    }
  });

  test("the writer of a pipe gets rid of all it has", () => {
    // As GNU tar pads to a record, and more than a pipe holds.
    const padded = Buffer.concat([docker24().archive, Buffer.alloc(3_000_000)]);
    assert.equal(listInput(padded, "pipe").size, padded.length);
  });

  test("a container's file system comes through a pipe", () => {
    const listing = listInput(compressed(tar(containerExport()), "gzip"), "pipe");
    assert.equal(listing.format, "filesystem");
    assert.ok(listing.topEntries.includes("etc/"));
  });
});

describe("a container's file system", () => {
  for (const { name, build, import: imports } of exportArchives) {
    if (imports !== "accepts") continue;
    test(`${name}: lists its top folders and files`, async () => {
      const listing = await listBytes(build());
      assert.equal(listing.format, "filesystem");
      assert.equal(listing.maker, undefined);
      assert.deepEqual(listing.images, []);
      for (const top of ["bin/", "etc/", "proc/", "usr/"]) {
        assert.ok(listing.topEntries.includes(top), top);
      }
      assert.deepEqual(listing.topEntries, [...listing.topEntries].sort());
    });
  }

  test("names may be absolute, and folders may be told by what is in them only", async () => {
    const listing = await listBytes(
      tar([
        dir("/"),
        symlink("/bin", "usr/bin"),
        file("/etc/passwd", ""),
        dir("/usr/"),
        file("/init", ""),
      ]),
    );
    assert.deepEqual(listing.topEntries, ["bin", "etc/", "init", "usr/"]);
  });

  test("a small one is told by its only folder", async () => {
    assert.deepEqual((await listBytes(tar([file("etc/x", "")]))).topEntries, ["etc/"]);
  });

  test("a folder of one is listed as well", async () => {
    const path = join(folder, "root");
    for (const name of ["bin", "etc", "usr"]) mkdirSync(join(path, name), { recursive: true });
    writeFileSync(join(path, "etc", "passwd"), "root\n");
    writeFileSync(join(path, ".dockerenv"), "");
    const listing = await listArchive(path);
    assert.equal(listing.format, "filesystem");
    assert.equal(listing.size, 5);
    assert.deepEqual(listing.topEntries, [".dockerenv", "bin/", "etc/", "usr/"]);
  });
});

test("what lade saves is known as lade's", async () => {
  await using store = await openTestStore();
  await loadImages(store.engine, { path: writeFixture(store, "a.tar", docker25().archive) });
  const path = join(store.folder, "saved.tar");
  await saveImages(store.engine, { names: ["demo:1"], path });
  const listing = await listArchive(path);
  assert.equal(listing.maker, "lade");
  assert.equal(listing.format, "docker-archive+oci-layout");
});

test("nothing is written, and progress counts the bytes as they are on disk", async () => {
  const body = Buffer.alloc(3_000_000, "0123456789abcdef");
  const image = sampleImage({ layers: [{ tar: body, diffId: sampleImage().diffIds[0] ?? "" }] });
  const archive = compressed(plainArchive([image]).archive, "gzip");
  const path = write("progress.tar.gz", archive);
  const names = readdirSync(folder);
  const events: ProgressEvent[] = [];
  const listing = await listArchive(path, { onProgress: (event) => events.push(event) });
  assert.equal(listing.images[0]?.layers[0]?.size, body.length);
  assert.deepEqual(readdirSync(folder), names);
  assert.ok(events.length > 0);
  for (const event of events) {
    assert.equal(event.type, "total");
    assert.equal(event.total, archive.length);
    assert.ok(event.current <= archive.length);
  }
});

test("an aborted listing stops", async () => {
  const path = write("aborted.tar.gz", compressed(docker24().archive, "gzip"));
  const signal = AbortSignal.abort(new Error("stop"));
  await assert.rejects(listArchive(path, { signal }), { message: "stop" });
});

describe("what is no archive", () => {
  const refused: readonly (readonly [string, () => Uint8Array, string])[] = [
    ["an empty file", () => Buffer.alloc(0), "ARCHIVE_UNRECOGNIZED"],
    ["a tar of sources", () => tar([file("src/a.c", "int a;\n")]), "ARCHIVE_UNRECOGNIZED"],
    ["a text", () => Buffer.from("hello\n".repeat(200)), "TAR_CHECKSUM"],
    ["half an archive", () => docker24().archive.subarray(0, 9000), "TAR_TRUNCATED"],
    [
      "half a packed archive",
      () => compressed(docker24().archive, "gzip").subarray(0, 900),
      "COMPRESSION_CORRUPT",
    ],
    [
      "a manifest of text",
      () => tar([{ name: "manifest.json", body: "not JSON ".repeat(100) }]),
      "DOCUMENT_INVALID",
    ],
    [
      "a name that climbs out",
      () => tar([{ name: "../manifest.json", body: "[]" }]),
      "NAME_ESCAPES",
    ],
  ];
  for (const [name, build, code] of refused) {
    test(`${name} is refused`, async () => {
      await assert.rejects(listBytes(build()), { code });
    });
    // What is packed is a stream already.
    if (code === "COMPRESSION_CORRUPT") continue;
    test(`${name} is refused in a stream`, async () => {
      await assert.rejects(listBytes(compressed(build(), "zstd")), { code });
    });
  }

  test("a document that is too large to keep is told", async () => {
    const archive = tar([{ name: "manifest.json", body: `[${" ".repeat(33 * 1024 * 1024)}]` }]);
    for (const bytes of [archive, compressed(archive, "zstd")]) {
      await assert.rejects(listBytes(bytes), { code: "LIMIT_EXCEEDED" });
    }
  });

  test("a path that is not there is told", async () => {
    await assert.rejects(listArchive(join(folder, "nope")), { code: "ARCHIVE_NOT_FOUND" });
  });
});
