// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { readMember } from "../../src/archive/document.ts";
import { openInput } from "../../src/archive/open-input.ts";
import { type SkimmedArchive, skimArchive } from "../../src/archive/skim.ts";
import { limits } from "../../src/base/limits.ts";
import { type Compression, compressed } from "../fixtures/compress.ts";
import { dir, file, hardLink, symlink } from "../fixtures/sample-image.ts";
import { type TarEntry, tar } from "../fixtures/tar-builder.ts";

let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "lade-test-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Skims the members as a file, or packed, as a stream. */
async function skim(
  entries: readonly TarEntry[],
  how: "file" | "stream",
  run: (archive: SkimmedArchive) => void,
): Promise<void> {
  const path = join(folder, "a.tar");
  writeFileSync(path, how === "file" ? tar(entries) : compressed(tar(entries), "zstd"));
  using input = await openInput(path);
  if (input.type !== how) throw new Error(`the input is a ${input.type}`);
  run(await skimArchive(input));
}

const layer = Buffer.alloc(5000, "layer ");
const document = `{"long": "${"x".repeat(5000)}"}`;

test("documents can be read, layers are only known", async () => {
  for (const how of ["file", "stream"] as const) {
    const entries = [
      file("a.json", document),
      file("version", "Directory Transport Version: 1.1\n"),
      file("empty", ""),
      file("layer.tar", layer),
      symlink("link", "a.json"),
      hardLink("hard", "a.json"),
      dir("folder/"),
    ];
    await skim(entries, how, ({ members }) => {
      const text = (name: string) => readMember(members, name, { wantedBy: "test" }).toString();
      for (const name of ["a.json", "link", "hard"]) assert.equal(text(name), document, name);
      assert.equal(text("version"), "Directory Transport Version: 1.1\n");
      assert.equal(text("empty"), "");
      assert.equal(members.lookup("layer.tar", "test")?.size, layer.length);
      assert.equal(members.lookup("folder", "test"), undefined);
      assert.deepEqual(
        [...members.names()],
        ["a.json", "version", "empty", "layer.tar", "link", "hard", "folder"],
      );
    });
  }
});

test("a layer of a stream that is asked for as a document is told to be none", async () => {
  await skim([file("layer.tar", layer)], "stream", ({ members }) => {
    assert.throws(() => readMember(members, "layer.tar", { wantedBy: "test" }), {
      code: "DOCUMENT_INVALID",
      message: `${join(folder, "a.tar")}: layer.tar: not valid JSON at character 0`,
    });
  });
});

test("documents of a stream are kept up to a limit in all", async () => {
  const size = limits.documentSize;
  const count = Math.floor(limits.spooledDocumentsSize / size);
  const body = Buffer.alloc(size, " ");
  body.write("{}", 0);
  const entries = Array.from({ length: count + 1 }, (_, index) => file(`${index}.json`, body));
  await skim(entries, "stream", ({ members }) => {
    const read = (index: number) => readMember(members, `${index}.json`, { wantedBy: "test" });
    assert.equal(read(count - 1).length, size);
    assert.throws(() => read(count), { code: "LIMIT_EXCEEDED" });
  });
});

test("the first bytes of a member tell how it is compressed", async () => {
  const kinds: readonly Compression[] = ["none", "gzip", "bzip2", "xz", "zstd"];
  const noise = Buffer.from(Array.from({ length: 4000 }, (_, index) => (index * index) % 251));
  const entries = kinds.flatMap((kind) => [
    file(`small.${kind}`, compressed(Buffer.from("small"), kind)),
    file(`large.${kind}`, compressed(noise, kind)),
  ]);
  for (const how of ["file", "stream"] as const) {
    await skim(entries, how, ({ members, compressionOf }) => {
      for (const name of members.names()) {
        const member = members.lookup(name, "test");
        assert.ok(member);
        assert.equal(compressionOf(member), name.split(".")[1], `${how} ${name}`);
      }
    });
  }
});

test("a file system's top entries are listed, whatever its names are", async () => {
  const entries = [
    dir("./"),
    dir("./etc/"),
    file("/usr/bin/x", ""),
    symlink("bin", "usr/bin"),
    file("../outside", ""),
    dir("var/"),
    file("var/x", ""),
  ];
  for (const how of ["file", "stream"] as const) {
    await skim(entries, how, ({ isFilesystem, topEntries }) => {
      assert.equal(isFilesystem, true);
      assert.deepEqual(topEntries, ["../", "bin", "etc/", "usr/", "var/"]);
    });
  }
});

test("names that climb out are refused where it is no file system", async () => {
  for (const name of ["../x", "/x", "a/../../x"]) {
    for (const how of ["file", "stream"] as const) {
      await assert.rejects(
        skim([file("manifest.json", "[]"), file(name, "")], how, () => undefined),
        { code: "NAME_ESCAPES" },
      );
    }
  }
});
