// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { chooseDriver } from "../../src/rootfs/driver.ts";
import { mountOverlay } from "../../src/rootfs/overlay.ts";
import { mountReadOnly, mountRootfs, sweepMounts, unmountRootfs } from "../../src/rootfs/rootfs.ts";
import { makeRunFolders, runPaths } from "../../src/rootfs/run-paths.ts";
import { acquireLock } from "../../src/sys/lock.ts";
import { bindMount, mount, mountFlags } from "../../src/sys/mount.ts";
import { dir, file } from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { requireTool } from "../helpers/tools.ts";
import { assertClean, drivers, layerAt, mountsOf, openRootfsLab } from "./mount-lab.ts";

const lower = tar([dir("d/"), file("d/f", "lower"), file("same", "lower")]);
const upper = tar([file("d/g", "upper"), file("same", "upper")]);

for (const driver of drivers) {
  describe(`root of a container, ${driver}`, () => {
    it("shows its layers and keeps its changes", () => {
      using lab = openRootfsLab();
      const plan = lab.plan("one", [lab.layer(lower), lab.layer(upper)], driver);
      const root = mountRootfs(lab.run, plan);
      assert.equal(fs.readFileSync(join(root, "same"), "utf8"), "upper");
      assert.deepEqual(fs.readdirSync(join(root, "d")), ["f", "g"]);
      fs.writeFileSync(join(root, "d", "new"), "new");
      fs.rmSync(join(root, "same"));
      unmountRootfs(lab.run, "one");
      assertClean(lab);
      mountRootfs(lab.run, plan);
      assert.deepEqual(fs.readdirSync(root), ["d"]);
      assert.equal(fs.readFileSync(join(root, "d", "new"), "utf8"), "new");
      // Changed data keeps its inode's number: programs that watch a file do not lose it.
      const before = fs.statSync(join(root, "d/f")).ino;
      fs.appendFileSync(join(root, "d/f"), "more");
      assert.equal(fs.statSync(join(root, "d/f")).ino, before);
      unmountRootfs(lab.run, "one");
      assertClean(lab);
    });

    it("is one device, so that nothing that stays on one leaves files out", () => {
      using lab = openRootfsLab();
      const root = mountRootfs(lab.run, lab.plan("one", [lab.layer(lower)], driver));
      assert.equal(fs.statSync(join(root, "d/f")).dev, fs.statSync(root).dev);
      unmountRootfs(lab.run, "one");
    });

    it("runs programs, also with the rights of their owners", () => {
      using lab = openRootfsLab();
      const touch = requireTool("touch", "coreutils");
      const { stdout } = spawnSync("ldd", [touch], { encoding: "utf8" });
      const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path as string);
      const parts = [
        file("bin/touch", fs.readFileSync(touch), { mode: 0o4755, uid: 0 }),
        ...libraries.map((path) => file(path, fs.readFileSync(path), { mode: 0o755 })),
      ];
      const root = mountRootfs(lab.run, lab.plan("one", [lab.layer(tar(parts))], driver));
      // Only root may make files there.
      const words = ["--userspec=1000:1000", root, "/bin/touch", "/made"];
      const { status, stderr } = spawnSync("chroot", words, { encoding: "utf8" });
      assert.equal(status, 0, stderr);
      assert.equal(fs.statSync(join(root, "made")).uid, 0);
      unmountRootfs(lab.run, "one");
    });
  });
}

