// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inspectImage } from "../../src/engine/inspect.ts";
import { loadImages } from "../../src/engine/load.ts";
import { containerdSingle } from "../fixtures/containerd.ts";
import { digestOf, goJson, hexPart } from "../fixtures/digests.ts";
import { docker25 } from "../fixtures/docker-oci.ts";
import {
  baseLayer,
  CREATED,
  goContainerConfig,
  type SampleImage,
  sampleEnv,
  sampleImage,
} from "../fixtures/sample-image.ts";
import { plainArchive } from "../fixtures/variants.ts";
import { openTestStore, type TestStore, writeFixture } from "../helpers/store.ts";

async function load(store: TestStore, archive: Buffer): Promise<void> {
  await loadImages(store.engine, { path: writeFixture(store, "a.tar", archive) });
}

/** An image of one layer with these members in its config. */
function imageWith(members: object): SampleImage {
  const layer = baseLayer();
  const config = Buffer.from(
    goJson({ ...members, rootfs: { type: "layers", diff_ids: [layer.diffId] } }),
  );
  return {
    config,
    imageId: digestOf(config),
    layers: [layer],
    diffIds: [layer.diffId],
    platform: { os: "linux", architecture: "amd64" },
  };
}

test("the document has Docker's members in Docker's order", async () => {
  await using store = await openTestStore();
  const image = sampleImage();
  const startMs = Date.now();
  await load(store, plainArchive([image], { tags: ["demo:1", "ghcr.io/a/b:2"] }).archive);
  const document = await inspectImage(store.engine, "demo:1");
  const tars = image.diffIds.map((diffId) => join(store.root, "blobs/sha256", hexPart(diffId)));
  const expected = {
    Id: image.imageId,
    RepoTags: ["demo:1", "ghcr.io/a/b:2"],
    RepoDigests: [],
    Parent: "",
    Comment: "",
    Created: CREATED,
    Container: "",
    ContainerConfig: goContainerConfig({ Cmd: ["/bin/sh", "-c", "#(nop) ", "a && b"] }),
    DockerVersion: "24.0.7",
    Author: "",
    Config: goContainerConfig({
      Env: sampleEnv,
      Cmd: ["/app/run.sh"],
      WorkingDir: "/app",
      Labels: { maker: "sample" },
    }),
    Architecture: "amd64",
    Os: "linux",
    Size: 1425,
    VirtualSize: 1425,
    GraphDriver: { Data: { LayerTars: tars.join(":") }, Name: "lade" },
    RootFS: { Type: "layers", Layers: image.diffIds },
    Metadata: { LastTagTime: document.Metadata.LastTagTime },
  };
  assert.deepEqual(document, expected);
  assert.equal(JSON.stringify(document), JSON.stringify(expected));
  const taggedMs = Date.parse(document.Metadata.LastTagTime);
  assert.ok(taggedMs >= startMs && taggedMs <= Date.now());
});

test("members that configs may have come through", async () => {
  await using store = await openTestStore();
  const section = {
    Hostname: "h",
    ExposedPorts: { "443/tcp": {}, "80/tcp": {} },
    Healthcheck: { Test: ["CMD", "true"], Interval: 30_000_000_000, Retries: 3 },
    Volumes: { "/b": {}, "/a": {} },
    Entrypoint: "run",
    OnBuild: ["RUN x"],
    Labels: JSON.parse('{"__proto__":"p","b":"2","a":"<1>"}'),
    StopSignal: "SIGINT",
    StopTimeout: 10,
    Shell: ["/bin/bash"],
  };
  const image = imageWith({
    created: "2024-05-01T10:20:30.120000000+02:00",
    author: "A <a@example.com>",
    container: "c".repeat(64),
    docker_version: "1.2",
    config: section,
    architecture: "arm64",
    variant: "v8",
    os: "linux",
    "os.version": "10.0",
    history: [
      { created: CREATED, comment: "first" },
      { comment: "last", empty_layer: true },
    ],
  });
  await load(store, plainArchive([image]).archive);
  const document = await inspectImage(store.engine, "demo:1");
  assert.equal(document.Created, "2024-05-01T10:20:30.12+02:00");
  assert.equal(document.Comment, "last");
  assert.equal(document.Author, "A <a@example.com>");
  assert.equal(document.Container, "c".repeat(64));
  assert.equal(document.DockerVersion, "1.2");
  assert.equal(document.Architecture, "arm64");
  assert.equal(document.Variant, "v8");
  assert.equal(document.OsVersion, "10.0");
  assert.equal(
    JSON.stringify(document.Config),
    JSON.stringify({
      Hostname: "h",
      Domainname: "",
      User: "",
      AttachStdin: false,
      AttachStdout: false,
      AttachStderr: false,
      ExposedPorts: { "443/tcp": {}, "80/tcp": {} },
      Tty: false,
      OpenStdin: false,
      StdinOnce: false,
      Env: null,
      Cmd: null,
      Healthcheck: { Test: ["CMD", "true"], Interval: 30_000_000_000, Retries: 3 },
      Image: "",
      Volumes: { "/a": {}, "/b": {} },
      WorkingDir: "",
      Entrypoint: ["run"],
      OnBuild: ["RUN x"],
      Labels: JSON.parse('{"__proto__":"p","a":"<1>","b":"2"}'),
      StopSignal: "SIGINT",
      StopTimeout: 10,
      Shell: ["/bin/bash"],
    }),
  );
});

