// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { LadeError } from "../../src/base/errors.ts";
import type { ProgressListener } from "../../src/base/progress.ts";
import { OutputClosed } from "../../src/cli/exit-status.ts";
import type { ImportOptions, LoadOptions, SaveOptions } from "../../src/engine/types.ts";
import { type FakeOptions, idA, idB, run } from "./fake-context.ts";

function loading(images: unknown[], options: FakeOptions = {}, warnings: string[] = []) {
  const got: LoadOptions[] = [];
  const loadImages = async (_engine: unknown, loadOptions: LoadOptions) => {
    got.push(loadOptions);
    return { images, warnings };
  };
  const execute = (...argv: string[]) => run(argv, { ...options, useCases: { loadImages } });
  return { got, execute };
}

test("load tells what it brought, in Docker's lines", async () => {
  const { got, execute } = loading([
    { id: idA, reference: "hello:v1", replacedId: undefined },
    { id: idA, reference: "x:y", replacedId: idB },
    { id: idB, reference: undefined, replacedId: undefined },
  ]);
  const { code, stdout, stderr, closed } = await execute("load", "-i", "a.tar", "--platform=a/b");
  assert.equal(
    stdout,
    "Loaded image: hello:v1\n" +
      `The image x:y already exists, renaming the old one with ID ${idB} to empty string\n` +
      `Loaded image: x:y\nLoaded image ID: ${idB}\n`,
  );
  assert.equal(stderr, "");
  assert.equal(code, 0);
  assert.equal(closed, 1);
  assert.equal(got[0]?.path, "a.tar");
  assert.deepEqual(got[0]?.platforms, ["a/b"]);
  assert.ok(got[0]?.signal instanceof AbortSignal);
});

test("load shows warnings on standard error and can't be made to drive the terminal", async () => {
  const image = { id: idA, reference: "a\u001b[31m:b", replacedId: undefined };
  const { execute } = loading([image], {}, ["odd\nname"]);
  const { stdout, stderr } = await execute("image", "load", "-i", "a.tar");
  assert.equal(stdout, "Loaded image: a\\x1b[31m:b\n");
  assert.equal(stderr, "WARNING: odd\\nname\n");
});

test("load reads standard input, but not from a terminal", async () => {
  const piped = loading([]);
  await piped.execute("load");
  assert.equal(piped.got[0]?.path, undefined);
  const typed = loading([], { stdin: { isTerminal: true } });
  const { code, stderr, opened } = await typed.execute("load");
  assert.equal(code, 1);
  assert.equal(stderr, "requested load from stdin, but stdin is empty\n");
  assert.deepEqual(opened, []);
});

test("load draws bars on a terminal only, and none with -q", async () => {
  assert.equal(await listener([]), false);
  assert.equal(await listener([], { stdout: { isTerminal: true } }), true);
  assert.equal(await listener(["-q"], { stdout: { isTerminal: true } }), false);

  async function listener(argv: string[], options: FakeOptions = {}): Promise<boolean> {
    const { got, execute } = loading([], options);
    await execute("load", "-i", "a", ...argv);
    return got[0]?.onProgress !== undefined;
  }
});

test("failures of load and import are told bare, with the hint", async () => {
  const failure = async () => {
    throw new LadeError("IMAGE_NOT_FOUND", "a.tar: no\u0007such", { hint: "Look there." });
  };
  for (const argv of [
    ["load", "-i", "a.tar"],
    ["import", "a.tar"],
    ["ls", "a.tar"],
  ]) {
    const useCases = { loadImages: failure, importImage: failure, listArchive: failure };
    const { code, stderr } = await run(argv, { useCases });
    assert.equal(stderr, "a.tar: no\\x07such\nhint: Look there.\n");
    assert.equal(code, 1);
  }
});

function saving(options: FakeOptions = {}, work?: (options: SaveOptions) => void) {
  const got: SaveOptions[] = [];
  const saveImages = async (_engine: unknown, saveOptions: SaveOptions) => {
    got.push(saveOptions);
    work?.(saveOptions);
  };
  const execute = (...argv: string[]) => run(argv, { ...options, useCases: { saveImages } });
  return { got, execute };
}

