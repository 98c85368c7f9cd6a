// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { LineCutter, parseLogLine, timeNs, utcTime } from "../../src/runtime/log-lines.ts";
import { type ReadLogsOptions, readLogs } from "../../src/runtime/logs.ts";
import { signalProcess, waitForExit } from "../../src/runtime/process.ts";
import { openLab, shell, startBox } from "./box.ts";

const folder = fs.mkdtempSync(join(tmpdir(), "lade-logs-"));
after(() => fs.rmSync(folder, { recursive: true, force: true }));
let files = 0;

function logFile(text: string): string {
  files += 1;
  const path = join(folder, `${files}.log`);
  fs.writeFileSync(path, text);
  return path;
}

async function read(path: string, options: ReadLogsOptions = {}) {
  const records = await Array.fromAsync(readLogs(path, options));
  return records.map(({ stream, bytes, isWhole }) =>
    [stream === "stdout" ? "o" : "e", isWhole ? "" : "+", Buffer.from(bytes).toString()].join(""),
  );
}

const at = (second: number, rest: string) =>
  `2026-01-02T03:04:${String(second).padStart(2, "0")}.123456789+00:00 ${rest}\n`;
const sample =
  at(1, "stdout F one") +
  at(2, "stderr F two") +
  at(3, "stdout P thr") +
  at(4, "stderr F between") +
  at(5, "stdout P e") +
  at(6, "stdout F e") +
  at(7, "stdout F ") +
  at(8, "stderr P end");

describe("parseLogLine", () => {
  it("reads lines and parts of lines", () => {
    for (const [text, want] of [
      ["2026-01-02T03:04:05.123456789+00:00 stdout F a b\n", ["stdout", true, "a b\n"]],
      ["2026-01-02T03:04:05.1Z stderr P a\n", ["stderr", false, "a"]],
      ["2026-01-02T03:04:05+05:30 stdout F \n", ["stdout", true, "\n"]],
    ] as const) {
      const line = parseLogLine(Buffer.from(text));
      assert.deepEqual([line?.stream, line?.isWhole, line?.bytes.toString()], want);
    }
  });

  it("knows what is none", () => {
    for (const text of [
      "\n",
      "x y z w\n",
      "2026-01-02T03:04:05Z stdin F a\n",
      "2026-01-02T03:04\n",
    ]) {
      assert.equal(parseLogLine(Buffer.from(text)), undefined, text);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        parseLogLine(Buffer.from(bytes));
      }),
    );
  });

  it("gives times in UTC", () => {
    for (const [stamp, time] of [
      ["2026-01-02T03:04:05.5Z", "2026-01-02T03:04:05.500000000Z"],
      ["2026-01-01T00:04:05.123456789+00:30", "2025-12-31T23:34:05.123456789Z"],
      ["2026-01-01T23:04:05-03:00", "2026-01-02T02:04:05.000000000Z"],
    ] as const) {
      assert.equal(utcTime(stamp), time);
    }
    assert.equal(timeNs("1970-01-01T00:00:02.000000003Z"), 2_000_000_003n);
  });
});

describe("LineCutter", () => {
  it("gives the same lines however the bytes are cut", () => {
    const bytes = fc.array(fc.constantFrom(10, 97, 98), { maxLength: 60 });
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 9 }), (all, step) => {
        const cutter = new LineCutter();
        const lines: string[] = [];
        for (let from = 0; from < all.length; from += step) {
          const piece = Buffer.from(all.slice(from, from + step));
          for (const line of cutter.cut(piece)) lines.push(line.toString());
        }
        assert.deepEqual(
          lines,
          Buffer.from(all)
            .toString()
            .match(/[^\n]*\n/g) ?? [],
        );
      }),
    );
  });
});

