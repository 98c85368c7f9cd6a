// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { after, before, describe, it } from "node:test";
import { bytesSource } from "../../src/base/bytes.ts";
import { writeBlob } from "../../src/content/blob-writer.ts";
import {
  copyToFile,
  copyToStream,
  type NewFile,
  namedFile,
} from "../../src/content/file-writer.ts";
import { digestOf } from "../../src/spec/digest.ts";
import { type Scratch, scratch } from "../fixtures/outside-tools.ts";
import { failing, noise, piecewise } from "../helpers/bytes.ts";
import { replaceCall, systemError } from "../helpers/system-calls.ts";

const MIB = 1024 * 1024;
const chunk = 2 * MIB;
const sizes = [
  ...[0, 1, 511, 4095, 4096, 4097, chunk - 4096, chunk - 1, chunk, chunk + 1, chunk + 4096],
  ...[2 * chunk - 1, 2 * chunk, 4 * chunk, 4 * chunk + 5, 5 * chunk + 4095],
];
const content = noise(5 * chunk + 4095);

let files: Scratch;
before(() => {
  files = scratch();
});
after(() => files.close());

let count = 0;
const newPath = () => files.path(`file-${count++}`);

function assertHolds(path: string, bytes: Buffer): void {
  assert.equal(digestOf(fs.readFileSync(path)), digestOf(bytes));
}

describe("writeBlob", () => {
  it("writes and hashes files of any size, however they come", async () => {
    for (const size of sizes) {
      const bytes = content.subarray(0, size);
      for (const source of [
        bytesSource(bytes),
        piecewise(bytes, [MIB, 4096, 700_001]),
        piecewise(bytes, [chunk]),
      ]) {
        const path = newPath();
        const seen: number[] = [];
        const blob = await writeBlob(source, path, { onProgress: (done) => seen.push(done) });
        assert.deepEqual(blob, { digest: digestOf(bytes), size });
        assertHolds(path, bytes);
        assert.equal(fs.statSync(path).mode % 0o1000, 0o444);
        assert.equal(seen.at(-1), size);
        fs.rmSync(path);
      }
    }
  });

  it("shows every chunk once, in order, before its place is used again", async () => {
    const seen: Buffer[] = [];
    await writeBlob(piecewise(content, [999_999]), newPath(), {
      onChunk: (part) => seen.push(Buffer.from(part)),
    });
    assert.ok(Buffer.concat(seen).equals(content));
  });

  it("never writes into a file that is there", async () => {
    const path = files.write("there", Buffer.from("kept"));
    for (const size of [1, 3 * chunk]) {
      await assert.rejects(writeBlob(bytesSource(content.subarray(0, size)), path), {
        code: "EEXIST",
      });
    }
    assert.equal(fs.readFileSync(path, "utf8"), "kept");
  });

  it("writes two files at the same time", async () => {
    const paths = [newPath(), newPath(), newPath()];
    const parts = [content, content.subarray(77), content.subarray(chunk)];
    const blobs = await Promise.all(
      paths.map((path, index) => writeBlob(piecewise(parts[index] as Buffer, [333_333]), path)),
    );
    for (const [index, bytes] of parts.entries()) {
      assert.equal(blobs[index]?.digest, digestOf(bytes));
      assertHolds(paths[index] as string, bytes);
    }
  });

  it("fails as its source fails, and leaves no descriptor open", async () => {
    const open = () => fs.readdirSync("/proc/self/fd").length;
    const before = open();
    for (const size of [0, 10, chunk, 3 * chunk]) {
      const source = failing(content.subarray(0, size), new Error("the source broke"));
      await assert.rejects(writeBlob(source, newPath()), /the source broke/);
    }
    assert.equal(open(), before);
  });

  it("stops when it is told to", async () => {
    const controller = new AbortController();
    const work = writeBlob(piecewise(content, [100_000]), newPath(), {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error("enough")),
    });
    await assert.rejects(work, /enough/);
    await assert.rejects(
      writeBlob(bytesSource(content), newPath(), { signal: AbortSignal.abort(new Error("never")) }),
      /never/,
    );
  });
});

