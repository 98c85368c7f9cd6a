// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { makerOf } from "../../src/archive/maker.ts";
import { readImages } from "../../src/archive/read-images.ts";
import { scanFile } from "../../src/archive/scan-file.ts";
import { ociImage } from "../fixtures/archive-parts.ts";
import * as builders from "../fixtures/builders.ts";
import * as containerd from "../fixtures/containerd.ts";
import * as containersImage from "../fixtures/containers-image.ts";
import * as classic from "../fixtures/docker-classic.ts";
import * as dockerOci from "../fixtures/docker-oci.ts";
import * as dockerV1 from "../fixtures/docker-v1.ts";
import { sampleImage } from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { plainArchive } from "../fixtures/variants.ts";

let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "lade-test-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function makerOfBytes(
  bytes: Buffer,
  kind: "tar" | "folder" = "tar",
): Promise<string | undefined> {
  const path = join(folder, "archive.tar");
  writeFileSync(path, bytes);
  const fd = openSync(path, "r");
  try {
    const members = await scanFile(fd, { offset: 0, size: bytes.length }, "archive.tar");
    const { images } = readImages(members, { platforms: undefined, takesAll: true });
    return makerOf(members, { images, kind });
  } finally {
    closeSync(fd);
  }
}

const containerdTools = "docker with the containerd image store, buildkit, nerdctl or ctr";
const containersTools = "podman, buildah or skopeo";

const known: readonly (readonly [string, () => { archive: Buffer }, string])[] = [
  ["docker before 1.10", dockerV1.dockerV1, "docker before 1.10"],
  ["docker before 1.8.3", dockerV1.dockerV1Early, "docker before 1.10"],
  ["docker 1.10", classic.docker110, "docker 1.10 to 24"],
  ["docker 24", classic.docker24, "docker 1.10 to 24"],
  ["docker 24, symlinks", classic.docker24Symlinks, "docker 1.10 to 24"],
  ["docker 24, by ID", classic.docker24ById, "docker 1.10 to 24"],
  ["docker 25", dockerOci.docker25, "docker 25 or later"],
  ["docker 25, several", dockerOci.docker25Several, "docker 25 or later"],
  ["docker 25, by ID", dockerOci.docker25ById, "docker 25 or later"],
  ["containerd", containerd.containerdSingle, containerdTools],
  ["containerd, nested index", containerd.containerdNested, containerdTools],
  ["buildkit", containerd.buildkitOci, "buildkit or ctr"],
  ["podman", containersImage.podmanDockerArchive, "podman or buildah"],
  ["podman, several", containersImage.podmanSeveral, "podman or buildah"],
  ["podman, OCI", containersImage.podmanOciArchive, "podman or buildah"],
  ["buildah", containersImage.buildahDockerArchive, containersTools],
  ["buildah, OCI", containersImage.buildahOciArchive, containersTools],
  ["skopeo", containersImage.skopeoDockerArchive, containersTools],
  ["skopeo, OCI", containersImage.skopeoOciArchive, containersTools],
  ["kaniko", builders.kaniko, "kaniko, crane or ko"],
  ["jib", builders.jibDocker, "jib"],
  ["jib, OCI", builders.jibOci, "jib"],
  ["bazel rules_docker", builders.rulesDocker, "bazel or crane"],
  ["bazel rules_oci, docker", builders.rulesOciDocker, "bazel"],
  ["bazel rules_oci, OCI", builders.rulesOciIndex, "bazel"],
  ["nix streamLayeredImage", builders.nixStream, "nix"],
];

describe("makerOf", () => {
  for (const [name, make, maker] of known) {
    test(`knows ${name}`, async () => assert.equal(await makerOfBytes(make().archive), maker));
  }

  test("says nothing of what anyone may have written", async () => {
    const image = sampleImage();
    assert.equal(await makerOfBytes(plainArchive([image]).archive), undefined);
    assert.equal(
      await makerOfBytes(plainArchive([image], { layerCompression: "gzip" }).archive),
      undefined,
    );
    assert.equal(await makerOfBytes(tar([{ name: "manifest.json", body: "[]" }])), undefined);
  });

  test("goes by the order of members only where there is one", async () => {
    assert.equal(await makerOfBytes(builders.jibOci().archive, "folder"), undefined);
    assert.equal(await makerOfBytes(dockerOci.docker25().archive, "folder"), "docker 25 or later");
  });

  test("knows layouts by the bytes of their documents", async () => {
    const oci = ociImage(sampleImage());
    const layout = (layoutText: string, indexText: string) =>
      makerOfBytes(
        tar([
          { name: "index.json", body: indexText },
          { name: "oci-layout", body: layoutText },
          ...[...oci.blobs].map(([digest, body]) => ({
            name: `blobs/sha256/${digest.slice(7)}`,
            body,
          })),
        ]),
      );
    const index = JSON.stringify({ schemaVersion: 2, manifests: [oci.descriptor] });
    const compact = '{"imageLayoutVersion":"1.0.0"}';
    const indented = '{\n    "imageLayoutVersion": "1.0.0"\n}';
    assert.equal(await layout(`${compact}\n`, `${index}\n`), "umoci");
    assert.equal(await layout(indented, index), "kaniko, crane or ko");
    assert.equal(await layout('{"imageLayoutVersion": "1.0.0"}', index), containersTools);
    assert.equal(await layout(compact, index), undefined);
  });
});
