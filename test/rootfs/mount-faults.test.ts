// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { mountRootfs, sweepMounts, unmountRootfs } from "../../src/rootfs/rootfs.ts";
import { file } from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { requireTool, run, runOrThrow } from "../helpers/tools.ts";
import { assertClean, childPlan, openRootfsLab, type RootfsLab } from "./mount-lab.ts";

const child = join(import.meta.dirname, "mount-child.ts");

/** Layers of one file each. */
function makeLayers(lab: RootfsLab, names: readonly string[]) {
  return names.map((name) => lab.layer(tar([file(name, name)])));
}

function writePlan(lab: RootfsLab, id: string, names: readonly string[], all = names): string {
  const layers = makeLayers(lab, all).filter((_, index) => names.includes(all[index] as string));
  const path = join(lab.folder, `${id}.json`);
  fs.writeFileSync(path, JSON.stringify(childPlan(lab, lab.plan(id, layers), names)));
  return path;
}

describe("mounts of many processes", () => {
  it("are shared by 50 at once and all gone after them", async () => {
    using lab = openRootfsLab();
    const names = ["a", "b", "c", "d", "e", "f"];
    const plans = Array.from({ length: 50 }, (_, index) => {
      const used = names.filter((_, at) => at === 0 || (index >> (at - 1)) % 2 === 1);
      return writePlan(lab, `c${index}`, used);
    });
    const ends = await Promise.all(
      plans.map((plan) => run(process.execPath, [child, plan, "4"], { timeoutMs: 120_000 })),
    );
    assert.deepEqual(
      ends.filter(({ code }) => code !== 0),
      [],
    );
    assertClean(lab);
  });
});

/** Has strace kill the child at its nth call of one kind; undefined where it made fewer. */
async function killAt(call: string, nth: number, plan: string): Promise<boolean> {
  const strace = requireTool("strace", "strace");
  const options = ["-f", "-o", "/dev/null", "-e", `trace=${call}`];
  const inject = ["-e", `inject=${call}:signal=KILL:when=${nth}`];
  const words = [...options, ...inject, process.execPath, child, plan];
  const { code, stderr } = await run(strace, words, { timeoutMs: 60_000 });
  assert.ok(code === 0 || code === 137, stderr);
  return code === 137;
}

describe("kill -9 while mounts are made or taken away", () => {
  for (const call of ["mount", "fsmount", "move_mount", "umount2", "mkdir", "rmdir", "unlink"]) {
    it(`at each ${call}`, async (test) => {
      using lab = openRootfsLab();
      const other = mountRootfs(lab.run, lab.plan("other", makeLayers(lab, ["a"])));
      const layers = makeLayers(lab, ["a", "b"]);
      const plan = writePlan(lab, "c", ["a", "b"]);
      let nth = 1;
      for (; await killAt(call, nth, plan); nth++) {
        // Either the next command goes on where it was, or the next sweep cleans up.
        if (nth % 2 === 0) {
          const root = mountRootfs(lab.run, lab.plan("c", layers));
          assert.deepEqual(fs.readdirSync(root), ["a", "b"]);
          unmountRootfs(lab.run, "c");
        }
        sweepMounts(lab.run, (id) => id === "other");
        assert.deepEqual(fs.readdirSync(lab.run.containers), ["other"]);
        assert.equal(fs.readdirSync(lab.run.layers).length, 1);
        assert.deepEqual(fs.readdirSync(other), ["a"]);
      }
      test.diagnostic(`${nth - 1} kills`);
      assert.ok(nth > 1, "the call was never made");
      unmountRootfs(lab.run, "other");
      assertClean(lab);
    });
  }

  it("finds a run root of any state harmless", async () => {
    using lab = openRootfsLab();
    const plan = writePlan(lab, "c", ["a"]);
    mountRootfs(lab.run, lab.plan("c", makeLayers(lab, ["a"])));
    // As if all of it had been thrown away while it was mounted.
    fs.rmSync(lab.run.layerUsers, { recursive: true });
    fs.rmSync(join(lab.run.root, "boot"));
    await runOrThrow(process.execPath, [child, plan]);
    assertClean(lab);
  });
});
