// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isLadeError } from "../../src/base/errors.ts";
import { mountReadOnly, unmountRootfs } from "../../src/rootfs/rootfs.ts";
import { escapingLayers } from "../fixtures/escaping-layers.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { drivers, openRootfsLab, type RootfsLab } from "./mount-lab.ts";

/** Everything outside of lade's own folders, with times, modes and content. */
function outside(lab: RootfsLab): unknown {
  return fs
    .readdirSync(lab.folder, { recursive: true, encoding: "utf8" })
    .filter((name) => !/^(?:run|store)(?:\/|$)/.test(name))
    .toSorted()
    .map((name) => {
      const path = join(lab.folder, name);
      const { mode, uid, gid, size, ino, nlink, mtimeNs, ctimeNs } = fs.lstatSync(path, {
        bigint: true,
      });
      const status = [mode, uid, gid, size, ino, nlink, mtimeNs, ctimeNs];
      return [name, status, fs.lstatSync(path).isFile() && fs.readFileSync(path)];
    });
}

describe("a layer reaches nothing outside", () => {
  for (const { row, layers, inside } of escapingLayers) {
    it(row, () => {
      using lab = openRootfsLab();
      const victim = lab.makeFolder("victim");
      fs.writeFileSync(join(victim, "secret"), "precious", { mode: 0o640 });
      lab.makeFolder("unpacked-evil");
      fs.writeFileSync(join(lab.folder, "unpacked-evil", "secret"), "sibling");
      const before = outside(lab);
      for (const driver of drivers) {
        const made = () => {
          const plan = lab.plan(
            "view",
            layers(victim).map((parts) => lab.layer(tar(parts))),
            driver,
          );
          return mountReadOnly(lab.run, plan);
        };
        if (inside === undefined) {
          assert.throws(made, (error) => isLadeError(error) && error.kind === "invalid", driver);
        } else {
          const root = made();
          const path = join(root, inside.replace("VICTIM", victim.slice(1)));
          assert.ok(fs.lstatSync(path), `${driver}: ${inside}`);
          if (fs.lstatSync(path).isFile()) assert.equal(fs.readFileSync(path, "utf8"), "evil");
          unmountRootfs(lab.run, "view");
        }
        assert.deepEqual(outside(lab), before, driver);
      }
    });
  }
});
