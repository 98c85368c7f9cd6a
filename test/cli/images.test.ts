// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { LadeError } from "../../src/base/errors.ts";
import type { ImageSummary, ListImagesOptions } from "../../src/engine/types.ts";
import { digestA, type FakeOptions, idA, idB, run } from "./fake-context.ts";

const named: ImageSummary = {
  id: idA,
  repoTags: ["hello:v1", "localhost:5000/x/y:z", "other:latest"],
  repoDigests: [`hello@${digestA}`],
  created: "2026-03-01T12:00:00.5Z",
  size: 1982256,
};

const dangling: ImageSummary = { ...named, id: idB, repoTags: [], repoDigests: [], created: "" };

function images(...argv: string[]) {
  return imagesOf([named, dangling], argv);
}

function imagesOf(list: ImageSummary[], argv: string[], options: FakeOptions = {}) {
  return run(["images", ...argv], { ...options, useCases: { listImages: async () => list } });
}

test("lists one row for each name, in Docker's table", async () => {
  const { code, stdout, closed } = await images();
  assert.equal(
    stdout,
    [
      "REPOSITORY           TAG       IMAGE ID       CREATED       SIZE",
      "hello                v1        5be1fe893c14   2 weeks ago   1.98MB",
      "localhost:5000/x/y   z         5be1fe893c14   2 weeks ago   1.98MB",
      "other                latest    5be1fe893c14   2 weeks ago   1.98MB",
      "<none>               <none>    a2fcd997eb47   N/A           1.98MB",
      "",
    ].join("\n"),
  );
  assert.equal(code, 0);
  assert.equal(closed, 1);
});

test("shows digests", async () => {
  const { stdout } = await images("--digests");
  const lines = stdout.split("\n");
  assert.match(
    lines[0] as string,
    /^REPOSITORY {11}TAG {7}DIGEST {68}IMAGE ID {7}CREATED {7}SIZE$/,
  );
  assert.ok(lines[1]?.includes(digestA));
  assert.match(lines[2] as string, /^localhost:5000\/x\/y {3}z {9}<none> /);
});

test("shows an image that has only digests", async () => {
  const byDigest = { ...named, repoTags: [] };
  const plain = await imagesOf([byDigest], ["--format", "{{.Repository}} {{.Tag}} {{.ID}}"]);
  assert.equal(plain.stdout, "hello <none> 5be1fe893c14\n");
  const withDigests = await imagesOf([byDigest], ["--digests", "--format", "{{.Tag}} {{.Digest}}"]);
  assert.equal(withDigests.stdout, `<none> ${digestA}\n`);
});

test("shows IDs alone, whole ones with --no-trunc", async () => {
  assert.equal((await images("-q")).stdout, `${"5be1fe893c14\n".repeat(3)}a2fcd997eb47\n`);
  assert.equal((await imagesOf([dangling], ["-q", "--no-trunc"])).stdout, `${idB}\n`);
});

test("writes JSON rows as Docker does", async () => {
  assert.equal(
    (await imagesOf([dangling], ["--format", "json"])).stdout,
    '{"Containers":"N/A","CreatedAt":"0001-01-01 00:00:00 +0000 UTC","CreatedSince":"",' +
      '"Digest":"\\u003cnone\\u003e","ID":"a2fcd997eb47","Repository":"\\u003cnone\\u003e",' +
      '"SharedSize":"N/A","Size":"1.98MB","Tag":"\\u003cnone\\u003e","UniqueSize":"N/A",' +
      '"VirtualSize":"1.982MB"}\n',
  );
});

test("runs templates for each row", async () => {
  const { stdout } = await images("--format", "{{.Repository}}:{{.Tag}}\\t{{.CreatedAt}}");
  assert.equal(stdout.split("\n")[0], "hello:v1\t2026-03-01 12:00:00 +0000 UTC");
});

test("leaves the headings of a template's table alone", async () => {
  const { stdout } = await images(
    "--format",
    "table {{.ID}}\\t{{upper .Repository}}\\t{{json .Tag}}",
  );
  assert.equal(
    stdout,
    [
      "IMAGE ID       REPOSITORY           TAG",
      '5be1fe893c14   HELLO                "v1"',
      '5be1fe893c14   LOCALHOST:5000/X/Y   "z"',
      '5be1fe893c14   OTHER                "latest"',
      'a2fcd997eb47   <NONE>               "<none>"',
      "",
    ].join("\n"),
  );
});

