// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { attachTo, resizeProcess } from "../../src/runtime/attach.ts";
import { readExit, signalProcess, startProcess, waitForExit } from "../../src/runtime/process.ts";
import type { AttachOptions } from "../../src/runtime/types.ts";
import { type Box, collector, createBox, openLab, runBox, shell, startBox } from "./box.ts";

const lab = openLab();
after(() => lab[Symbol.asyncDispose]());

async function* input(...chunks: readonly (string | Promise<unknown>)[]) {
  for (const chunk of chunks) {
    if (typeof chunk === "string") yield Buffer.from(chunk);
    else await chunk;
  }
}

const never = new Promise(() => {});

function attach(box: Box, options: AttachOptions, hasTerminal = false) {
  return attachTo(lab.run, box.id, options, { hasTerminal });
}

/** Collects output, and tells when it has a text in it. */
function watcher() {
  const output = collector();
  const waiting: { text: string; resolve: () => void }[] = [];
  return {
    ...output,
    stdout(chunk: Uint8Array) {
      output.stdout(chunk);
      for (const { text, resolve } of waiting) if (output.out().includes(text)) resolve();
    },
    saw(text: string): Promise<void> {
      if (output.out().includes(text)) return Promise.resolve();
      return new Promise((resolve) => waiting.push({ text, resolve }));
    },
  };
}

describe("an attached container without a terminal", () => {
  it("gets input, and its end", async () => {
    const result = await runBox(lab, shell("cat; echo end"), {
      stdin: "once",
      attach: { stdin: input("one\n", "two\n") },
    });
    assert.deepEqual(result, { code: 0, out: "one\ntwo\nend\n", err: "" });
  });

  it("gets input larger than a message, unchanged", async () => {
    const size = 3_000_000;
    const { out } = await runBox(lab, ["md5sum"], {
      stdin: "once",
      attach: { stdin: input("x".repeat(size)) },
    });
    const { out: want } = await runBox(
      lab,
      shell(`head -c ${size} /dev/zero | tr '\\0' x | md5sum`),
    );
    assert.equal(out, want);
  });

  it("loses nothing of much output, however slow the reader is", async () => {
    let size = 0;
    let last = 0;
    const { code } = await runBox(lab, shell("seq 1 300000"), {
      attach: {
        async stdout(chunk) {
          size += chunk.length;
          last = chunk.at(-2) ?? 0;
          if (size < 200_000) await new Promise((resolve) => setTimeout(resolve, 5));
        },
      },
    });
    assert.equal(code, 0);
    assert.equal(size, 1_988_895);
    assert.equal(last, 0x30);
  });

  it("ends although it never reads its input", async () => {
    const result = await runBox(lab, shell("seq 1 1000 | tail -1"), {
      stdin: "once",
      attach: { stdin: input("x".repeat(500_000), never) },
    });
    assert.deepEqual(result, { code: 0, out: "1000\n", err: "" });
  });

  it("closes its input when the first who is attached leaves, where asked for", async () => {
    await using box = await startBox(lab, { config: { Cmd: shell("cat; exit 6") }, stdin: "once" });
    const first = attach(box, { stdin: input("x", never) });
    first.detach();
    assert.equal(await first.ended, "detached");
    assert.equal(await waitForExit(lab.run, box.id), 6);
  });

  it("keeps its input open, where asked for", async () => {
    await using box = await startBox(lab, {
      config: { Cmd: shell("read a; read b; echo $a $b") },
      stdin: "open",
    });
    await using _first = attach(box, { stdin: input("one\n") });
    const output = watcher();
    const second = attach(box, { stdout: output.stdout, stdin: input("two\n") });
    assert.equal(await second.ended, "closed");
    assert.equal(output.out(), "one two\n");
  });

  it("is shown to who sends nothing, whose leaving ends no input", async () => {
    const options = { config: { Cmd: shell("cat; exit 5") }, stdin: "once" } as const;
    await using box = await startBox(lab, options);
    const output = watcher();
    const first = attach(box, { stdin: input("one\n", never), stdout: output.stdout });
    await output.saw("one");
    const looking = watcher();
    const second = attach(box, { stdout: looking.stdout });
    const third = attach(box, {});
    third.detach();
    assert.equal(await third.ended, "detached");
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(readExit(lab.run, box.id), undefined);
    attach(box, { stdin: input("two", never) });
    await looking.saw("two");
    first.detach();
    assert.equal(await second.ended, "closed");
    assert.equal(await waitForExit(lab.run, box.id), 5);
    assert.equal(looking.out(), "two");
  });

  it("is shown to many at once", async () => {
    await using box = await createBox(lab, { config: { Cmd: shell("seq 1 2000; echo e >&2") } });
    const all = Array.from({ length: 8 }, () => {
      const output = collector();
      const { ended } = attach(box, { stdout: output.stdout, stderr: output.stderr });
      return { output, ended };
    });
    // The monitor lets them in one by one.
    await new Promise((resolve) => setTimeout(resolve, 200));
    await startProcess(lab.run, box.id);
    for (const { output, ended } of all) {
      assert.equal(await ended, "closed");
      assert.equal(output.out().split("\n").length, 2001);
      assert.equal(output.err(), "e\n");
    }
  });

  it("fails with the error of a reader", async () => {
    await using box = await createBox(lab, { config: { Cmd: ["echo", "x"] } });
    const { ended } = attach(box, {
      stdout() {
        throw new RangeError("no");
      },
    });
    const failed = assert.rejects(ended, RangeError);
    await startProcess(lab.run, box.id);
    await failed;
  });

  it("can't be attached to when it has ended", async () => {
    await using box = await startBox(lab, { config: { Cmd: ["true"] } });
    await waitForExit(lab.run, box.id);
    assert.throws(() => attach(box, {}), { code: "CONTAINER_NOT_RUNNING" });
  });
});

