// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readDocument } from "../../src/content/blobs.ts";
import { diffIdsOf, findImage, tagsOfImage } from "../../src/content/images.ts";
import { importImage } from "../../src/engine/import.ts";
import { listImages } from "../../src/engine/list.ts";
import { loadImages } from "../../src/engine/load.ts";
import { saveImages } from "../../src/engine/save.ts";
import type { ImportOptions } from "../../src/engine/types.ts";
import { type Digest, digestOf } from "../../src/spec/digest.ts";
import { parseImageConfig } from "../../src/spec/image-config.ts";
import { formatPlatform, hostPlatform } from "../../src/spec/platform.ts";
import { compressed } from "../fixtures/compress.ts";
import { containerExport, exportArchives } from "../fixtures/export.ts";
import { hostileArchives } from "../fixtures/hostile.ts";
import { runTool } from "../fixtures/outside-tools.ts";
import { file, sampleImage, sampleLayer } from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { plainArchive } from "../fixtures/variants.ts";
import { noise } from "../helpers/bytes.ts";
import {
  openTestStore,
  storeState,
  type TestStore,
  verifyStore,
  writeFixture,
} from "../helpers/store.ts";

const rootfs = tar(containerExport());

async function importBytes(
  store: TestStore,
  bytes: Buffer,
  more: Partial<ImportOptions> = {},
): Promise<Digest> {
  const source = writeFixture(store, "rootfs.tar", bytes);
  return (await importImage(store.engine, { source, ...more })).id as Digest;
}

const configOf = (store: TestStore, id: Digest) =>
  parseImageConfig(readDocument(store.engine.store, id), "config");

async function assertRefused(
  store: TestStore,
  options: ImportOptions,
  error: { readonly code: string; readonly message?: RegExp },
): Promise<void> {
  const before = storeState(store);
  await assert.rejects(importImage(store.engine, options), { name: "LadeError", ...error });
  assert.deepEqual(storeState(store), before);
}

describe("import and load, each of what is the other's", () => {
  for (const { name, build, diffId, ...wanted } of exportArchives) {
    it(`import: ${name}`, async () => {
      await using store = await openTestStore();
      const bytes = build();
      const source = writeFixture(store, "export.tar", bytes);
      if (wanted.import !== "accepts") {
        await assertRefused(
          store,
          { source },
          { code: wanted.import, message: /lade load|docker save/ },
        );
      }
      const force = wanted.import !== "accepts";
      const { id } = await importImage(store.engine, { source, force });
      const { database } = store.engine.store;
      assert.deepEqual(diffIdsOf(database, id as Digest), [diffId()]);
      await verifyStore(store);
    });

    it(`load: ${name}`, async () => {
      await using store = await openTestStore();
      const path = writeFixture(store, "export.tar", build());
      const before = storeState(store);
      if (wanted.load === "accepts") {
        assert.ok((await loadImages(store.engine, { path })).images.length > 0);
      } else {
        await assert.rejects(loadImages(store.engine, { path }), {
          code: wanted.load,
          hint: /lade import/,
        });
        assert.deepEqual(storeState(store), before);
      }
      await verifyStore(store);
    });
  }
});