describe("mounts of containers", () => {
  it("are shared, and go with the last user", () => {
    using lab = openRootfsLab();
    const a = lab.layer(lower);
    const b = lab.layer(upper);
    const c = lab.layer(tar([file("c", "c")]));
    mountRootfs(lab.run, lab.plan("one", [a, b]));
    mountRootfs(lab.run, lab.plan("two", [a, c]));
    const layers = () => fs.readdirSync(lab.run.layers).length;
    assert.equal(layers(), 3);
    // The layers' place, three layers, and two roots with their places.
    assert.equal(mountsOf(lab).length, 1 + 3 + 2 * 2);
    unmountRootfs(lab.run, "one");
    assert.equal(layers(), 2);
    unmountRootfs(lab.run, "one");
    unmountRootfs(lab.run, "two");
    assertClean(lab);
  });

  it("are made once, however often they are asked for", () => {
    using lab = openRootfsLab();
    const plan = lab.plan("one", [lab.layer(lower)]);
    const root = mountRootfs(lab.run, plan);
    const before = mountsOf(lab);
    fs.writeFileSync(join(root, "x"), "");
    assert.equal(mountRootfs(lab.run, plan), root);
    assert.deepEqual(mountsOf(lab), before);
    unmountRootfs(lab.run, "one");
  });

  it("take an image without layers, and a layer that comes twice", () => {
    using lab = openRootfsLab();
    const root = mountRootfs(lab.run, lab.plan("none", []));
    fs.writeFileSync(join(root, "x"), "");
    unmountRootfs(lab.run, "none");
    const [a, b] = [lab.layer(lower), lab.layer(upper)];
    const twice = mountRootfs(lab.run, lab.plan("twice", [a, b, a]));
    assert.equal(fs.readFileSync(join(twice, "same"), "utf8"), "lower");
    assert.equal(fs.readFileSync(join(twice, "d/g"), "utf8"), "upper");
    unmountRootfs(lab.run, "twice");
    assertClean(lab);
  });

  it("show an image without a place for changes", () => {
    using lab = openRootfsLab();
    for (const layers of [[], [lab.layer(lower)], [lab.layer(lower), lab.layer(upper)]]) {
      const { folder: _, ...plan } = lab.plan("view", layers);
      const root = mountReadOnly(lab.run, plan);
      assert.throws(() => fs.writeFileSync(join(root, "x"), ""), { code: "EROFS" });
      assert.equal(fs.existsSync(join(root, "d/f")), layers.length > 0);
      unmountRootfs(lab.run, "view");
      assertClean(lab);
    }
  });

  it("lie in folders of any name and length", () => {
    using lab = openRootfsLab();
    for (const name of ["a,b:c\\d e", "long".repeat(60)]) {
      const path = join(lab.folder, name, name);
      fs.mkdirSync(path, { recursive: true });
      const run = runPaths(join(path, "run"));
      const tarPath = join(path, "x,y:z.tar");
      fs.writeFileSync(tarPath, lower);
      const layer = layerAt(tarPath, { key: "k", offset: 0, tar: lower });
      for (const driver of drivers) {
        const plan = { ...lab.plan("c", [layer], driver), folder: join(path, "container") };
        fs.mkdirSync(plan.folder, { recursive: true });
        const root = mountRootfs(run, { ...plan, unpackedRoot: join(path, "unpacked") });
        assert.equal(fs.readFileSync(join(root, "d/f"), "utf8"), "lower");
        fs.writeFileSync(join(root, "new"), "");
        unmountRootfs(run, "c");
      }
    }
    assert.deepEqual(mountsOf(lab), []);
  });

  it("show layers where they lie inside an archive", () => {
    using lab = openRootfsLab();
    const path = join(lab.folder, "outer");
    fs.writeFileSync(
      path,
      Buffer.concat([Buffer.alloc(512, "x"), lower, Buffer.alloc(1024), upper]),
    );
    const layers = [
      layerAt(path, { key: "first", offset: 512, tar: lower }),
      layerAt(path, { key: "second", offset: 512 + lower.length + 1024, tar: upper }),
    ];
    for (const driver of drivers) {
      const root = mountRootfs(lab.run, lab.plan(driver, layers, driver));
      assert.equal(fs.readFileSync(join(root, "same"), "utf8"), "upper");
      assert.equal(fs.readFileSync(join(root, "d/f"), "utf8"), "lower");
      unmountRootfs(lab.run, driver);
    }
    assertClean(lab);
  });

  it("leave nothing where one of them fails", () => {
    using lab = openRootfsLab();
    const bad = { ...lab.layer(upper), erofs: () => join(lab.folder, "none") };
    assert.throws(() => mountRootfs(lab.run, lab.plan("one", [lab.layer(lower), bad])), {
      code: "MOUNT_FAILED",
      message: new RegExp(`mount layer ${bad.key}: ENOENT`),
    });
    assertClean(lab);
    const damaged = join(lab.folder, "damaged");
    fs.writeFileSync(damaged, Buffer.alloc(8192));
    const layer = { ...lab.layer(upper), erofs: () => damaged };
    for (const driver of ["erofs", "erofs-loop"] as const) {
      assert.throws(() => mountRootfs(lab.run, lab.plan("one", [layer], driver)), {
        code: "MOUNT_FAILED",
      });
      assertClean(lab);
    }
  });

  it("do not wait for who still reads", () => {
    using lab = openRootfsLab();
    const root = mountRootfs(lab.run, lab.plan("one", [lab.layer(lower)]));
    const fd = fs.openSync(join(root, "d/f"), "r");
    unmountRootfs(lab.run, "one");
    assertClean(lab);
    assert.equal(fs.readFileSync(fd, "utf8"), "lower");
    fs.closeSync(fd);
  });

  it("need root", () => {
    using lab = openRootfsLab();
    fs.chmodSync(lab.folder, 0o777);
    const script = `
      import { mountRootfs } from "./src/rootfs/rootfs.ts";
      import { runPaths } from "./src/rootfs/run-paths.ts";
      process.setgid(65534);
      process.setuid(65534);
      const plan = { containerId: "c", layers: [], folder: "/nowhere", driver: "erofs", unpackedRoot: "" };
      try {
        mountRootfs(runPaths(${JSON.stringify(join(lab.folder, "run"))}), plan);
      } catch (error) {
        process.stdout.write(error.code + " " + error.message);
      }`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      encoding: "utf8",
    });
    assert.match(stdout, /^ROOT_NEEDED container c: needs root/);
    assert.deepEqual(fs.readdirSync(lab.folder), []);
  });

  it("do not spread to who shares the folder that they lie in", () => {
    using lab = openRootfsLab();
    const shared = lab.makeFolder("run");
    mount({ source: "tmpfs", target: shared, type: "tmpfs" });
    mount({ source: "none", target: shared, type: "", flags: mountFlags.shared });
    const peer = lab.makeFolder("peer");
    bindMount(shared, peer);
    mountRootfs(lab.run, lab.plan("one", [lab.layer(lower)]));
    // The places themselves show up, being mounted in what is shared; nothing in them does.
    const elsewhere = mountsOf(lab).filter((point) => point.startsWith("peer/"));
    assert.deepEqual(elsewhere.toSorted(), ["peer/containers/one/rootfs", "peer/layers"]);
    assert.deepEqual(fs.readdirSync(join(peer, "containers/one/rootfs")), []);
    unmountRootfs(lab.run, "one");
    assert.deepEqual(mountsOf(lab).toSorted(), ["peer", "run"]);
  });

  it("are not kept by mount namespaces that are made meanwhile", async () => {
    using lab = openRootfsLab();
    const unshare = requireTool("unshare", "util-linux");
    for (const propagation of ["slave", "unchanged"]) {
      mountRootfs(lab.run, lab.plan("one", [lab.layer(lower)]));
      const words = ["--mount", `--propagation=${propagation}`, "sh", "-c", "echo; exec sleep 60"];
      const child = spawn(unshare, words, { stdio: ["ignore", "pipe", "inherit"] });
      // The places themselves are in nobody's peer group where the host's root is private.
      const kept = () =>
        fs
          .readFileSync(`/proc/${child.pid}/mountinfo`, "utf8")
          .split("\n")
          .filter((line) => line.includes(lab.run.root) && / - (?:overlay|erofs) /.test(line));
      try {
        await once(child.stdout, "data");
        assert.equal(kept().length, 2);
        unmountRootfs(lab.run, "one");
        assertClean(lab);
        assert.deepEqual(kept(), []);
      } finally {
        child.kill("SIGKILL");
      }
    }
  });
});

