// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { removeAll } from "../../src/sys/remove-all.ts";

describe("removeAll", () => {
  it("removes all, whoever removes some of it at the same moment", async () => {
    const place = fs.mkdtempSync(join(tmpdir(), "lade-test-"));
    const folder = join(place, "folder");
    fs.mkdirSync(folder);
    const names = Array.from({ length: 5000 }, (_, index) => join(folder, `file${index}`));
    for (const name of names) fs.writeFileSync(name, "");
    const rival = spawn("rm", ["-rf", ...names]);
    while (fs.existsSync(names[0] as string) && rival.exitCode === null) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    removeAll(folder);
    assert.equal(fs.existsSync(folder), false);
    if (rival.exitCode === null) await once(rival, "exit");
    fs.rmdirSync(place);
  });

  it("is what all of lade uses", () => {
    const src = join(import.meta.dirname, "../../src");
    const users = fs
      .readdirSync(src, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .filter((name) =>
        /\brm(?:Sync)?\(.*recursive/.test(fs.readFileSync(join(src, name), "utf8")),
      );
    assert.deepEqual(users, ["sys/remove-all.ts"]);
  });

  it("removes a link, not what it leads to, and nothing where nothing is", () => {
    const place = fs.mkdtempSync(join(tmpdir(), "lade-test-"));
    const [kept, link] = [join(place, "kept"), join(place, "link")];
    fs.mkdirSync(kept);
    fs.symlinkSync("nowhere", link);
    removeAll(link);
    removeAll(link);
    assert.deepEqual(fs.readdirSync(place), ["kept"]);
    fs.symlinkSync(kept, link);
    removeAll(link);
    assert.deepEqual(fs.readdirSync(place), ["kept"]);
    removeAll(place);
    assert.equal(fs.existsSync(place), false);
  });
});