describe("copyToFile without O_DIRECT", () => {
  /** Opens as `namedFile` does, and counts. */
  function counted(path: string): NewFile & { opened: number[]; reopened: number } {
    const named = namedFile(path, 0o644);
    return {
      opened: [],
      reopened: 0,
      open(flags) {
        this.opened.push(flags);
        return named.open(flags);
      },
      reopen(fd) {
        this.reopened++;
        return named.reopen(fd);
      },
    };
  }

  async function copied(target: NewFile, path: string, bytes: Buffer): Promise<void> {
    const { fd, size } = await copyToFile(piecewise(bytes, [1_000_000]), target);
    fs.closeSync(fd);
    assert.equal(size, bytes.length);
    assertHolds(path, bytes);
    fs.rmSync(path);
  }

  it("asks for it only where a whole chunk is to be written", async () => {
    for (const size of sizes) {
      const path = newPath();
      const target = counted(path);
      await copied(target, path, content.subarray(0, size));
      const wanted = size >= chunk ? fs.constants.O_DIRECT : 0;
      assert.equal(target.opened[0], wanted, `${size} bytes`);
    }
  });

  it("goes on where opening with it is refused", async () => {
    for (const size of sizes) {
      const path = newPath();
      const target = counted(path);
      const open = target.open.bind(target);
      target.open = (flags) => (flags === 0 ? open(flags) : Promise.reject(systemError("EINVAL")));
      await copied(target, path, content.subarray(0, size));
    }
  });

  it("goes on where the file was made before the flag was refused", async () => {
    using _ = replaceCall("open", (real) => (path: string, flags: number, ...rest: unknown[]) => {
      const isDirect = Math.floor(flags / fs.constants.O_DIRECT) % 2 === 1;
      const done = rest.at(-1) as (error: Error | null, fd?: number) => void;
      if (!isDirect) return Reflect.apply(real, fs, [path, flags, ...rest]);
      fs.writeFileSync(path, "");
      return done(systemError("EINVAL"));
    });
    const path = newPath();
    await copied(namedFile(path, 0o644), path, content);
  });

  it("goes on where only writing is refused, from any chunk on", async () => {
    for (const size of sizes.filter((one) => one >= chunk)) {
      for (const refusedFrom of [0, 1, 3]) {
        const path = newPath();
        const target = counted(path);
        const direct = new Set<number>();
        const open = target.open.bind(target);
        target.open = async (flags) => {
          const fd = await open(flags);
          if (flags !== 0) direct.add(fd);
          return fd;
        };
        let writes = 0;
        using _ = replaceCall("write", (real) => (fd: number, ...rest: unknown[]) => {
          const isRefused = direct.has(fd) && writes++ >= refusedFrom;
          if (!isRefused) return Reflect.apply(real, fs, [fd, ...rest]);
          const done = rest.at(-1) as (error: Error) => void;
          return setImmediate(done, systemError("EINVAL"));
        });
        await copied(target, path, content.subarray(0, size));
        assert.ok(target.reopened <= 1);
      }
    }
  });

  it("goes on after short writes and EAGAIN", async () => {
    let turn = 0;
    using _ = replaceCall(
      "write",
      (real) =>
        (
          fd: number,
          bytes: Buffer,
          at: number,
          length: number,
          position: unknown,
          done: unknown,
        ) => {
          if (turn++ % 3 === 0) {
            return setImmediate(done as (error: Error) => void, systemError("EAGAIN"));
          }
          // Whole units, as the kernel does it for O_DIRECT.
          const part = turn % 3 === 1 ? length : Math.ceil(length / 2 / 4096) * 4096;
          const size = Math.min(length, part);
          return Reflect.apply(real, fs, [fd, bytes, at, size, position, done]);
        },
    );
    for (const size of [1, 5000, chunk, chunk + 1, 3 * chunk + 100]) {
      const path = newPath();
      await copied(namedFile(path, 0o644), path, content.subarray(0, size));
    }
  });

  it("fails for another error of a write, after all writes have ended", async () => {
    for (const failAt of [0, 1, 2, 3]) {
      let writes = 0;
      let running = 0;
      using _ = replaceCall("write", (real) => (...args: unknown[]) => {
        const done = args.at(-1) as (error: Error | null, count?: number) => void;
        running++;
        const ended = (error: Error | null, size?: number) => {
          running--;
          done(error, size);
        };
        if (writes++ === failAt) return setImmediate(ended, systemError("ENOSPC"));
        return Reflect.apply(real, fs, [...args.slice(0, -1), ended]);
      });
      const work = copyToFile(bytesSource(content), namedFile(newPath(), 0o644));
      await assert.rejects(work, { code: "ENOSPC" });
      assert.equal(running, 0);
    }
  });

  it("fails where syncing fails: nobody may believe in such a file", async () => {
    using _ = replaceCall("fdatasync", () => (_fd: number, done: (error: Error) => void) => {
      setImmediate(done, systemError("EIO"));
    });
    await assert.rejects(writeBlob(bytesSource(content), newPath()), { code: "EIO" });
  });
});

describe("copyToStream", () => {
  it("writes in order from wherever the descriptor is", async () => {
    for (const size of sizes) {
      const path = files.write("stream", Buffer.from("before "));
      const fd = fs.openSync(path, "a");
      const bytes = content.subarray(0, size);
      assert.equal(await copyToStream(piecewise(bytes, [123_456]), fd), size);
      fs.closeSync(fd);
      assertHolds(path, Buffer.concat([Buffer.from("before "), bytes]));
    }
  });

  it("fails as its source fails", async () => {
    const fd = fs.openSync(newPath(), "w");
    const source = failing(content, new Error("the source broke"));
    await assert.rejects(copyToStream(source, fd), /the source broke/);
    fs.closeSync(fd);
  });
});