describe("many layers", () => {
  for (const [count, method] of [
    [120, "options"],
    [400, "options"],
    [400, "string"],
  ] as const) {
    it(`${count}, by ${method}`, (test) => {
      using lab = openRootfsLab();
      const layers = Array.from({ length: count }, (_, index) =>
        lab.layer(tar([file(`f${index}`, `${index}`), file("same", `${index}`)])),
      );
      for (const layer of layers) layer.erofs();
      const start = performance.now();
      let root = mountRootfs(lab.run, lab.plan("one", layers));
      test.diagnostic(`${((performance.now() - start) / count).toFixed(2)} ms a layer`);
      if (method === "string") {
        root = lab.makeFolder("other");
        const lowers = layers.map((layer) => join(lab.run.layers, layer.key));
        const folders = { upper: lab.makeFolder("u:,p"), work: lab.makeFolder("w") };
        const before = process.cwd();
        mountOverlay(
          { lowers, upper: folders, target: root, scratch: join(lab.folder, "short") },
          method,
        );
        assert.equal(process.cwd(), before);
        assert.equal(fs.existsSync(join(lab.folder, "short")), false);
      }
      assert.equal(fs.readdirSync(root).length, count + 1);
      assert.equal(fs.readFileSync(join(root, "same"), "utf8"), String(count - 1));
      assert.equal(fs.readFileSync(join(root, "f0"), "utf8"), "0");
      fs.writeFileSync(join(root, "f0"), "new");
      unmountRootfs(lab.run, "one");
    });
  }
});