describe("an attached container with a terminal", () => {
  const config = { Tty: true };

  it("has both streams in one, with the terminal's ends of lines", async () => {
    const result = await runBox(lab, shell("tty; echo e >&2"), { config });
    assert.deepEqual(result, { code: 0, out: "/dev/pts/0\r\ne\r\n", err: "" });
  });

  it("has the size that it starts with, and the one that it is given later", async () => {
    const host = { ConsoleSize: [30, 90] as const };
    await using box = await createBox(lab, {
      config: { ...config, Cmd: shell("while :; do stty size; sleep 0.05; done") },
      host,
      stdin: "open",
    });
    const output = watcher();
    const attachment = attach(box, { stdout: output.stdout, stdin: input(never) }, true);
    await startProcess(lab.run, box.id);
    await output.saw("30 90");
    attachment.resize({ rows: 41, columns: 101 });
    await output.saw("41 101");
    resizeProcess(lab.run, box.id, { rows: 42, columns: 102 });
    await output.saw("42 102");
    await signalProcess(lab.run, box.id, { signal: "KILL" });
    assert.equal(await attachment.ended, "closed");
    resizeProcess(lab.run, box.id, { rows: 1, columns: 1 });
  });

  it("is left by keys, and goes on", async () => {
    await using box = await startBox(lab, {
      config: { ...config, Cmd: shell("read a; read b; echo =$a$b=") },
      stdin: "open",
    });
    const first = attach(box, { stdin: input("one\n\u0010", "\u0011more\n") }, true);
    assert.equal(await first.ended, "detached");
    const output = watcher();
    const second = attach(box, { stdout: output.stdout, stdin: input("two\n", never) }, true);
    assert.equal(await second.ended, "closed");
    assert.match(output.out(), /=onetwo=/);
    assert.equal(await waitForExit(lab.run, box.id), 0);
  });

  it("takes other keys, and refuses what is none", async () => {
    await using box = await startBox(lab, {
      config: { ...config, Cmd: ["sleep", "60"] },
      stdin: "open",
    });
    const left = attach(box, { detachKeys: "ctrl-x,q", stdin: input("\u0018q", never) }, true);
    assert.equal(await left.ended, "detached");
    assert.throws(() => attach(box, { detachKeys: "ctrl-#" }, true), { code: "CONTAINER_INVALID" });
  });

  it("gets keys such as Ctrl-C as signals", async () => {
    const script = "trap 'exit 9' INT; echo ready; while :; do sleep 0.05; done";
    await using box = await createBox(lab, {
      config: { ...config, Cmd: shell(script) },
      stdin: "open",
    });
    const output = watcher();
    attach(box, { stdout: output.stdout, stdin: input(output.saw("ready"), "\u0003") }, true);
    await startProcess(lab.run, box.id);
    assert.equal(await waitForExit(lab.run, box.id), 9);
  });
});
