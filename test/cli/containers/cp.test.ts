// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import type { ByteSource } from "../../../src/base/bytes.ts";
import { LadeError } from "../../../src/base/errors.ts";
import {
  type CopyEnd,
  followedEnd,
  planCopy,
  splitCopyArgument,
  splitEntry,
  withEnding,
} from "../../../src/cli/copy/copy-paths.ts";
import { createPushSource } from "../../../src/cli/copy/push-source.ts";
import type { PathStat } from "../../../src/engine/container-types.ts";
import { packLocal, unpackLocal } from "../../../src/engine/local-files.ts";
import type { FakeOptions } from "../fake-context.ts";
import { run } from "../fake-context.ts";

test("an argument names a container unless it is a path of this machine", () => {
  const cases: [string, string, string][] = [
    ["c:/x", "c", "/x"],
    ["c:", "c", ""],
    ["c:x:y", "c", "x:y"],
    ["a/b:c", "a/b", "c"],
    ["/a:b", "", "/a:b"],
    ["./a:b", "", "./a:b"],
    ["../a:b", "", "../a:b"],
    [".a:b", "", ".a:b"],
    ["a", "", "a"],
    ["-", "", "-"],
  ];
  for (const [text, container, path] of cases) {
    assert.deepEqual(splitCopyArgument(text), { container, path }, text);
  }
});

test("the ending of a path is kept", () => {
  assert.equal(withEnding("/a", "a"), "/a");
  assert.equal(withEnding("/a", "a/"), "/a/");
  assert.equal(withEnding("/a", "a/."), "/a/.");
  assert.equal(withEnding("/a", "."), "/a/.");
  assert.equal(withEnding("/", "."), "/.");
  assert.equal(withEnding("/", "/"), "/");
});

test("a path is split into its folder and its name", () => {
  assert.deepEqual(splitEntry("/a/b"), { folder: "/a", name: "b" });
  assert.deepEqual(splitEntry("/a/b/"), { folder: "/a", name: "b" });
  assert.deepEqual(splitEntry("/a/b/."), { folder: "/a/b", name: "." });
  assert.deepEqual(splitEntry("/a"), { folder: "/", name: "a" });
  assert.deepEqual(splitEntry("/"), { folder: "/", name: "/" });
  assert.deepEqual(splitEntry("/."), { folder: "/", name: "." });
  assert.deepEqual(splitEntry("a//b/../c"), { folder: "a", name: "c" });
});

test("a symlink that is followed keeps its name", () => {
  assert.deepEqual(followedEnd("/l", "/t/x"), { path: "/t/x", rebaseName: "l" });
  assert.deepEqual(followedEnd("/a/x", "/t/x"), { path: "/t/x", rebaseName: "" });
  assert.deepEqual(followedEnd("/l/", "/t"), { path: "/t/", rebaseName: "l" });
  assert.deepEqual(followedEnd("/l/.", "/t"), { path: "/t/.", rebaseName: "" });
});

const file = (path: string): CopyEnd => ({ path, exists: true, isFolder: false, rebaseName: "" });
const folder = (path: string): CopyEnd => ({ ...file(path), isFolder: true });
const nothing = (path: string): CopyEnd => ({ ...file(path), exists: false });

test("what is copied goes where Docker puts it", () => {
  const cases: [CopyEnd, CopyEnd, string, string][] = [
    // Into a folder that is there.
    [file("/s/f"), folder("/d"), "/d", "f"],
    [file("/s/f"), folder("/d/"), "/d/", "f"],
    [folder("/s"), folder("/d"), "/d", "s"],
    [folder("/s/."), folder("/d"), "/d", "."],
    [folder("/"), folder("/d"), "/d", "/"],
    [{ ...file("/t/x"), rebaseName: "l" }, folder("/d"), "/d", "l"],
    // Onto a file, and under a new name.
    [file("/s/f"), file("/d/g"), "/d", "g"],
    [file("/s/f"), nothing("/d/g"), "/d", "g"],
    [folder("/s"), nothing("/d/g"), "/d", "g"],
    [folder("/s"), nothing("/d/g/"), "/d", "g"],
    [folder("/s/."), nothing("/d/g"), "/d", "g"],
    [folder("/s"), nothing("/d/g/."), "/d/g", "."],
  ];
  for (const [source, destination, where, memberName] of cases) {
    const label = `${source.path} -> ${destination.path}`;
    assert.deepEqual(planCopy(source, destination), { folder: where, memberName }, label);
  }
  assert.throws(() => planCopy(folder("/s"), file("/d")), /^ExitStatus: cannot copy directory$/);
  assert.throws(() => planCopy(file("/s"), nothing("/d/")), /^ExitStatus: no such directory$/);
});

