// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { mountsBelow } from "../helpers/mounts.ts";
import { openSideBySide, type SideBySide } from "./side-by-side.ts";

describe("an archive that runs where it lies", () => {
  let both: SideBySide;
  const lade = async (line: string) => {
    const { code, stdout, stderr } = await both.lade(line);
    return { code, stdout, stderr };
  };
  before(async () => {
    both = await openSideBySide("box");
    assert.equal((await both.lade("cp ../busybox.tar . && mkdir layout")).code, 0);
    assert.equal((await both.lade("% save -o own.tar box && tar -xf own.tar -C layout")).code, 0);
  });
  after(() => both[Symbol.asyncDispose]());

  it("runs Docker's archive, lade's, and a folder, and stores nothing of them", async () => {
    for (const place of ["./busybox.tar", "./own.tar", "./layout"]) {
      const line = `% run --rm --network none ${place} cat /data/file`;
      const own = line.replace("%", "% --root other");
      assert.deepEqual(await lade(own), { code: 0, stdout: "content\n", stderr: "" }, place);
    }
    assert.equal((await lade("% --root other images -q")).stdout, "");
    const { stdout } = await lade("find other/blobs -type f | wc -l");
    assert.equal(stdout.trim(), "0");
  });

  it("lets `image prune -a` remove what it knows of archives that no container runs from", async () => {
    const count = async () => Number((await lade("find other/archives -type f | wc -l")).stdout);
    const prune = () => lade("% --root other image prune -af");
    assert.ok((await count()) > 0);
    await prune();
    assert.ok((await count()) > 0, "what was used just now may be about to be used");
    assert.equal((await lade("touch -d '2 minutes ago' other/archives/*")).code, 0);
    assert.match((await prune()).stdout, /^Total reclaimed space: [1-9]/);
    assert.equal(await count(), 0);
  });

  it("keeps changes: start again, diff, commit, export", async () => {
    const run = "% run --name kept --network none ./own.tar sh -c";
    assert.equal((await lade(`${run} 'date >> /log; wc -l < /log'`)).stdout, "1\n");
    assert.equal((await lade("% start -a kept")).stdout, "2\n");
    assert.match((await lade("% diff kept")).stdout, /^A \/log$/m);
    assert.match((await lade("% export kept | tar -t")).stdout, /^data\/file$/m);
    assert.equal((await lade("% commit kept kept:1")).code, 0);
    const again = "% run --rm --network none kept:1 sh -c 'wc -l < /log; cat /data/file'";
    assert.equal((await lade(again)).stdout, "2\ncontent\n");
    assert.equal((await lade("% rm kept")).code, 0);
    const left = mountsBelow(readFileSync("/proc/self/mountinfo", "utf8"), both.folder);
    assert.deepEqual(
      left.filter((point) => point.includes("/run/")),
      [],
    );
  });

  it("refuses what changed, what is compressed, and what is no archive", async () => {
    assert.equal((await lade("gzip -k own.tar")).code, 0);
    const refused = async (place: string, text: RegExp) => {
      const { code, stderr } = await lade(`% run --rm --network none ${place} true`);
      assert.equal(code, 125, stderr);
      assert.match(stderr, text);
    };
    await refused("./own.tar.gz", /own\.tar\.gz: can't be run as it lies: it is compressed/);
    await refused("./missing.tar", /no such file or directory/);
    mkdirSync(join(both.folder, "lade", "empty"), { recursive: true });
    await refused("./empty", /empty/);
    writeFileSync(join(both.folder, "lade", "text"), "no archive\n");
    await refused("./text", /text/);
    // One byte in a layer, and everything else as it was.
    assert.equal((await lade("% create --name later --network none ./own.tar true")).code, 0);
    const damage =
      "at=$(grep -abo content own.tar | sed -n 1p | cut -d: -f1) && " +
      "printf X | dd of=own.tar bs=1 seek=$at conv=notrunc status=none";
    assert.equal((await lade(damage)).code, 0);
    await refused("./own.tar", /digest mismatch/);
    const { code, stderr } = await lade("% start later");
    assert.equal(code, 1);
    assert.match(stderr, /digest mismatch/);
    assert.equal((await lade("% rm later")).code, 0);
  });
});