describe("readLogs", () => {
  const all = ["oone\n", "etwo\n", "o+thr", "ebetween\n", "o+e", "oe\n", "o\n", "e+end", "e\n"];

  it("gives all there is, with parts as parts", async () => {
    assert.deepEqual(await read(logFile(sample)), all);
    assert.deepEqual(await read(logFile("")), []);
    assert.deepEqual(await read(join(folder, "none.log")), []);
  });

  it("does not end a line that the process may go on with", async () => {
    const ended = new Promise(() => {});
    assert.deepEqual(await read(logFile(sample), { ended }), all.slice(0, -1));
  });

  it("gives one stream", async () => {
    assert.deepEqual(
      await read(logFile(sample), { stderr: false }),
      all.filter((x) => x[0] === "o"),
    );
    assert.deepEqual(
      await read(logFile(sample), { stdout: false }),
      all.filter((x) => x[0] === "e"),
    );
  });

  it("gives the last lines, each whole", async () => {
    for (const [tail, want] of [
      [0, []],
      [1, all.slice(-2)],
      [2, all.slice(-3)],
      [3, ["o+thr", "o+e", "oe\n", "o\n", "e+end", "e\n"]],
      [4, all.slice(2)],
      [5, all.slice(1)],
      [6, all],
      [100, all],
    ] as const) {
      assert.deepEqual(await read(logFile(sample), { tail }), want, `tail ${tail}`);
    }
  });

  it("finds the last lines over many blocks", async () => {
    const lines = Array.from({ length: 5000 }, (_, index) => `${index} ${"x".repeat(index % 97)}`);
    const path = logFile(lines.map((line) => at(1, `stdout F ${line}`)).join(""));
    for (const tail of [1, 7, 1000, 4999, 5000, 6000]) {
      const want = lines.slice(-tail).map((line) => `o${line}\n`);
      assert.deepEqual(await read(path, { tail }), want);
    }
    const long = logFile(at(1, "stdout F first") + at(2, `stdout F ${"y".repeat(200_000)}`));
    assert.equal((await read(long, { tail: 1 })).length, 1);
    assert.equal((await read(long, { tail: 2 })).length, 2);
  });

  it("is the same from the end as from the start", async () => {
    const part = fc.tuple(
      fc.constantFrom("stdout", "stderr"),
      fc.constantFrom("P", "F"),
      fc.string({ maxLength: 5 }).filter((text) => !text.includes("\n")),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 12 }), async (parts) => {
        const path = logFile(
          parts.map(([stream, tag, text]) => at(1, `${stream} ${tag} ${text}`)).join(""),
        );
        assert.deepEqual(await read(path, { tail: 100 }), await read(path));
      }),
      { numRuns: 30 },
    );
  });

  it("keeps to the times", async () => {
    const second = (value: number) => timeNs(`2026-01-02T03:04:0${value}.000000000Z`);
    const since = await read(logFile(sample), { sinceNs: second(7) });
    assert.deepEqual(since, ["o\n", "e+end", "e\n"]);
    assert.deepEqual(await read(logFile(sample), { untilNs: second(3) }), ["oone\n", "etwo\n"]);
    const both = { sinceNs: second(2), untilNs: second(3) };
    assert.deepEqual(await read(logFile(sample), both), ["etwo\n"]);
  });

  it("passes over what a crash left of a line", async () => {
    const path = logFile(
      `${at(1, "stdout F a")}\0\0\0garbage\n${at(2, "stdout F b")}2026-01-02T03:`,
    );
    assert.deepEqual(await read(path), ["oa\n", "ob\n"]);
    assert.deepEqual(await read(path, { tail: 1 }), ["ob\n"]);
  });

  it("does not follow a link", async () => {
    const path = join(folder, "link.log");
    fs.symlinkSync("/etc/passwd", path);
    await assert.rejects(read(path), { code: "IO_FAILED" });
  });

  it("follows until the end, also to a new file and from none", async () => {
    const path = join(folder, "followed.log");
    const end = Promise.withResolvers<void>();
    const seen: string[] = [];
    const append = (text: string) => fs.appendFileSync(path, text);
    const steps: [string, () => void][] = [
      ["one\n", () => append(at(2, "stdout F two").slice(0, 30))],
      ["two\n", () => fs.writeFileSync(`${path}.tmp`, at(3, "stdout F three"))],
      ["three\n", () => append(at(4, "stdout P four"))],
      ["four", () => end.resolve()],
    ];
    const following = (async () => {
      for await (const { bytes } of readLogs(path, { follow: true, ended: end.promise })) {
        const text = Buffer.from(bytes).toString();
        seen.push(text);
        const step = steps.find(([want]) => want === text);
        step?.[1]();
        if (text === "one\n") append(at(2, "stdout F two").slice(30));
        if (text === "two\n") fs.renameSync(`${path}.tmp`, path);
      }
    })();
    append(at(1, "stdout F one"));
    await following;
    assert.deepEqual(seen, ["one\n", "two\n", "three\n", "four", "\n"]);
  });

  it("stops following when it is aborted, and when the time is over", async () => {
    const ended = new Promise(() => {});
    const options = { follow: true, ended };
    const aborted = read(logFile(sample), { ...options, signal: AbortSignal.timeout(50) });
    assert.deepEqual(await aborted, all.slice(0, -1));
    const untilNs = BigInt(Date.now() + 50) * 1_000_000n;
    assert.deepEqual(await read(logFile(sample), { ...options, untilNs }), all.slice(0, -1));
  });
});

describe("a container's log", () => {
  const lab = openLab();
  after(() => lab[Symbol.asyncDispose]());

  it("has all that was written, and ends with the container", async () => {
    await using box = await startBox(lab, {
      config: { Cmd: shell("seq 1 20000; echo err >&2; sleep 0.2; printf end") },
    });
    const ended = waitForExit(lab.run, box.id);
    const text: Record<string, string> = { stdout: "", stderr: "" };
    for await (const { stream, bytes } of readLogs(box.logPath, { follow: true, ended })) {
      text[stream] += Buffer.from(bytes).toString();
    }
    assert.equal(text.stderr, "err\n");
    assert.equal(text.stdout?.split("\n").length, 20002);
    assert.ok(text.stdout?.endsWith("20000\nend\n"));
  });

  it("has lines of any length whole", async () => {
    await using box = await startBox(lab, {
      config: { Cmd: shell("head -c 100000 /dev/zero | tr '\\0' x; echo; echo last") },
    });
    await waitForExit(lab.run, box.id);
    const records = await Array.fromAsync(readLogs(box.logPath, { tail: 2 }));
    const text = Buffer.concat(records.map(({ bytes }) => bytes)).toString();
    assert.equal(text, `${"x".repeat(100_000)}\nlast\n`);
    assert.ok(records.some(({ isWhole }) => !isWhole));
  });

  it("starts anew at its limit, and is followed on", async () => {
    await using box = await startBox(lab, {
      config: { Cmd: shell("i=0; while :; do i=$((i+1)); echo line $i; sleep 0.002; done") },
      create: { logSize: 4000 },
    });
    let last = 0;
    for await (const { bytes } of readLogs(box.logPath, {
      follow: true,
      ended: waitForExit(lab.run, box.id),
    })) {
      const number = Number(Buffer.from(bytes).toString().split(" ")[1]);
      assert.ok(number > last);
      last = number;
      if (last === 200) await signalProcess(lab.run, box.id, { signal: "KILL" });
    }
    assert.ok(last >= 200);
    assert.ok(fs.statSync(box.logPath).size <= 4000);
  });
});
