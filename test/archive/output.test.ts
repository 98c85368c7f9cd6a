// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { checkOutputPath, writeOutputFile } from "../../src/archive/output.ts";
import { bytesSource } from "../../src/base/bytes.ts";
import { digestOf } from "../../src/spec/digest.ts";
import { temporaryFileFlag } from "../../src/sys/libc.ts";
import { runTool, type Scratch, scratch } from "../fixtures/outside-tools.ts";
import { failing, noise, piecewise } from "../helpers/bytes.ts";
import { replaceCall, systemError } from "../helpers/system-calls.ts";

const MIB = 1024 * 1024;
const sizes = [0, 5, 4096, 2 * MIB, 5 * MIB + 3];

let files: Scratch;
let count = 0;
before(() => {
  files = scratch();
});
after(() => files.close());

/** A folder with one file of earlier. */
function newFolder(): { readonly folder: string; readonly old: string; readonly path: string } {
  const folder = files.path(`out-${count++}`);
  fs.mkdirSync(folder);
  const old = join(folder, "old.tar");
  fs.writeFileSync(old, "the old archive", { mode: 0o644 });
  return { folder, old, path: join(folder, "new.tar") };
}

describe("checkOutputPath", () => {
  it("refuses what no archive can be written to, in Docker's words", async () => {
    const { folder, old, path } = newFolder();
    checkOutputPath(old);
    checkOutputPath(path);
    checkOutputPath("new.tar");
    const link = join(folder, "link");
    fs.symlinkSync(old, link);
    const broken = join(folder, "broken");
    fs.symlinkSync("nowhere", broken);
    const fifo = join(folder, "fifo");
    assert.equal(runTool("mkfifo", [fifo]).status, 0);
    const socket = join(folder, "socket");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    const missing = join(folder, "none/new.tar");
    const cases: readonly (readonly [path: string, message: string])[] = [
      [folder, "cannot write to a directory"],
      [link, "cannot write to a symbolic link directly"],
      [broken, "cannot write to a symbolic link directly"],
      [fifo, "cannot write to a named pipe (FIFO)"],
      [socket, "cannot write to a socket"],
      ["/dev/null", "cannot write to a character device file"],
      [missing, `invalid output path: stat ${folder}/none: no such file or directory`],
    ];
    for (const [bad, message] of cases) {
      assert.throws(() => checkOutputPath(bad), { code: "OUTPUT_INVALID", message });
      await assert.rejects(writeOutputFile(bytesSource(noise(5)), bad, {}), {
        code: "OUTPUT_INVALID",
      });
    }
    server.close();
    assert.deepEqual(fs.readdirSync(folder).sort(), ["broken", "fifo", "link", "old.tar"]);
  });
});

describe("writeOutputFile", () => {
  it("writes a new file for its owner, or puts it in the place of another", async () => {
    for (const size of sizes) {
      const { folder, old, path } = newFolder();
      const reader = fs.openSync(old, "r");
      for (const target of [path, old]) {
        await writeOutputFile(piecewise(noise(size), [300_000]), target, {});
        assert.equal(digestOf(fs.readFileSync(target)), digestOf(noise(size)));
        assert.equal(fs.statSync(target).mode % 0o1000, 0o600);
      }
      assert.deepEqual(fs.readdirSync(folder).sort(), ["new.tar", "old.tar"]);
      // Who reads the old file goes on reading the old file.
      assert.equal(fs.readFileSync(reader, "utf8"), "the old archive");
      fs.closeSync(reader);
    }
  });

  it("takes a path without a folder, and names of any length", async () => {
    const { folder } = newFolder();
    const script =
      'cd "$1" && exec "$2" --disable-warning=ExperimentalWarning --input-type=module -e "$3"';
    const source = JSON.stringify(join(import.meta.dirname, "../../src"));
    const program = `
      const { writeOutputFile } = await import(${source} + "/archive/output.ts");
      const { bytesSource } = await import(${source} + "/base/bytes.ts");
      for (const name of ["plain", "n".repeat(255), "\u00fc".repeat(127)]) {
        await writeOutputFile(bytesSource(Buffer.from(name)), name, {});
      }`;
    const child = spawnSync("sh", ["-c", script, "sh", folder, process.execPath, program], {
      encoding: "utf8",
    });
    assert.equal(child.stderr, "");
    for (const name of ["plain", "n".repeat(255), "\u00fc".repeat(127)]) {
      assert.equal(fs.readFileSync(join(folder, name), "utf8"), name);
    }
    assert.equal(fs.readdirSync(folder).length, 4);
  });

  it("leaves what was there when the source fails or it is stopped", async () => {
    for (const size of sizes) {
      const { folder, old, path } = newFolder();
      for (const target of [path, old]) {
        const source = failing(noise(size), systemError("EIO"));
        await assert.rejects(writeOutputFile(source, target, {}), {
          code: "IO_FAILED",
          message: `write ${target}: input/output error`,
        });
        const signal = AbortSignal.abort(new Error("stopped"));
        await assert.rejects(
          writeOutputFile(bytesSource(noise(size)), target, { signal }),
          /^Error: stopped$/,
        );
      }
      assert.deepEqual(fs.readdirSync(folder), ["old.tar"]);
      assert.equal(fs.readFileSync(old, "utf8"), "the old archive");
    }
  });

  it("leaves what was there when it can't be synced, named or put in place", async () => {
    const { folder, old, path } = newFolder();
    const refused = async (target: string) => {
      const work = writeOutputFile(bytesSource(noise(3 * MIB)), target, {});
      await assert.rejects(work, { code: "IO_FAILED" });
      assert.deepEqual(fs.readdirSync(folder), ["old.tar"]);
      assert.equal(fs.readFileSync(old, "utf8"), "the old archive");
    };
    for (const target of [path, old]) {
      {
        using _ = replaceCall("fdatasync", () => (_fd: number, done: (error: Error) => void) => {
          setImmediate(done, systemError("EIO"));
        });
        await refused(target);
      }
    }
    using _ = replaceCall("renameSync", () => () => {
      throw systemError("EIO");
    });
    await refused(old);
  });

  it("tells who may write there", async () => {
    // Sealed against everyone, root too, where the file system can do that.
    const { folder, path } = newFolder();
    using _ = replaceCall("open", () => (...args: unknown[]) => {
      setImmediate(args.at(-1) as (error: Error) => void, systemError("EACCES"));
    });
    await assert.rejects(writeOutputFile(bytesSource(noise(5)), path, {}), {
      code: "STORE_DENIED",
      message: `write ${path}: permission denied`,
    });
    assert.deepEqual(fs.readdirSync(folder), ["old.tar"]);
  });

  describe("where there are no files without a name", () => {
    /** Whether the flags ask for a file without a name. */
    const isUnnamed = (flags: unknown) =>
      typeof flags === "number" && Math.floor(flags / temporaryFileFlag) % 2 === 1;

    const withoutUnnamed = (code: string) =>
      replaceCall("open", (real) => (path: string, flags: number, ...rest: unknown[]) => {
        if (!isUnnamed(flags)) return Reflect.apply(real, fs, [path, flags, ...rest]);
        return setImmediate(rest.at(-1) as (error: Error) => void, systemError(code));
      });

    for (const code of ["EOPNOTSUPP", "EISDIR", "ENOENT", "EINVAL"]) {
      it(`writes beside and renames: ${code}`, async () => {
        for (const size of sizes) {
          const { folder, old, path } = newFolder();
          using _ = withoutUnnamed(code);
          for (const target of [path, old]) {
            await writeOutputFile(piecewise(noise(size), [300_000]), target, {});
            assert.equal(digestOf(fs.readFileSync(target)), digestOf(noise(size)));
            assert.equal(fs.statSync(target).mode % 0o1000, 0o600);
          }
          const failure = failing(noise(size), systemError("ENOSPC"));
          const work = writeOutputFile(failure, old, {});
          await assert.rejects(work, { code: "DISK_FULL" });
          assert.deepEqual(fs.readdirSync(folder).sort(), ["new.tar", "old.tar"]);
        }
      });
    }
  });
});