describe("importImage", () => {
  it("makes an image of one layer, as Docker describes it", async (context) => {
    await using store = await openTestStore();
    context.mock.timers.enable({ apis: ["Date"], now: Date.parse("2026-01-02T03:04:05.680Z") });
    const id = await importBytes(store, rootfs, { reference: "demo:1" });
    const config = configOf(store, id);
    const row = findImage(store.engine.store.database, id);
    assert.deepEqual(config.rootfs.diff_ids, [digestOf(rootfs)]);
    assert.equal(row?.platform, formatPlatform(hostPlatform()));
    const size = "#!/bin/sh\nexit 0\n".length + "/proc/mounts".length + "ID=sample\n".length;
    assert.equal(row?.size, size + "root:x:0:0:root:/root:/bin/sh\n".length);
    // Go writes no zeros at the end of a fraction.
    assert.equal(config.created, "2026-01-02T03:04:05.68Z");
    assert.equal(row?.created, config.created);
    assert.deepEqual(
      config.history.map(({ comment }) => comment),
      ["Imported from -"],
    );
    const tags = tagsOfImage(store.engine.store.database, id);
    assert.deepEqual(
      tags.map(({ repository, tag }) => `${repository}:${tag}`),
      ["docker.io/library/demo:1"],
    );
    await verifyStore(store);
  });

  it("takes names, changes, a message and a platform", async () => {
    await using store = await openTestStore();
    const id = await importBytes(store, rootfs, {
      reference: "example.com/team/demo",
      changes: ['CMD ["/bin/sh"]', "ENV A=b", "LABEL x=y", "EXPOSE 80"],
      message: "by hand",
      platform: "linux/arm64/v8",
    });
    const config = configOf(store, id);
    assert.deepEqual(config.config?.Cmd, ["/bin/sh"]);
    assert.deepEqual(config.config?.Env, ["A=b"]);
    assert.equal(config.history[0]?.comment, "by hand");
    const [image] = await listImages(store.engine);
    assert.deepEqual(image?.repoTags, ["example.com/team/demo:latest"]);
    assert.deepEqual(config.config?.Labels, { x: "y" });
    assert.equal(findImage(store.engine.store.database, id)?.platform, "linux/arm64/v8");
  });

  it("moves a name, and keeps the image that had it", async () => {
    await using store = await openTestStore();
    await importBytes(store, rootfs, { reference: "demo:1" });
    const id = await importBytes(store, tar([file("etc/x", "x")]), { reference: "demo:1" });
    const images = await listImages(store.engine);
    assert.equal(images.length, 2);
    assert.equal(images.find(({ repoTags }) => repoTags.length > 0)?.id, id);
  });

  it("unpacks what is packed, and keeps only the tar", async () => {
    for (const kind of ["gzip", "zstd", "xz", "bzip2"] as const) {
      await using store = await openTestStore();
      const id = await importBytes(store, compressed(rootfs, kind));
      assert.deepEqual(diffIdsOf(store.engine.store.database, id), [digestOf(rootfs)]);
      assert.equal(store.engine.store.database.all("SELECT digest FROM blob").length, 2);
      await verifyStore(store);
    }
  });

  it("reads standard input, and a file that is redirected into it from where it stands", async () => {
    await using store = await openTestStore();
    const path = writeFixture(store, "two.tar", Buffer.concat([Buffer.alloc(512, "skip"), rootfs]));
    const script = `
      import { openEngine } from "./src/engine/engine.ts";
      import { importImage } from "./src/engine/import.ts";
      await using engine = await openEngine({ root: ${JSON.stringify(store.root)} });
      console.log((await importImage(engine, { source: "-" })).id);`;
    const skip = "dd bs=512 count=1 of=/dev/null status=none";
    for (const command of [
      `{ ${skip}; exec "$2" -e "$3"; } <"$1"`,
      `tail -c +513 "$1" | "$2" -e "$3"`,
    ]) {
      const node = process.execPath;
      const flags = { NODE_OPTIONS: "--disable-warning=ExperimentalWarning" };
      const child = spawnSync("sh", ["-c", command, "sh", path, node, script], {
        encoding: "utf8",
        env: { ...process.env, ...flags },
      });
      assert.equal(child.stderr, "");
      const id = child.stdout.trim() as Digest;
      assert.deepEqual(diffIdsOf(store.engine.store.database, id), [digestOf(rootfs)]);
    }
    await verifyStore(store);
  });

  it("refuses an image archive at its first name, not at its end", async () => {
    await using store = await openTestStore();
    const fifo = join(store.folder, "fifo");
    assert.equal(runTool("mkfifo", [fifo]).status, 0);
    // Open at both ends, so that it does not end.
    await using pipe = await open(fifo, "r+");
    const layer = sampleLayer([file("large", noise(5_000_000))]);
    const { archive } = plainArchive([sampleImage({ layers: [layer] })]);
    const written = pipe.write(archive, 0, 3_000_000);
    await assertRefused(
      store,
      { source: fifo },
      { code: "ARCHIVE_IS_IMAGE", message: /it has [0-9a-f]{64}\.tar/ },
    );
    await written;
  });

  it("can be saved and loaded elsewhere", async () => {
    await using store = await openTestStore();
    const id = await importBytes(store, rootfs, { reference: "demo:1" });
    const path = join(store.folder, "saved.tar");
    await saveImages(store.engine, { names: ["demo:1"], path });
    await using other = await openTestStore();
    const { images } = await loadImages(other.engine, { path });
    assert.deepEqual(images, [{ id, reference: "demo:1", replacedId: undefined }]);
  });

  it("finds what is wrong before it reads anything", async () => {
    await using store = await openTestStore();
    const source = join(store.folder, "nowhere");
    const refuse = (more: Partial<ImportOptions>, code: string, message: RegExp) =>
      assertRefused(store, { source, ...more }, { code, message });
    await refuse({ reference: "Demo" }, "REFERENCE_INVALID", /must be lowercase/);
    const digest = `demo@${digestOf("x")}`;
    await refuse({ reference: digest }, "REFERENCE_INVALID", /cannot import digest reference/);
    await refuse({ changes: ["RUN true"] }, "CHANGE_INVALID", /./);
    await refuse({ platform: "no platform" }, "PLATFORM_INVALID", /./);
    await refuse({}, "ARCHIVE_NOT_FOUND", /^open .*nowhere: no such file or directory$/);
    const folder = join(store.folder, "folder");
    mkdirSync(folder);
    await assertRefused(
      store,
      { source: folder },
      { code: "ARCHIVE_UNRECOGNIZED", message: /is a directory/ },
    );
  });

  it("refuses what is no tar", async () => {
    await using store = await openTestStore();
    const cases: readonly (readonly [bytes: Buffer, code: string])[] = [
      [Buffer.alloc(0), "TAR_TRUNCATED"],
      [Buffer.from("hello"), "TAR_TRUNCATED"],
      [Buffer.alloc(2000, "hello"), "TAR_CHECKSUM"],
      [rootfs.subarray(0, 1000), "TAR_TRUNCATED"],
      [compressed(rootfs, "gzip").subarray(0, 300), "COMPRESSION_CORRUPT"],
      [tar([file("../x", "")]), "NAME_ESCAPES"],
      [tar([file("a/.wh..", "")]), "NAME_ESCAPES"],
    ];
    for (const [bytes, code] of cases) {
      const source = writeFixture(store, "bad.tar", bytes);
      await assertRefused(store, { source }, { code });
    }
  });

  it("refuses in a file system what it refuses in a layer", async () => {
    for (const { name, build, wantCode = [] } of hostileArchives) {
      if (!name.startsWith("in a layer: ")) continue;
      await using store = await openTestStore();
      // The layer is the last member of a hostile archive of this kind: all of it is in the archive.
      const archive = build();
      const start = archive.indexOf("start\0");
      const source = writeFixture(store, "layer.tar", archive.subarray(start));
      const before = storeState(store);
      await assert.rejects(
        importImage(store.engine, { source, force: true }),
        (error: { code?: string }) => {
          assert.ok(
            wantCode.some((code) => code === error.code),
            `${name}: ${String(error)}`,
          );
          return true;
        },
      );
      assert.deepEqual(storeState(store), before);
    }
  });
});