async function readAll(source: ByteSource): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.alloc(7);
    const count = await source.read(chunk);
    if (count === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, count));
  }
}

test("a push waits until its bytes are read", async () => {
  const { source, push, end } = createPushSource();
  const order: string[] = [];
  const writing = (async () => {
    await push(Buffer.from("0123456789"));
    order.push("first taken");
    await push(Buffer.from("abc"));
    end();
  })();
  const first = Buffer.alloc(4);
  assert.equal(await source.read(first), 4);
  order.push("four read");
  assert.equal(String(await readAll(source)), "456789abc");
  await writing;
  assert.deepEqual(order, ["four read", "first taken"]);
});

test("the fault of either side reaches the other", async () => {
  const failed = createPushSource();
  failed.end(new Error("broken"));
  await assert.rejects(failed.source.read(Buffer.alloc(1)), /broken/);
  const closed = createPushSource();
  const pushing = closed.push(Buffer.from("x"));
  closed.close(new Error("gone"));
  await assert.rejects(pushing, /gone/);
  await assert.rejects(closed.push(Buffer.from("y")), /gone/);
});

let place: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "lade-cp-"));
});

afterEach(() => rmSync(place, { recursive: true, force: true }));

const folderMode = 2 ** 31 + 0o755;
const linkMode = 2 ** 27 + 0o777;

interface InContainer {
  readonly mode: number;
  readonly linkTarget?: string;
  /** The folder or file of this machine that stands for it. */
  readonly real?: string;
}

/** Runs `lade cp` with a container that has these paths. */
async function cp(
  argv: readonly string[],
  paths: Readonly<Record<string, InContainer>> = {},
  options: FakeOptions = {},
) {
  const calls: unknown[][] = [];
  const statOf = (path: string): PathStat => {
    const entry = paths[path];
    if (entry === undefined) {
      throw new LadeError("PATH_NOT_FOUND", `Could not find the file ${path} in container c`);
    }
    const { mode, linkTarget = "" } = entry;
    return { name: "", size: 0, mode, mtime: "", linkTarget };
  };
  const useCases = {
    statArchive: async (_engine: unknown, _name: string, path: string) => statOf(path),
    async getArchive(
      _engine: unknown,
      _name: string,
      path: string,
      write: (chunk: Uint8Array) => Promise<void>,
      { memberName = "x" }: { memberName?: string } = {},
    ) {
      calls.push(["get", path, memberName]);
      statOf(path);
      using archive = packLocal(paths[path]?.real ?? "/", memberName);
      await write(await readAll(archive));
    },
    async putArchive(
      _engine: unknown,
      name: string,
      path: string,
      source: ByteSource,
      { noOverwriteDirNonDir, copyUidGid }: Record<string, unknown>,
    ) {
      calls.push(["put", name, path, noOverwriteDirNonDir, copyUidGid]);
      await unpackLocal(place, source);
    },
    packLocal: async (path: string, memberName: string) => packLocal(path, memberName),
    unpackLocal,
  };
  return { ...(await run(["cp", ...argv], { ...options, useCases })), calls };
}

test("copies a file and a folder into a container", async () => {
  const source = join(place, "from");
  mkdirSync(join(source, "sub"), { recursive: true });
  writeFileSync(join(source, "sub", "f"), "text");
  symlinkSync("sub/f", join(source, "link"));
  const tmp = { "/tmp": { mode: folderMode } };
  const whole = await cp([source, "c:/tmp/new"], tmp);
  assert.deepEqual(whole.calls, [["put", "c", "/tmp", true, false]]);
  assert.equal(readFileSync(join(place, "new", "sub", "f"), "utf8"), "text");
  assert.equal(whole.stderr, "");
  const archived = await cp(["-a", join(source, "sub", "f"), "c:/tmp"], tmp);
  assert.deepEqual(archived.calls, [["put", "c", "/tmp", true, true]]);
  assert.equal(readFileSync(join(place, "f"), "utf8"), "text");
  await cp([join(source, "link"), "c:/tmp"], tmp);
  assert.ok(lstatSync(join(place, "link")).isSymbolicLink());
  rmSync(join(place, "link"));
  await cp(["-L", join(source, "link"), "c:/tmp"], tmp);
  assert.equal(readFileSync(join(place, "link"), "utf8"), "text");
});