test("times of creation are in the machine's time zone", async () => {
  const zone = { offset: "+0200", name: "CEST" };
  const { stdout } = await imagesOf([named], ["--format", "{{.CreatedAt}}"], { zone });
  assert.match(stdout, /^2026-03-01 14:00:00 \+0200 CEST\n/);
});

test("adds digests to a template's table", async () => {
  const { stdout } = await imagesOf([dangling], ["--digests", "--format", "table {{.Tag}}"]);
  assert.equal(stdout, "TAG       DIGEST\n<none>    <none>\n");
});

test("a template that can't be parsed exits with 64, before the engine is opened", async () => {
  const { code, stderr, opened } = await images("--format", "{{");
  assert.equal(code, 64);
  assert.equal(stderr, "template parsing error: template: :1: unclosed action\n");
  assert.deepEqual(opened, []);
});

test("a field that is not there fails in Docker's words", async () => {
  const { code, stderr } = await images("--format", "{{.Foo}}");
  assert.equal(code, 1);
  assert.equal(
    stderr,
    'template parsing error: template: :1:2: executing "" at <.Foo>: ' +
      "can't evaluate field Foo in type *formatter.imageContext\n",
  );
});

test("hands options and filters to the engine", async () => {
  let got: ListImagesOptions | undefined;
  const listImages = async (_engine: unknown, options: ListImagesOptions) => {
    got = options;
    return [];
  };
  const argv = ["image", "ls", "-af", "dangling=true", "--filter=LABEL= a=b ", "hello"];
  const { code, stdout } = await run(argv, { useCases: { listImages } });
  assert.equal(code, 0);
  assert.equal(stdout, "REPOSITORY   TAG       IMAGE ID   CREATED   SIZE\n");
  assert.deepEqual(got, {
    all: true,
    filters: [
      { key: "dangling", value: "true" },
      { key: "label", value: "a=b" },
    ],
    pattern: "hello",
  });
});

test("hints at a subcommand that was meant", async () => {
  const { stderr } = await imagesOf([], ["ls"]);
  assert.equal(stderr, 'No images found matching "ls": did you mean "lade image ls"?\n');
  assert.equal((await imagesOf([], ["busybox"])).stderr, "");
});

test("opens the store that --root or LADE_ROOT names", async () => {
  const useCases = { listImages: async () => [] };
  const env = { LADE_ROOT: "/env" };
  const endsWithProcess = true;
  assert.deepEqual((await run(["--root", "/flag", "images"], { useCases, env })).opened, [
    { root: "/flag", endsWithProcess },
  ]);
  assert.deepEqual((await run(["images"], { useCases, env })).opened, [
    { root: "/env", endsWithProcess },
  ]);
  assert.deepEqual((await run(["images"], { useCases })).opened, [
    { root: undefined, endsWithProcess },
  ]);
});

test("errors of the engine come from Docker's daemon, with the hint below", async () => {
  const listImages = async () => {
    throw new LadeError("FILTER_INVALID", "Invalid filter 'foo'", { hint: "Use label." });
  };
  const { code, stderr } = await run(["images", "-f", "foo=bar"], { useCases: { listImages } });
  assert.equal(code, 1);
  assert.equal(stderr, "Error response from daemon: Invalid filter 'foo'\nhint: Use label.\n");
});

test("names can't drive the terminal", async () => {
  const evil = { ...named, repoDigests: [], repoTags: ["a\u001b[2J\u009b\u202e:v\n1"] };
  const { stdout } = await imagesOf([evil], []);
  assert.ok(stdout.includes("a\\x1b[2J\\x9b\\u202e   v\\n1"), JSON.stringify(stdout));
  const terminal = { stdout: { isTerminal: true } };
  const raw = await imagesOf([evil], ["--format", "{{.Tag}}"], terminal);
  assert.equal(raw.stdout, "v\n1\n");
  const json = await imagesOf([evil], ["--format", "json"], terminal);
  assert.ok(!/(?!\n)[\p{Cc}\p{Bidi_Control}]/u.test(json.stdout));
  assert.equal(JSON.parse(json.stdout).Repository, "a\u001b[2J\u009b\u202e");
});