test("what a config does not say is empty, and never missing", async () => {
  await using store = await openTestStore();
  await load(store, plainArchive([imageWith({})], { tags: null }).archive);
  const document = await inspectImage(store.engine, imageWith({}).imageId);
  assert.deepEqual(document.RepoTags, []);
  assert.equal(document.Created, "0001-01-01T00:00:00Z");
  assert.equal(document.Metadata.LastTagTime, "0001-01-01T00:00:00Z");
  assert.equal(document.Architecture, "");
  assert.equal(document.Os, process.platform);
  assert.deepEqual(document.Config, goContainerConfig());
  assert.deepEqual(document.ContainerConfig, goContainerConfig());
  assert.ok(!("Variant" in document) && !("OsVersion" in document) && !("Descriptor" in document));
});

test("an image without layers has neither paths nor a list of layers", async () => {
  await using store = await openTestStore();
  const config = Buffer.from(goJson({ os: "linux", rootfs: { type: "layers" } }));
  const image = { ...imageWith({}), config, imageId: digestOf(config), layers: [], diffIds: [] };
  await load(store, plainArchive([image]).archive);
  const document = await inspectImage(store.engine, "demo:1");
  assert.deepEqual(document.RootFS, { Type: "layers" });
  assert.deepEqual(document.GraphDriver, { Data: null, Name: "lade" });
  assert.equal(document.Size, 0);
});

test("the manifest that came with the image is its descriptor", async () => {
  await using store = await openTestStore();
  const [expected] = containerdSingle().expected;
  await load(store, containerdSingle().archive);
  const document = await inspectImage(store.engine, "demo:1");
  const bytes = readFileSync(
    join(store.root, "blobs/sha256", hexPart(expected?.manifestDigest ?? "")),
  );
  assert.deepEqual(document.Descriptor, {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest: expected?.manifestDigest,
    size: bytes.length,
  });
  assert.deepEqual(document.RepoDigests, [`demo@${expected?.manifestDigest}`]);
});

test("of several manifests, the one that the name asks for", async () => {
  await using store = await openTestStore();
  // The same image twice: with layers packed and as they are.
  await load(store, containerdSingle().archive);
  await load(store, docker25().archive);
  const digests = [containerdSingle(), docker25()].map((made) => made.expected[0]?.manifestDigest);
  assert.equal(new Set(digests).size, 2);
  for (const digest of digests) {
    for (const name of [`demo@${digest}`, `${digest}`]) {
      assert.equal((await inspectImage(store.engine, name)).Descriptor?.digest, digest);
    }
  }
});

test("a config that is damaged on disk is told", async () => {
  await using store = await openTestStore();
  const image = sampleImage();
  await load(store, plainArchive([image]).archive);
  const path = join(store.root, "blobs/sha256", hexPart(image.imageId));
  writeFileSync(path, readFileSync(path).fill(32, 0, 1), { flag: "r+" });
  await assert.rejects(inspectImage(store.engine, "demo:1"), { code: "DIGEST_MISMATCH" });
});

test("what is not there, or for another platform, is told as by findImage", async () => {
  await using store = await openTestStore();
  await load(store, plainArchive([sampleImage()]).archive);
  await assert.rejects(inspectImage(store.engine, "nope"), { code: "IMAGE_NOT_FOUND" });
  await assert.rejects(inspectImage(store.engine, "demo:1", { platform: "linux/arm64" }), {
    code: "PLATFORM_NOT_FOUND",
  });
});
