// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ArchiveListing } from "../../src/engine/types.ts";
import { idA, idB, run } from "./fake-context.ts";

const listing: ArchiveListing = {
  path: "a.tar",
  format: "docker-archive+oci-layout",
  maker: "docker 25 or later",
  compression: "gzip",
  size: 75_272_345,
  images: [
    {
      id: idA,
      names: ["hello:v1", "x\u001b:y"],
      platform: "linux/amd64",
      created: "2026-03-01T12:00:00Z",
      manifestDigest: undefined,
      layers: [
        { digest: `sha256:${"1".repeat(64)}`, mediaType: "tar", size: 1000 },
        { digest: `sha256:${"2".repeat(64)}`, mediaType: "tar+gzip", size: 2000 },
      ],
    },
    { id: idB, names: [], platform: "", created: "", manifestDigest: undefined, layers: [] },
  ],
  topEntries: [],
};

function ls(argv: string[], result: ArchiveListing = listing) {
  const got: unknown[] = [];
  const listArchive = async (path: unknown) => {
    got.push(path);
    return result;
  };
  return run(["ls", ...argv], { useCases: { listArchive } }).then((ran) => ({ ...ran, got }));
}

test("ls shows format, images and layers, and opens no store", async () => {
  const { code, stdout, got, opened } = await ls(["a.tar"]);
  assert.equal(code, 0);
  assert.deepEqual(got, ["a.tar"]);
  assert.deepEqual(opened, []);
  assert.equal(
    stdout,
    `FORMAT                      MADE BY              COMPRESSION   SIZE
docker-archive+oci-layout   docker 25 or later   gzip          75.27MB

IMAGE      IMAGE ID       PLATFORM      CREATED       LAYERS    SIZE
hello:v1   5be1fe893c14   linux/amd64   2 weeks ago   2         3kB
x\\x1b:y    5be1fe893c14   linux/amd64   2 weeks ago   2         3kB
<none>     a2fcd997eb47                 N/A           0         0B

IMAGE ID       LAYER          MEDIA TYPE   SIZE
5be1fe893c14   111111111111   tar          1kB
5be1fe893c14   222222222222   tar+gzip     2kB
`,
  );
});

test("ls shows the top folders of a container's file system", async () => {
  const { stdout } = await ls(["-"], {
    ...listing,
    format: "filesystem",
    maker: undefined,
    images: [],
    topEntries: ["bin/", "etc/"],
  });
  assert.ok(stdout.endsWith("\n\nFILES\nbin/\netc/\n"), stdout);
  assert.match(stdout, /\nfilesystem {3}unknown {3}gzip/);
});

test("ls reads standard input for a dash", async () => {
  assert.deepEqual((await ls(["-"])).got, [undefined]);
});

test("ls -q shows names, else IDs", async () => {
  assert.equal((await ls(["-q", "a.tar"])).stdout, `hello:v1\nx\\x1b:y\n${idB}\n`);
});

test("ls --no-trunc, --format json and templates", async () => {
  assert.ok((await ls(["--no-trunc", "a.tar"])).stdout.includes(idA));
  const json = await ls(["--format", "json", "a.tar"]);
  assert.equal(JSON.parse(json.stdout).Images[0].Layers.length, 2);
  const template = "{{range .Images}}{{len .Layers}} {{end}}{{.Format}}";
  assert.equal(
    (await ls(["--format", template, "a.tar"])).stdout,
    "2 0 docker-archive+oci-layout\n",
  );
});
