// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

const projectRoot = join(import.meta.dirname, "..", "..");
const header =
  'import { it } from "node:test"; import { appendFileSync as append } from "node:fs";\n' +
  'import { setTimeout as wait } from "node:timers/promises"; import assert from "node:assert/strict";\n';

describe("scripts/test.ts", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lade-tests-"));
    cpSync(join(projectRoot, "scripts/test.ts"), join(folder, "scripts/test.ts"));
    mkdirSync(join(folder, "test"));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const add = (name: string, text: string) => {
    const path = join(folder, "test", name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, header + text);
  };
  const run = (...args: string[]) => {
    const { NODE_TEST_CONTEXT, ...env } = process.env;
    const script = join(folder, "scripts/test.ts");
    const options = { encoding: "utf8", env } as const;
    const { status, stdout } = spawnSync(process.execPath, [script, ...args], options);
    return { status, stdout };
  };

  it("counts what passes", () => {
    add("one.test.ts", 'it("a", () => {}); it("b", () => {});');
    add("tar/two.test.ts", 'it("c", () => {});');
    const { status, stdout } = run();
    assert.match(stdout, /^ok {3}test\/one\.test\.ts 2 tests/m);
    assert.match(stdout, /^ℹ tests 3\nℹ pass 3\nℹ fail 0$/m);
    assert.equal(status, 0);
  });

  it("runs the files whose paths contain an argument", () => {
    add("one.test.ts", 'it("a", () => assert.fail());');
    add("tar/two.test.ts", 'it("c", () => {});');
    const { status, stdout } = run("test/tar");
    assert.match(stdout, /^ℹ tests 1$/m);
    assert.equal(status, 0);
  });

  it("fails for a test that fails, and shows why, where, and what it printed", () => {
    add("one.test.ts", 'it("a", () => { console.log("noise"); assert.equal(1, 2, "reason"); });');
    const { status, stdout } = run();
    assert.match(stdout, /^FAIL test\/one\.test\.ts:3 a\n.*reason/m);
    assert.match(stdout, /^ {4}noise$/m);
    assert.match(stdout, /^failed:\n {2}test\/one\.test\.ts:3 a$/m);
    assert.match(stdout, /^ℹ fail 1$/m);
    assert.equal(status, 1);
  });

  it("fails for files that die or have no tests", () => {
    add("dies.test.ts", 'it("a", () => process.kill(process.pid, "SIGKILL"));');
    add("empty.test.ts", "");
    add("fine.test.ts", 'it("a", () => {});');
    add("throws.test.ts", 'throw new Error("boom");');
    const { status, stdout } = run();
    assert.match(stdout, /^FAIL test\/dies\.test\.ts was ended by SIGKILL/m);
    assert.match(stdout, /Error: boom/);
    assert.match(stdout, /^ {2}test\/empty\.test\.ts has no tests$/m);
    assert.match(stdout, /^ℹ tests 1\nℹ pass 1\nℹ fail 3$/m);
    assert.equal(status, 1);
  });

  it("fails where nothing runs", () => {
    const { status, stdout } = run("no-such-file");
    assert.match(stdout, /^ {2}no tests ran$/m);
    assert.equal(status, 1);
  });

  it("names what was skipped", () => {
    add("one.test.ts", 'it("a", { skip: "no kernel" }, () => {}); it("b", () => {});');
    const { status, stdout } = run();
    assert.match(stdout, /^skipped:\n {2}test\/one\.test\.ts a$/m);
    assert.equal(status, 0);
  });

  it("runs peers last, one file after the other", () => {
    const log = JSON.stringify(join(folder, "log"));
    const body = (name: string) =>
      `it("a", async () => { append(${log}, "<"); await wait(50); append(${log}, ">${name} "); });`;
    for (const name of ["a", "b"]) add(`peers/${name}.test.ts`, body(name));
    add("z.test.ts", body("z"));
    assert.equal(run().status, 0);
    const { stdout } = spawnSync("cat", [join(folder, "log")], { encoding: "utf8" });
    assert.equal(stdout, "<>z <>a <>b ");
  });
});
