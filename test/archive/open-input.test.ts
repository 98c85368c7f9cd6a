// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openInput } from "../../src/archive/open-input.ts";
import { compressed } from "../fixtures/compress.ts";
import { runTool, type Scratch, scratch } from "../fixtures/outside-tools.ts";
import { noise, readAll } from "../helpers/bytes.ts";
import { replaceCall, systemError } from "../helpers/system-calls.ts";

const bytes = noise(300_000);

let files: Scratch;
before(() => {
  files = scratch();
});
after(() => files.close());

const fds = () => fs.readdirSync("/proc/self/fd").length;

describe("openInput", () => {
  it("opens a file that is not packed where it can be read at any place", async () => {
    const path = files.write("plain", bytes);
    const open = fds();
    {
      using input = await openInput(path);
      assert.ok(input.type === "file");
      assert.deepEqual([input.offset, input.size, input.place], [0, bytes.length, path]);
      assert.equal(input.compression, "none");
      assert.equal(fds(), open + 1);
    }
    assert.equal(fds(), open);
  });

  it("unpacks what is packed", async () => {
    for (const kind of ["gzip", "zstd", "xz", "bzip2"] as const) {
      const packed = compressed(bytes, kind);
      using input = await openInput(files.write(`packed.${kind}`, packed));
      assert.ok(input.type === "stream");
      assert.equal(input.compression, kind);
      assert.equal(input.size, packed.length);
      assert.ok((await readAll(input.source)).equals(bytes));
      assert.equal(input.taken(), packed.length);
    }
  });

  it("reads a pipe once, packed or not", async () => {
    const pipe = files.path("pipe");
    assert.equal(runTool("mkfifo", [pipe]).status, 0);
    for (const kind of ["none", "gzip"] as const) {
      const path = files.write("through", compressed(bytes, kind));
      const writer = spawn("cp", [path, pipe], { stdio: "ignore" });
      const ended = new Promise((resolve) => writer.once("close", resolve));
      using input = await openInput(pipe);
      assert.ok(input.type === "stream");
      assert.equal(input.compression, kind);
      assert.equal(input.size, undefined);
      assert.ok((await readAll(input.source)).equals(bytes));
      await ended;
    }
  });

  it("leaves a folder to be listed", async () => {
    using input = await openInput(files.path("."));
    assert.equal(input.type, "folder");
  });

  it("reads standard input like a file where it is one, from where it stands", () => {
    const path = files.write("behind", Buffer.concat([Buffer.from("skip"), bytes]));
    const program = `
      const { openInput } = await import("./src/archive/open-input.ts");
      using input = await openInput(undefined);
      console.log(input.type, input.offset, input.size, input.place);`;
    const node = `"$1" --disable-warning=ExperimentalWarning --input-type=module -e "$2"`;
    const run = (line: string) => {
      const args = ["-c", line, path, process.execPath, program];
      const child = spawnSync("sh", args, { encoding: "utf8" });
      assert.equal(child.stderr, "");
      return child.stdout;
    };
    const skip = "dd bs=4 count=1 of=/dev/null status=none";
    assert.equal(run(`{ ${skip}; ${node}; } <"$0"`), "file 4 300000 standard input\n");
    assert.equal(run(`tail -c 10 "$0" | ${node}`), "stream undefined undefined standard input\n");
  });

  it("tells what can't be opened", async () => {
    const missing = files.path("missing");
    await assert.rejects(openInput(missing), {
      code: "ARCHIVE_NOT_FOUND",
      message: `open ${missing}: no such file or directory`,
    });
    const through = join(files.write("file", bytes), "x");
    await assert.rejects(openInput(through), {
      code: "IO_FAILED",
      message: `open ${through}: not a directory`,
    });
    using _ = replaceCall("openSync", () => () => {
      throw systemError("EACCES");
    });
    await assert.rejects(openInput(missing), {
      code: "STORE_DENIED",
      message: `open ${missing}: permission denied`,
    });
  });
});
