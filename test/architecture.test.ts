// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { checkArchitecture, rooms } from "../scripts/architecture.ts";

const root = join(import.meta.dirname, "..");
const spdx = "// SPDX-License-Identifier: Apache-2.0\n";

function readProject(): Map<string, string> {
  const files = ["src", "bin", "test", "scripts", "bench"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(?:ts|mjs)$/.test(name))
      .map((name) => join(folder, name)),
  );
  return new Map(files.map((path) => [path, readFileSync(join(root, path), "utf8")]));
}

/** What the checker says about one planted file. */
function check(path: string, text: string): string[] {
  return checkArchitecture(new Map([[path, spdx + text]]));
}

describe("architecture", () => {
  it("holds in the project", () => {
    const files = readProject();
    assert.ok(files.has("src/base/errors.ts"));
    assert.deepEqual(checkArchitecture(files), []);
  });

  it("is what ARCHITECTURE.md says", () => {
    const text = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");
    const table = [...text.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
    assert.deepEqual(table, rooms);
  });
});

describe("checkArchitecture", () => {
  it("finds imports that go the wrong way, of every form", () => {
    for (const [line, target] of [
      ['import { run } from "../engine/run.ts";', "src/engine/run.ts"],
      ['import type { Run } from "../engine/run.ts";', "src/engine/run.ts"],
      ['import {\n  run,\n  type Run,\n} from "../engine/run.ts";', "src/engine/run.ts"],
      ['export { run } from "../engine/run.ts";', "src/engine/run.ts"],
      ['export * from "../engine/run.ts";', "src/engine/run.ts"],
      ['import "../engine/run.ts";', "src/engine/run.ts"],
      ['const run = await import("../engine/run.ts");', "src/engine/run.ts"],
      ['type Run = import("../engine/run.ts").Run;', "src/engine/run.ts"],
      ['new URL("../engine/run-worker.ts", import.meta.url);', "src/engine/run-worker.ts"],
    ] as const) {
      const want = [`src/tar/header.ts: imports ${target}, but engine comes after tar`];
      assert.deepEqual(check("src/tar/header.ts", line), want, line);
    }
  });

  it("lets imports go the right way", () => {
    const lines = [
      'import { a } from "./entry.ts";',
      'import { b } from "../base/errors.ts";',
      'import { createHash } from "node:crypto";',
      'import * as v from "valibot";',
      '// import { run } from "../engine/run.ts";',
      '/**\n * import { run } from "../engine/run.ts"; process.exit(); console.log()\n */',
    ];
    assert.deepEqual(check("src/tar/header.ts", lines.join("\n")), []);
  });

  it("finds imports from outside src", () => {
    const text = 'import { bundle } from "../../scripts/build.ts";';
    assert.deepEqual(check("src/cli/main.ts", text), [
      "src/cli/main.ts: imports scripts/build.ts, outside src",
    ]);
  });

  it("keeps pure rooms pure", () => {
    for (const name of ["fs", "fs/promises", "net", "child_process", "worker_threads", "stream"]) {
      const text = `import { x } from "node:${name}";`;
      for (const room of ["base", "spec", "tar", "erofs"]) {
        assert.deepEqual(check(`src/${room}/x.ts`, text), [
          `src/${room}/x.ts: imports node:${name}, but ${room} is pure`,
        ]);
      }
      assert.deepEqual(check("src/content/x.ts", text), []);
    }
  });

  it("keeps node:ffi in sys", () => {
    const text = 'const { dlopen } = await import("node:ffi");';
    assert.deepEqual(check("src/sys/calls.ts", text), []);
    assert.deepEqual(check("src/rootfs/mount.ts", text), [
      "src/rootfs/mount.ts: imports node:ffi, which only sys may",
    ]);
  });

  it("finds exits, the console and hidden imports", () => {
    for (const [text, message] of [
      ["process.exit(1);", "exits"],
      ["process.exitCode = 1;", "exits"],
      ['import { argv, exit } from "node:process";\nexit(argv.length);', "exits"],
      ['console.error("x");', "writes to the console"],
      ["process.getBuiltinModule(name);", "loads a module"],
      ['import { createRequire } from "node:module";\ncreateRequire("/");', "loads a module"],
    ] as const) {
      const found = check("src/cli/main.ts", text);
      assert.equal(found.length, 1, text);
      assert.ok(found.join().startsWith(`src/cli/main.ts: ${message}`), found.join());
      assert.deepEqual(check("bin/main.ts", text), []);
    }
    assert.deepEqual(check("src/tar/x.ts", 'process.getBuiltinModule("node:fs");'), [
      "src/tar/x.ts: imports node:fs, but tar is pure",
    ]);
  });

  it("finds files in no room", () => {
    assert.deepEqual(check("src/utils/x.ts", ""), ["src/utils/x.ts: is in no room"]);
    assert.deepEqual(check("src/x.ts", ""), ["src/x.ts: is in no room"]);
  });

  it("finds files without a licence line", () => {
    const files = new Map([["scripts/x.ts", "export {};\n"]]);
    assert.deepEqual(checkArchitecture(files), ["scripts/x.ts: does not start with its SPDX line"]);
  });

  it("finds long files without a reason", () => {
    const long = "export {};\n".repeat(400);
    assert.deepEqual(check("test/x.test.ts", long), [
      'test/x.test.ts: has 401 lines and no "// Long because" in its header',
    ]);
    assert.deepEqual(check("test/x.test.ts", `// Long because it is a table.\n${long}`), []);
    assert.deepEqual(check("test/x.test.ts", "export {};\n".repeat(399)), []);
  });
});