test("copies out of a container", async () => {
  const source = join(place, "from");
  mkdirSync(source);
  writeFileSync(join(source, "f"), "text");
  const paths = {
    "/data": { mode: folderMode, real: source },
    "/data/.": { mode: folderMode, real: source },
    "/f": { mode: 0o644, real: join(source, "f") },
    "/l": { mode: linkMode, linkTarget: "/f" },
  };
  const target = join(place, "to");
  assert.deepEqual((await cp(["c:/data", target], paths)).calls, [["get", "/data", "to"]]);
  assert.equal(readFileSync(join(target, "f"), "utf8"), "text");
  await cp(["c:/data", target], paths);
  assert.equal(readFileSync(join(target, "data", "f"), "utf8"), "text");
  await cp(["c:/data/.", target], paths);
  await cp(["c:/f", join(place, "g")], paths);
  assert.equal(readFileSync(join(place, "g"), "utf8"), "text");
  const followed = await cp(["-L", "c:/l", target], paths);
  assert.deepEqual(followed.calls, [["get", "/f", "l"]]);
  assert.equal(readFileSync(join(target, "l"), "utf8"), "text");
});

test("a dash is a tar on standard input or output", async () => {
  writeFileSync(join(place, "f"), "text");
  using archive = packLocal(join(place, "f"), "g");
  const tar = await readAll(archive);
  const tmp = { "/tmp": { mode: folderMode } };
  await cp(["-", "c:/tmp"], tmp, { stdin: { chunks: [tar.toString("latin1")] } });
  assert.equal(readFileSync(join(place, "g"), "utf8"), "text");
  const refused = await cp(["-", "c:/nowhere"], tmp);
  assert.equal(refused.stderr, 'destination "c:/nowhere" must be a directory\n');
  const out = await cp(["c:/f", "-"], { "/f": { mode: 0o644, real: join(place, "f") } });
  assert.deepEqual(out.calls, [["get", "/f", "x"]]);
  assert.ok(/^x\0.*ustar.*text\0/s.test(out.stdout));
});

test("tells how much was copied where somebody looks, or asks", async () => {
  writeFileSync(join(place, "f"), "text");
  const tmp = { "/tmp": { mode: folderMode } };
  const argv = [join(place, "f"), "c:/tmp/g"];
  const said = /^Successfully copied [\d.]+kB to c:\/tmp\/g\n$/;
  assert.equal((await cp(argv, tmp)).stderr, "");
  const terminal = { stdout: { isTerminal: true } };
  assert.match((await cp(argv, tmp, terminal)).stderr, said);
  assert.equal((await cp(["-q", ...argv], tmp, terminal)).stderr, "");
  assert.match((await cp(["-q=false", ...argv], tmp)).stderr, said);
});

test("what can't be copied fails in Docker's words", async () => {
  writeFileSync(join(place, "f"), "");
  mkdirSync(join(place, "d"));
  const paths = {
    "/f": { mode: 0o644, real: join(place, "f") },
    "/d": { mode: folderMode, real: join(place, "d") },
    "/dev": { mode: 2 ** 26 + 0o644 },
    "/l": { mode: linkMode, linkTarget: "/d" },
  };
  const cases: [string[], string][] = [
    [["a", "b"], "must specify at least one container source"],
    [["a:/b", "c:/d"], "copying between containers is not supported"],
    [["", "c:/d"], "source can not be empty"],
    [["c:/d", ""], "destination can not be empty"],
    [[join(place, "nope"), "c:/d"], `lstat ${place}/nope: no such file or directory`],
    [[join(place, "f", "x"), "c:/d"], `lstat ${place}/f/x: not a directory`],
    [[join(place, "d"), "c:/f"], "cannot copy directory"],
    [["c:/d", join(place, "f")], "cannot copy directory"],
    [[join(place, "f"), "c:/nope/"], "no such directory"],
    [["c:/f", join(place, "nope/")], "no such directory"],
    [
      ["c:/f", join(place, "no", "x")],
      `invalid output path: directory "${place}/no" does not exist`,
    ],
    [
      ["c:/f", "/dev/null"],
      'invalid output path: "/dev/null" must be a directory or a regular file: got a device',
    ],
    [
      [join(place, "f"), "c:/dev"],
      'destination "c:/dev" must be a directory or a regular file: got a device',
    ],
    [
      ["c:/gone", place],
      "Error response from daemon: Could not find the file /gone in container c",
    ],
  ];
  for (const [argv, message] of cases) {
    const { stderr, code } = await cp(argv, paths);
    assert.equal(stderr, `${message}\n`, argv.join(" "));
    assert.equal(code, 1);
  }
  // A symlink to a folder is a folder to copy into.
  assert.deepEqual((await cp([join(place, "f"), "c:/l"], paths)).calls, [
    ["put", "c", "/d", true, false],
  ]);
});