test("save hands names and options to the engine", async () => {
  const { got, execute } = saving();
  const { code, stdout, stderr } = await execute("save", "a", "-o", "f.tar", "b:c", "--with-tags");
  assert.equal(code, 0);
  assert.equal(stdout + stderr, "");
  assert.deepEqual(got[0]?.names, ["a", "b:c"]);
  assert.equal(got[0]?.path, "f.tar");
  assert.equal(got[0]?.withTags, true);
});

test("save refuses a terminal", async () => {
  const { execute } = saving({ stdout: { isTerminal: true } });
  const { code, stderr, opened } = await execute("save", "a");
  assert.equal(code, 1);
  assert.equal(stderr, "cowardly refusing to save to a terminal. Use the -o flag or redirect\n");
  assert.deepEqual(opened, []);
  assert.equal((await execute("save", "-o", "f", "a")).code, 0);
});

test("save shows how far it is on standard error's terminal, and wipes that at the end", async () => {
  let clockMs = 0;
  const { execute } = saving(
    { stderr: { isTerminal: true, columns: 100 }, clock: () => clockMs },
    ({ onProgress }) => {
      onProgress?.({ type: "layer", action: "save", id: "a", current: 5, total: 5 });
      onProgress?.({ type: "layer", action: "save", id: "b", current: 1, total: 5 });
      clockMs = 1000;
      onProgress?.({ type: "total", current: 250_000_000, total: 1_000_000_000 });
      clockMs = 1050;
      onProgress?.({ type: "total", current: 300_000_000, total: 1_000_000_000 });
    },
  );
  const { stdout, stderr } = await execute("save", "-o", "f", "a");
  assert.equal(stdout, "");
  assert.equal(stderr, "\r\u001b[2KSaving: 250MB/1GB, 1/2 layers, 250MB/s, 3s left\r\u001b[2K");
});

test("save leaves no line behind when it fails", async () => {
  const { execute } = saving({ stderr: { isTerminal: true } }, ({ onProgress }) => {
    onProgress?.({ type: "total", current: 1, total: undefined });
    throw new LadeError("DISK_FULL", "write f: no space left on device");
  });
  const { stderr } = await execute("save", "-o", "f", "a");
  assert.equal(stderr, "\r\u001b[2KSaving: 1B\r\u001b[2Kwrite f: no space left on device\n");
});

test("import hands everything to the engine and prints the ID", async () => {
  let got: ImportOptions | undefined;
  const importImage = async (_engine: unknown, options: ImportOptions) => {
    got = options;
    return { id: idA, warnings: [] };
  };
  const { code, stdout } = await run(
    ["import", "-c", 'CMD ["sh"]', "--change=ENV a=b", "-m", "hi", "--force", "r.tar", "x:y"],
    { useCases: { importImage }, env: { DOCKER_DEFAULT_PLATFORM: "linux/arm64" } },
  );
  assert.equal(code, 0);
  assert.equal(stdout, `${idA}\n`);
  const { onProgress, signal, ...plain } = got as ImportOptions;
  assert.equal(onProgress, undefined);
  assert.ok(signal instanceof AbortSignal);
  assert.deepEqual(plain, {
    source: "r.tar",
    reference: "x:y",
    changes: ['CMD ["sh"]', "ENV a=b"],
    message: "hi",
    platform: "linux/arm64",
    force: true,
  });
});

test("an interrupted command exits with 128 and the signal's number, and says nothing", async () => {
  const controller = new AbortController();
  const loadImages = async (_engine: unknown, { signal }: LoadOptions) => {
    controller.abort();
    signal?.throwIfAborted();
  };
  const interrupt = { controller, signalNumber: 15 };
  const { code, stderr, closed } = await run(["load", "-i", "x"], {
    useCases: { loadImages },
    interrupt,
  });
  assert.equal(code, 143);
  assert.equal(stderr, "");
  assert.equal(closed, 1);
});

