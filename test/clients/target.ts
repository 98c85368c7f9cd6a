// SPDX-License-Identifier: Apache-2.0

/**
 * The engine that client libraries are pointed at: `lade serve`, or with LADE_TEST_ENGINE=dockerd
 * Debian's dockerd, which shows that the suites ask for what Docker does and for nothing else.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, hexPart } from "../fixtures/digests.ts";
import { dir, file, type SampleLayer, sampleLayer, symlink } from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { startDockerd } from "../helpers/dockerd.ts";
import { startLadeServe } from "../helpers/lade-serve.ts";
import { enterPrivateNetwork } from "../helpers/private-network.ts";
import { requireTool, runOrThrow } from "../helpers/tools.ts";

export interface Target extends AsyncDisposable {
  readonly engine: "lade" | "dockerd";
  /** `unix://…`, for DOCKER_HOST. */
  readonly host: string;
  readonly socket: string;
  /** A folder that goes with the target. */
  readonly folder: string;
  /** An archive of Docker's with {@link image} and {@link otherImage}. */
  readonly archive: string;
}

export const image = "box:1";
export const otherImage = "box-other:1";

/**
 * Starts the engine in a network namespace of this process's own, where it may make bridges and
 * publish ports as it likes.
 */
export async function openTarget(): Promise<Target> {
  enterPrivateNetwork();
  const engine = process.env.LADE_TEST_ENGINE === "dockerd" ? "dockerd" : "lade";
  const serve = engine === "dockerd" ? await startBridgedDockerd() : await startLadeServe();
  const folder = mkdtempSync(join(tmpdir(), "lade-clients-"));
  const archive = join(folder, "images.tar");
  await writeFile(archive, imagesArchive());
  return {
    engine,
    host: serve.host,
    socket: serve.host.replace("unix://", ""),
    folder,
    archive,
    async [Symbol.asyncDispose]() {
      await serve[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** As {@link openTarget}, with both images in it. */
export async function openLoadedTarget(): Promise<Target> {
  const target = await openTarget();
  await runOrThrow("/usr/bin/docker", ["-H", target.host, "load", "-i", target.archive]);
  return target;
}

/** dockerd with what the helper leaves out elsewhere: a bridge, and rules of iptables. */
function startBridgedDockerd() {
  return startDockerd({ args: ["--bridge=", "--iptables=true"] });
}

/** Two images on one base layer, as `docker save` writes them. */
function imagesArchive(): Buffer {
  const base = baseLayer();
  const other = sampleLayer([dir("srv/"), file("srv/other", "other\n")]);
  const images = [
    { name: image, layers: [base] },
    { name: otherImage, layers: [base, other] },
  ].map(({ name, layers }) => ({ name, layers, config: imageConfig(layers) }));
  const manifest = images.map(({ name, layers, config }) => ({
    Config: `${hexPart(digestOf(config))}.json`,
    RepoTags: [name],
    Layers: layers.map(layerName),
  }));
  return tar([
    ...images.map(({ config }) => ({ name: `${hexPart(digestOf(config))}.json`, body: config })),
    ...[base, other].map((layer) => ({ name: layerName(layer), body: layer.tar })),
    { name: "manifest.json", body: JSON.stringify(manifest) },
  ]);
}

function layerName({ diffId }: SampleLayer): string {
  return `${hexPart(diffId)}/layer.tar`;
}

function baseLayer(): SampleLayer {
  const busybox = readFileSync(requireTool("busybox", "busybox-static"));
  const programs =
    "sh ls cat sleep echo true false id env kill touch mkdir rm test wc head tail nc httpd wget " +
    "awk grep hostname tty stty ping date seq stat ps cut printf";
  return sampleLayer([
    dir("bin/"),
    file("bin/busybox", busybox, { mode: 0o755 }),
    ...programs.split(" ").map((name) => symlink(`bin/${name}`, "busybox")),
    dir("etc/"),
    file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nada:x:1000:1000::/:/bin/sh\n"),
    file("etc/group", "root:x:0:\nada:x:1000:\n"),
    dir("root/"),
    dir("data/"),
    file("data/file", "from the image\n"),
    dir("tmp/", { mode: 0o1777 }),
  ]);
}

function imageConfig(layers: readonly SampleLayer[]): string {
  return JSON.stringify({
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    created: "2024-05-01T10:20:30.123456789Z",
    config: { Env: ["PATH=/bin", "COLOUR=blue"], Cmd: ["sh"], Labels: { kind: "box" } },
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map((_, index) => ({
      created: "2024-05-01T10:20:30Z",
      created_by: `layer ${index + 1}`,
    })),
  });
}