describe("sweepMounts", () => {
  it("takes what nobody needs, and leaves what is locked or alive", async () => {
    using lab = openRootfsLab();
    const layer = lab.layer(lower);
    for (const id of ["alive", "dead", "starting", "read"]) {
      mountRootfs(lab.run, lab.plan(id, [layer]));
    }
    const starting = await acquireLock(join(lab.run.locks, "starting"));
    const read = await acquireLock(join(lab.run.locks, "read.rootfs"), { shared: true });
    (await acquireLock(join(lab.run.locks, "dead")))[Symbol.dispose]();
    const isAlive = (id: string) => id === "alive";
    sweepMounts(lab.run, isAlive);
    assert.deepEqual(fs.readdirSync(lab.run.containers).toSorted(), ["alive", "read", "starting"]);
    starting[Symbol.dispose]();
    read[Symbol.dispose]();
    sweepMounts(lab.run, isAlive);
    assert.deepEqual(fs.readdirSync(lab.run.containers), ["alive"]);
    assert.equal(fs.readdirSync(lab.run.layers).length, 1);
    sweepMounts(lab.run, () => false);
    assertClean(lab);
  });

  it("knows a run root of another boot, where nothing is mounted", () => {
    using lab = openRootfsLab();
    const layer = lab.layer(lower);
    makeRunFolders(lab.run);
    fs.writeFileSync(join(lab.run.root, "boot"), "another boot");
    fs.mkdirSync(join(lab.run.containers, "old", "rootfs"), { recursive: true });
    fs.writeFileSync(join(lab.run.containers, "old", "layers"), `${layer.key}\n`);
    fs.mkdirSync(join(lab.run.layerUsers, layer.key));
    fs.writeFileSync(join(lab.run.layerUsers, layer.key, "old"), "");
    fs.mkdirSync(join(lab.run.layers, layer.key));
    mountRootfs(lab.run, lab.plan("new", [layer]));
    unmountRootfs(lab.run, "new");
    assert.deepEqual(mountsOf(lab), []);
    const root = mountRootfs(lab.run, lab.plan("old", [layer]));
    assert.equal(fs.readFileSync(join(root, "d/f"), "utf8"), "lower");
    unmountRootfs(lab.run, "old");
    assertClean(lab);
  });

  it("does nothing where there is no run root", () => {
    using lab = openRootfsLab();
    sweepMounts(lab.run, () => false);
    unmountRootfs(lab.run, "none");
    assert.deepEqual(fs.readdirSync(lab.folder), []);
  });
});

describe("chooseDriver", () => {
  it("tries once in each boot, and does what it is told", () => {
    using lab = openRootfsLab();
    const places = { run: lab.run, storeRoot: lab.makeFolder("store") };
    const first = chooseDriver(undefined, places);
    assert.ok(drivers.includes(first.driver));
    assert.deepEqual(chooseDriver("", places), first);
    assert.deepEqual(fs.readdirSync(places.storeRoot), []);
    assertClean(lab);
    const known = join(lab.run.root, "driver.json");
    fs.writeFileSync(known, JSON.stringify({ ...first, driver: "unpacked" }));
    assert.equal(chooseDriver(undefined, places).driver, "unpacked");
    fs.writeFileSync(known, JSON.stringify({ ...first, driver: "unpacked", boot: "other" }));
    assert.equal(chooseDriver(undefined, places).driver, first.driver);
    fs.writeFileSync(known, "{");
    assert.equal(chooseDriver(undefined, places).driver, first.driver);
    for (const driver of drivers) assert.equal(chooseDriver(driver, places).driver, driver);
    assert.throws(() => chooseDriver("overlay2", places), { code: "UNSUPPORTED" });
  });
});
