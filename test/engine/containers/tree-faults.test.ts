// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isLadeError } from "../../../src/base/errors.ts";
import { containerById } from "../../../src/content/containers.ts";
import { openLease } from "../../../src/content/lease.ts";
import { commitContainer } from "../../../src/engine/commit.ts";
import { exportContainer } from "../../../src/engine/export.ts";
import { unpauseContainer } from "../../../src/engine/pause.ts";
import { mountSmallDisk } from "../../helpers/small-disk.ts";
import { type Box, body, eventually, openBox, run, start } from "./box.ts";

const MIB = 1024 * 1024;

/** Starts lade itself, as another process. */
function lade(box: Box, ...words: string[]) {
  const [node = "", ...args] = box.engine.self;
  return spawn(node, [...args, "--root", join(box.folder, "store"), ...words], {
    env: { ...process.env, LADE_RUN_ROOT: box.engine.run.root },
    stdio: "ignore",
  });
}

describe("commit and export that fail half-way", () => {
  it("leave a container paused that says so, where the command is killed", async () => {
    await using box = await openBox();
    const { engine } = box;
    const { database, paths } = engine.store;
    const script = `busybox dd if=/dev/zero of=/big bs=1M count=300; touch /ready; while true; do echo x >> /log; sleep 0.01; done`;
    const id = await start(box, { body: body(script) });
    const upper = join(paths.containers, id, "upper");
    await eventually("the file", () => fs.existsSync(join(upper, "ready")));
    const status = () => containerById(database, id)?.state.status;
    const child = lade(box, "commit", id, "half:1");
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await eventually("the pause", () => status() === "paused");
    child.kill("SIGKILL");
    await ended;
    assert.equal(status(), "paused");
    const size = () => fs.statSync(join(upper, "log")).size;
    const before = size();
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(size(), before);
    assert.equal(database.all("SELECT 1 FROM tag WHERE repository LIKE '%half'").length, 0);
    await unpauseContainer(engine, id);
    await eventually("its going on", () => size() > before);
    // The next that stages anything sweeps what is left.
    openLease(engine.store)[Symbol.dispose]();
    assert.deepEqual(fs.readdirSync(paths.ingest), []);
    await commitContainer(engine, { container: id, reference: "whole:1" });
    assert.equal(status(), "running");
  });

  it("leave no file where the disk is full", async () => {
    await using box = await openBox();
    const { id } = await run(box, { body: body("busybox truncate -s 40000000 /big") });
    for (const kind of ["tmpfs", "ext4"] as const) {
      using disk = mountSmallDisk(kind, 32 * MIB);
      const path = join(disk.folder, "out.tar");
      await assert.rejects(exportContainer(box.engine, { container: id, path }), (error) =>
        isLadeError(error, "DISK_FULL"),
      );
      const names = fs.readdirSync(disk.folder).filter((name) => name !== "lost+found");
      assert.deepEqual(names, []);
    }
  });
});