describe("import from a URL", () => {
  async function serve(listener: RequestListener) {
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    return {
      url: `http://127.0.0.1:${port}`,
      [Symbol.asyncDispose]: () =>
        new Promise<void>((resolve) => {
          server.closeAllConnections();
          server.close(() => resolve());
        }),
    };
  }

  it("takes what the server sends, packed or not, with and without a length", async () => {
    const large = tar([...containerExport(), file("large", noise(3_000_000))]);
    const packed = compressed(large, "gzip");
    await using server = await serve((request, response) => {
      assert.equal(request.headers["accept-encoding"], "identity");
      if (request.url === "/packed") response.end(packed);
      else if (request.url === "/moved") response.writeHead(302, { location: "/plain?x" }).end();
      else response.write(large.subarray(0, 100_000), () => response.end(large.subarray(100_000)));
    });
    for (const path of ["/plain", "/packed", "/moved"]) {
      await using store = await openTestStore();
      const seen: (number | undefined)[] = [];
      const { id } = await importImage(store.engine, {
        source: `${server.url}${path}`,
        reference: "demo:1",
        onProgress: (event) => seen.push(event.total),
      });
      assert.deepEqual(diffIdsOf(store.engine.store.database, id as Digest), [digestOf(large)]);
      const { history } = configOf(store, id as Digest);
      assert.equal(history[0]?.comment, `Imported from ${server.url}${path}`);
      assert.equal(seen.at(-1), path === "/packed" ? packed.length : undefined);
      await verifyStore(store);
    }
  });

  it("tells what went wrong, without passwords", async () => {
    await using server = await serve((request, response) => {
      switch (request.url?.split("?")[0]) {
        case "/missing":
          response.writeHead(404).end("no");
          return;
        case "/round":
          response.writeHead(301, { location: "/round" }).end();
          return;
        case "/file":
          response.writeHead(301, { location: "file:///etc/passwd" }).end();
          return;
        case "/odd":
          response.writeHead(301, { location: "http://[" }).end();
          return;
        case "/cut":
          response.writeHead(200, { "content-length": rootfs.length });
          response.write(rootfs.subarray(0, 2000), () => response.destroy());
          return;
        default:
          response.writeHead(204).end();
      }
    });
    const cases: readonly (readonly [url: string, message: RegExp])[] = [
      [
        `${server.url}/missing?token=secret`,
        /^download http:\/\/127\.0\.0\.1:\d+\/missing: status code 404 Not Found$/,
      ],
      [`${server.url}/round`, /more than 10 redirects$/],
      [`${server.url}/file`, /file: is not http or https$/],
      [`${server.url}/cut`, /^download .*\/cut: ./],
      [`${server.url}/none`, /status code 204/],
      [server.url.replace("http://", "https://"), /^download https:/],
      ["http://user:secret@127.0.0.1:1/x", /^download http:\/\/127\.0\.0\.1:1\/x: /],
      ["http://[", /^download invalid URL$/],
      [`${server.url}/odd`, /\/odd: invalid redirect$/],
      ["http://no.such.host.invalid/x", /^download http:\/\/no\.such\.host\.invalid\/x: /],
    ];
    for (const [source, message] of cases) {
      await using store = await openTestStore();
      const before = storeState(store);
      await assert.rejects(
        importImage(store.engine, { source }),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, "DOWNLOAD_FAILED", String(error));
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /secret/);
          return true;
        },
      );
      assert.deepEqual(storeState(store), before);
    }
  });

  it("tells the server the name and password in the URL, and nobody else", async () => {
    const seen: (string | undefined)[] = [];
    await using server = await serve((request, response) => {
      seen.push(request.headers.authorization);
      if (request.url === "/moved") response.writeHead(302, { location: "/plain" }).end();
      else response.end(rootfs);
    });
    await using store = await openTestStore();
    const withName = server.url.replace("http://", "http://us%40r:s%3Acret@");
    const { id } = await importImage(store.engine, { source: `${withName}/moved` });
    const basic = `Basic ${Buffer.from("us@r:s:cret").toString("base64")}`;
    assert.deepEqual(seen, [basic, basic]);
    const { history } = configOf(store, id as Digest);
    assert.equal(history[0]?.comment, `Imported from ${server.url}/moved`);
  });

  it("can be stopped while the server says nothing", async () => {
    await using server = await serve((_request, response) => {
      response.write(rootfs.subarray(0, 1000));
    });
    await using store = await openTestStore();
    const before = storeState(store);
    const signal = AbortSignal.timeout(100);
    await assert.rejects(importImage(store.engine, { source: server.url, signal }), {
      name: "TimeoutError",
    });
    assert.deepEqual(storeState(store), before);
    assert.ok(readFileSync(store.engine.store.paths.database).length > 0);
  });
});
