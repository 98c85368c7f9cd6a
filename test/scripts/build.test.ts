// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { bundle } from "../../scripts/build.ts";

const projectRoot = join(import.meta.dirname, "..", "..");

/** A small program with everything that is hard to bundle: a thread, lazy modules, WebAssembly. */
const sources: Readonly<Record<string, string>> = {
  "bin/main.ts": `
    import { version, gitCommit } from "../src/base/version.ts";
    import { sum } from "../src/base/sum.ts";
    const [command, text = ""] = process.argv.slice(2);
    if (command === "version") console.log(version, gitCommit);
    else if (command === "sum") console.log(sum(text));
    else if (command === "loaded") console.log(process.moduleLoadList.includes("NativeModule crypto"));
    else if (command === "thread") console.log(await (await import("../src/spec/thread.ts")).inThread(text));
    else console.log(await (await import("../src/spec/unpack.ts")).unpack(command ?? "", text));`,
  "src/base/sum.ts": `
    import { createHash } from "node:crypto";
    export const sum = (text: string) => createHash("sha256").update(text).digest("hex");`,
  "src/spec/thread.ts": `
    import { Worker } from "node:worker_threads";
    const file = import.meta.url.endsWith(".ts") ? "./sum-worker.ts" : "./sum-worker.js";
    export const inThread = (text: string) => new Promise((resolve, reject) => {
      const worker = new Worker(new URL(file, import.meta.url), { workerData: text });
      worker.on("message", resolve).on("error", reject);
    });`,
  "src/spec/sum-worker.ts": `
    import { parentPort, workerData } from "node:worker_threads";
    import { sum } from "../base/sum.ts";
    parentPort?.postMessage(sum(workerData));`,
  "src/spec/unpack.ts": `
    import { createReadStream } from "node:fs";
    import { PassThrough, Readable } from "node:stream";
    import { text } from "node:stream/consumers";
    import unbzip2 from "unbzip2-stream";
    import { XzReadableStream } from "xz-decompress";
    export async function unpack(kind: string, path: string) {
      const input = createReadStream(path);
      return kind === "xz" ? text(new XzReadableStream(Readable.toWeb(input))) : text(input.pipe(unbzip2()).pipe(new PassThrough()));
    }`,
};