describe("writeStandardOutput", () => {
  const child = join(import.meta.dirname, "output-child.ts");

  /** Runs a shell line in which `$W` writes noise; gives what was said on standard error. */
  function shell(line: string, size: number, user = ""): string {
    const write = `"$0" --disable-warning=ExperimentalWarning ${child} ${size} ${user}`;
    const { status, stderr } = spawnSync(
      "sh",
      ["-c", line.replaceAll("$W", write), process.execPath],
      {
        encoding: "utf8",
        cwd: files.path("."),
      },
    );
    assert.equal(status, 0, stderr);
    return stderr;
  }

  function assertHolds(name: string, bytes: Buffer): void {
    assert.equal(digestOf(fs.readFileSync(files.path(name))), digestOf(bytes));
  }

  it("writes to a pipe and to a file, and what runs next goes on behind", () => {
    for (const size of [0, 5, 5 * MIB + 3]) {
      assert.equal(shell("$W | cat >piped", size), "done\n");
      assertHolds("piped", noise(size));
      assert.equal(shell("{ $W; echo tail; } >redirected", size), "done\n");
      assertHolds("redirected", Buffer.concat([noise(size), Buffer.from("tail\n")]));
      assert.equal(shell("$W >/dev/null", size), "done\n");
    }
  });

  it("goes on behind what is there", () => {
    for (const size of [5, 5 * MIB + 3]) {
      shell("rm -f appended; { echo head; $W; } >grown; $W >>appended; $W >>appended", size);
      assertHolds("grown", Buffer.concat([Buffer.from("head\n"), noise(size)]));
      assertHolds("appended", Buffer.concat([noise(size), noise(size)]));
    }
  });

  it("writes over a file that the shell did not cut", () => {
    fs.writeFileSync(files.path("kept"), "0123456789");
    shell("$W 1<>kept", 5);
    assertHolds("kept", Buffer.concat([noise(5), Buffer.from("56789")]));
  });

  it("writes to a file that it may not open itself", () => {
    if (process.getuid?.() !== 0) fs.writeFileSync(files.path("closed"), "", { mode: 0o200 });
    fs.chmodSync(files.path("."), 0o755);
    const user = process.getuid?.() === 0 ? "65534" : "";
    assert.equal(shell("umask 077; $W >closed", 5 * MIB, user), "done\n");
    fs.chmodSync(files.path("closed"), 0o600);
    assertHolds("closed", noise(5 * MIB));
  });

  it("tells a full disk", () => {
    for (const size of [5, 5 * MIB]) {
      assert.equal(
        shell("$W >/dev/full", size),
        "DISK_FULL: write standard output: no space left on device\n",
      );
    }
  });

  it("tells a reader that went away", () => {
    assert.equal(
      shell("$W | head -c 10 >/dev/null", 5 * MIB),
      "PIPE_CLOSED: write standard output: broken pipe\n",
    );
  });
});