test("a reader that went away ends the command quietly", async () => {
  const { execute } = loading([{ id: idA, reference: "a:b", replacedId: undefined }], {
    stdout: { failure: new OutputClosed() },
  });
  const { code, stderr } = await execute("load", "-i", "x");
  assert.equal(code, 141);
  assert.equal(stderr, "");
});

test("a mistake of lade's is told as one, its stack only with --debug", async () => {
  const loadImages = async () => {
    throw new TypeError("x is not a function");
  };
  const useCases = { loadImages };
  const plain = await run(["load", "-i", "x"], { useCases });
  assert.equal(plain.code, 1);
  assert.equal(
    plain.stderr,
    "lade: internal error: x is not a function\n" +
      "hint: This is a mistake in lade. " +
      "Run the command again with `lade --debug` and report it.\n",
  );
  const debug = await run(["-D", "load", "-i", "x"], { useCases });
  assert.match(debug.stderr, /\ndebug: TypeError: x is not a function\n +at /);
});

test("--debug shows codes and causes", async () => {
  const loadImages = async () => {
    const cause = new LadeError("TAR_TRUNCATED", "a.tar: unexpected EOF");
    throw new LadeError("ARCHIVE_UNRECOGNIZED", "a.tar: no archive", { cause });
  };
  const { stderr } = await run(["--debug", "load", "-i", "x"], { useCases: { loadImages } });
  assert.equal(
    stderr,
    "a.tar: no archive\n" +
      "debug: ARCHIVE_UNRECOGNIZED: a.tar: no archive\n" +
      "debug: TAR_TRUNCATED: a.tar: unexpected EOF\n",
  );
});

test("tag hands both names over and says nothing", async () => {
  const got: unknown[] = [];
  const tagImage = async (_engine: unknown, ...names: string[]) => {
    got.push(...names);
  };
  const { code, stdout, stderr } = await run(["tag", "a:b", "c"], { useCases: { tagImage } });
  assert.equal(code, 0);
  assert.equal(stdout + stderr, "");
  assert.deepEqual(got, ["a:b", "c"]);
});

test("save tells of a bad path in Docker's words", async () => {
  const { execute } = saving({}, () => {
    throw new LadeError(
      "OUTPUT_INVALID",
      "invalid output path: stat /x: no such file or directory",
    );
  });
  assert.equal(
    (await execute("save", "-o", "/x/y", "a")).stderr,
    "failed to save image: invalid output path: stat /x: no such file or directory\n",
  );
});

test("tag says which name can't be one", async () => {
  const tagImage = async () => {
    throw new LadeError("REFERENCE_INVALID", "invalid reference format", { hint: "Write it so." });
  };
  for (const [names, bad] of [
    [["a", "BAD"], "BAD"],
    [["BAD", "b"], "BAD"],
  ] as const) {
    const { code, stderr } = await run(["tag", ...names], { useCases: { tagImage } });
    assert.equal(code, 1);
    assert.equal(
      stderr,
      `error parsing reference: "${bad}" is not a valid repository/tag: ` +
        "invalid reference format\nhint: Write it so.\n",
    );
  }
});

test("progress listeners take what the engine tells before a total is known", async () => {
  const events: Parameters<ProgressListener>[0][] = [
    { type: "total", current: 0, total: undefined },
    { type: "total", current: 2_500_000, total: undefined },
  ];
  let clockMs = 0;
  const importImage = async (_engine: unknown, { onProgress }: ImportOptions) => {
    for (const event of events) {
      clockMs += 600;
      onProgress?.(event);
    }
    return { id: idA, warnings: [] };
  };
  const { stderr } = await run(["import", "x"], {
    useCases: { importImage },
    stderr: { isTerminal: true, columns: 30 },
    clock: () => clockMs,
  });
  assert.equal(stderr, "\r\u001b[2KImporting: 0B\r\u001b[2KImporting: 2.5MB, 2.08MB/s\r\u001b[2K");
});