describe("build", () => {
  let folder = "";
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "lade-build-"));
    for (const [name, text] of Object.entries(sources)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    cpSync(join(projectRoot, "src/base/version.ts"), join(folder, "src/base/version.ts"));
    cpSync(join(projectRoot, "bin/lade"), join(folder, "bin/lade"));
    symlinkSync(join(projectRoot, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "package.json"), '{ "version": "1.2.3", "type": "module" }');
    await bundle({ root: folder, outDir: join(folder, "dist"), gitCommit: "abc123" });
  });
  after(() => rmSync(folder, { recursive: true }));

  const lade = (...args: string[]): string =>
    execFileSync(join(folder, "bin/lade"), args, { encoding: "utf8" }).trim();
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  it("puts version and commit in", () => {
    assert.equal(lade("version"), "1.2.3 abc123");
  });

  it("loads Node's modules on first use", () => {
    assert.equal(lade("loaded"), "false");
    assert.equal(lade("sum", "abc"), abc);
  });

  it("finds the thread's file", () => {
    assert.equal(lade("thread", "abc"), abc);
  });

  it("runs with nothing but dist, WebAssembly and streams included", () => {
    const alone = join(folder, "alone");
    cpSync(join(folder, "dist"), alone, { recursive: true });
    for (const [kind, program] of [
      ["xz", "xz"],
      ["bz2", "bzip2"],
    ] as const) {
      const packed = join(folder, `text.${kind}`);
      writeFileSync(packed, execFileSync(program, ["-c"], { input: "a text\n" }));
      const output = execFileSync(process.execPath, [join(alone, "start.cjs"), kind, packed]);
      assert.equal(output.toString(), "a text\n\n", kind);
    }
    assert.match(readFileSync(join(alone, "licences.txt"), "utf8"), /^unbzip2-stream \(MIT\)$/m);
  });

  it("keeps V8's code cache, in the user's folder where it can't write to dist", () => {
    lade("version");
    assert.equal(readdirSync(join(folder, "dist/.cache")).length, 1);
    assert.equal(process.getuid?.(), 0, "this test needs root");
    const home = join(folder, "home");
    mkdirSync(home);
    chmodSync(folder, 0o755);
    for (const uid of [65_534, 0]) {
      chownSync(home, uid, uid);
      const env = { ...process.env, HOME: home };
      const options = { encoding: "utf8", env, uid, gid: uid } as const;
      assert.equal(
        execFileSync(join(folder, "bin/lade"), ["version"], options).trim(),
        "1.2.3 abc123",
      );
      assert.ok(existsSync(join(home, ".cache/lade")) === (uid !== 0));
      rmSync(join(home, ".cache"), { recursive: true, force: true });
    }
  });

  it("starts from any folder and through symlinks", () => {
    symlinkSync("bin", join(folder, "tools"));
    symlinkSync("../bin/lade", join(folder, "dist/relative"));
    symlinkSync(join(folder, "dist/relative"), join(folder, "absolute"));
    const run = (command: string, cwd: string) =>
      execFileSync("sh", ["-c", `${command} version`], {
        cwd,
        encoding: "utf8",
        env: { ...process.env, PATH: `${join(folder, "tools")}:${process.env.PATH}` },
      }).trim();
    assert.equal(run("lade", "/"), "1.2.3 abc123");
    assert.equal(run("./lade", join(folder, "bin")), "1.2.3 abc123");
    assert.equal(run("sh lade", join(folder, "bin")), "1.2.3 abc123");
    assert.equal(run("../absolute", join(folder, "src")), "1.2.3 abc123");
  });

  it("says what to do where it is not built", () => {
    const bare = join(folder, "bare");
    mkdirSync(join(bare, "bin"), { recursive: true });
    cpSync(join(folder, "bin/lade"), join(bare, "bin/lade"));
    const { status, stderr } = spawnSync(join(bare, "bin/lade"), [], { encoding: "utf8" });
    assert.equal(stderr, `lade: not built yet: run \`npm run setup\` in ${bare}\n`);
    assert.equal(status, 125);
  });

  it("refuses a Node that is too old", () => {
    const old = join(folder, "old");
    mkdirSync(join(old, "bin"), { recursive: true });
    cpSync(join(folder, "bin/lade"), join(old, "bin/lade"));
    cpSync(join(folder, "dist"), join(old, "dist"), { recursive: true });
    for (const [version, accepted] of [
      ["v20.20.2", false],
      ["v26.9.0", false],
      ["v26.10.0", true],
      ["v27.0.1", true],
    ] as const) {
      const script = `#!/bin/sh\ncase $1 in --version) echo ${version} ;; *) echo ran ;; esac\n`;
      writeFileSync(join(old, "node"), script, { mode: 0o755 });
      const env = { PATH: `${old}:/usr/bin:/bin` };
      const { status, stderr, stdout } = spawnSync(join(old, "bin/lade"), [], {
        encoding: "utf8",
        env,
      });
      assert.equal(status, accepted ? 0 : 125, version);
      assert.equal(stdout, accepted ? "ran\n" : "", version);
      assert.equal(stderr.includes("needs Node 26.10"), !accepted, version);
    }
  });

  it("deletes files of earlier builds", async () => {
    const outDir = join(folder, "again");
    mkdirSync(join(outDir, "old"), { recursive: true });
    writeFileSync(join(outDir, "main-OLD.js"), "");
    const names = await bundle({ root: folder, outDir, gitCommit: "abc123" });
    assert.deepEqual(readdirSync(outDir).sort(), names);
  });

  it("gives the same bytes each time", async () => {
    const builds = await Promise.all(
      ["one", "two"].map(async (name) => {
        const outDir = join(folder, name);
        const names = await bundle({ root: projectRoot, outDir, gitCommit: "abc123" });
        return names.map((file) => [file, readFileSync(join(outDir, file), "hex")]);
      }),
    );
    assert.ok(existsSync(join(folder, "one/main.js")));
    assert.deepEqual(builds[0], builds[1]);
  });
});
