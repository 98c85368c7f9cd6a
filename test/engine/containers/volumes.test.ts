// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inspectContainer } from "../../../src/engine/inspect-container.ts";
import { removeContainer } from "../../../src/engine/remove-container.ts";
import { stopContainer } from "../../../src/engine/stop.ts";
import {
  createVolume,
  inspectVolume,
  listVolumes,
  pruneVolumes,
  removeVolume,
} from "../../../src/engine/volumes.ts";
import type { HostConfig, Mount } from "../../../src/spec/container.ts";
import { mountsBelow } from "../../helpers/mounts.ts";
import { code, message } from "./asserts.ts";
import { assertNothingLeft, type Box, body, create, openBox, run, start } from "./box.ts";

const namesOf = async ({ engine }: Box) =>
  (await listVolumes(engine)).map(({ Name: name }) => name);

test("volumes are made, listed, inspected, removed", async () => {
  await using box = await openBox();
  const { engine } = box;
  const volume = await createVolume(engine, { name: "one", labels: { a: "1" } });
  assert.deepEqual(Object.keys(volume), [
    ...["CreatedAt", "Driver", "Labels", "Mountpoint", "Name", "Options", "Scope"],
  ]);
  assert.match(volume.CreatedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.ok(fs.statSync(volume.Mountpoint).isDirectory());
  assert.deepEqual(await createVolume(engine, { name: "one" }), volume);
  assert.deepEqual(await inspectVolume(engine, "one"), volume);
  const { Name: anonymous, Labels: labels } = await createVolume(engine);
  assert.match(anonymous, /^[0-9a-f]{64}$/);
  assert.deepEqual(labels, { "com.docker.volume.anonymous": "" });
  const list = async (key: string, value: string) =>
    (await listVolumes(engine, [{ key, value }])).map(({ Name: name }) => name);
  assert.deepEqual(await list("name", "on"), ["one"]);
  assert.deepEqual(await list("label", "a=1"), ["one"]);
  assert.deepEqual(await list("driver", "other"), []);
  assert.deepEqual((await list("dangling", "true")).length, 2);
  await assert.rejects(listVolumes(engine, [{ key: "x", value: "" }]), code("FILTER_INVALID"));
  await assert.rejects(
    inspectVolume(engine, "nope"),
    message("VOLUME_NOT_FOUND", "get nope: no such volume"),
  );
  await assert.rejects(removeVolume(engine, "nope"), code("VOLUME_NOT_FOUND"));
  await removeVolume(engine, "nope", { force: true });
  await removeVolume(engine, "one");
  assert.ok(!fs.existsSync(volume.Mountpoint));
  for (const [options, name] of [
    [{ name: "x" }, "CONTAINER_INVALID"],
    [{ name: "a/b" }, "CONTAINER_INVALID"],
    [{ driver: "other" }, "VOLUME_NOT_FOUND"],
    [{ name: "vv", options: { foo: "1" } }, "CONTAINER_INVALID"],
    [{ name: "vv", options: { type: "tmpfs" } }, "CONTAINER_INVALID"],
    [{ name: "vv", options: { size: "1g" } }, "UNSUPPORTED"],
    [{ name: "vv", options: { type: "nfs", device: ":/x", o: "addr=h" } }, "UNSUPPORTED"],
  ] as const) {
    await assert.rejects(createVolume(engine, options), code(name));
  }
});

test("a new volume gets what the image has in its place, once", async () => {
  await using box = await openBox();
  const host = (Binds: string[]): HostConfig => ({ Binds });
  const first = await run(box, {
    body: body("cat /v/file /v/deep/file; echo mine >/v/file; rm -r /v/deep", {
      host: host(["vol:/data", "vol:/v"]),
    }),
  });
  assert.equal(first.output, "from the image\ndeep\n");
  const second = await run(box, {
    body: body("cat /data/file; ls /data", { host: host(["vol:/data"]) }),
  });
  assert.equal(second.output, "mine\nfile\n");
  const uncopied = await run(box, {
    body: body("ls /data", { host: host(["empty:/data:nocopy"]) }),
  });
  assert.equal(uncopied.output, "");
  const users = `${[first.id, second.id].toSorted().join(", ")}`;
  await assert.rejects(
    removeVolume(box.engine, "vol"),
    message("VOLUME_IN_USE", `remove vol: volume is in use - [${users}]`),
  );
});

test("anonymous volumes go with `rm -v` and --rm, named ones stay", async () => {
  await using box = await openBox();
  const { engine } = box;
  const more = { Volumes: { "/anon": {}, "/data": {} }, host: { Binds: ["vol:/data"] } };
  const { id, output } = await run(box, { body: body("echo x >/anon/x; cat /data/file", more) });
  assert.equal(output, "from the image\n");
  const mounts = (await inspectContainer(engine, id)).Mounts;
  assert.deepEqual(
    mounts.map((mount) => [mount.Type, mount.Destination, mount.Mode, mount.Driver]),
    [
      ["volume", "/data", "z", "local"],
      ["volume", "/anon", "", "local"],
    ],
  );
  const other = await run(box, {
    body: body("cat /anon/x; touch /data/y", { host: { VolumesFrom: [`${id}:ro`] } }),
  });
  assert.equal(other.output, "x\n");
  assert.match(other.errors, /Read-only file system/);
  await removeContainer(engine, id, { volumes: true });
  assert.equal((await namesOf(box)).length, 2);
  await removeContainer(engine, other.id, { volumes: true });
  assert.deepEqual(await namesOf(box), ["vol"]);
  await run(box, { body: body("true", { ...more, host: { ...more.host, AutoRemove: true } }) });
  assert.deepEqual(await namesOf(box), ["vol"]);
  const kept = await create(box, { body: body("true", more) });
  await removeContainer(engine, kept);
  assert.equal((await namesOf(box)).length, 2);
  assert.deepEqual((await pruneVolumes(engine)).volumesDeleted.length, 1);
  const report = await pruneVolumes(engine, [{ key: "all", value: "true" }]);
  assert.deepEqual(report, { volumesDeleted: ["vol"], spaceReclaimed: 20 });
  await assertNothingLeft(box);
});

test("binds, tmpfs and read-only mounts", async () => {
  await using box = await openBox();
  const folder = join(box.folder, "made", "by-v");
  const file = join(box.folder, "file");
  fs.writeFileSync(file, "of the host\n");
  const mounts: Mount[] = [
    { Type: "bind", Source: file, Target: "/etc/hosts2", ReadOnly: true },
    { Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: 1_048_576, Mode: 0o700 } },
  ];
  const { output, errors } = await run(box, {
    body: body(
      "echo x >/b/new; cat /etc/hosts2; echo y >/etc/hosts2; stat -c %a /t /t2; head -c 2000000 /dev/zero >/t/big || echo full",
      { host: { Binds: [`${folder}:/b`], Mounts: mounts, Tmpfs: { "/t2": "mode=711" } } },
    ),
  });
  assert.equal(output, "of the host\n700\n711\nfull\n");
  assert.match(errors, /hosts2: Read-only file system/);
  assert.equal(fs.readFileSync(join(folder, "new"), "utf8"), "x\n");
});

function mountsOf(box: Box): string[] {
  const volumes = box.engine.store.paths.volumes;
  return mountsBelow(fs.readFileSync("/proc/self/mountinfo", "utf8"), volumes);
}

test("a volume that is a mount is there while containers use it", async () => {
  await using box = await openBox();
  const { engine } = box;
  const device = join(box.folder, "device");
  fs.mkdirSync(device);
  fs.writeFileSync(join(device, "f"), "bound\n");
  const bound = { type: "none", device, o: "bind,ro" };
  await createVolume(engine, { name: "bound", options: bound });
  await createVolume(engine, {
    name: "memory",
    options: { type: "tmpfs", device: "tmpfs", o: "size=1m,mode=1777,nosuid" },
  });
  const host = { Binds: ["bound:/b", "memory:/m"] };
  const one = await start(box, { body: body("echo x >/m/x; sleep 1000", { host }) });
  const two = await run(box, { body: body("cat /b/f /m/x; touch /b/y", { host }) });
  assert.equal(two.output, "bound\nx\n");
  assert.match(two.errors, /Read-only/);
  assert.equal(mountsOf(box).length, 2);
  assert.deepEqual((await inspectVolume(engine, "bound")).Options, bound);
  await stopContainer(engine, one, { timeoutSeconds: 0 });
  assert.deepEqual(mountsOf(box), []);
  for (const id of [one, two.id]) await removeContainer(engine, id);
  await removeVolume(engine, "bound");
  assert.equal(fs.readFileSync(join(device, "f"), "utf8"), "bound\n");
  await createVolume(engine, {
    name: "wrong",
    options: { type: "none", device: "/not/there", o: "bind" },
  });
  const failing = await create(box, {
    body: body("true", { host: { Binds: ["wrong:/x:nocopy"] } }),
  });
  const { startContainer } = await import("../../../src/engine/start.ts");
  await assert.rejects(startContainer(engine, failing), code("MOUNT_FAILED"));
  await removeContainer(engine, failing);
  await assertNothingLeft(box);
});

test("a folder inside a volume is mounted, and nothing outside of it", async () => {
  await using box = await openBox();
  const { engine } = box;
  const volume = await createVolume(engine, { name: "vol" });
  fs.mkdirSync(join(volume.Mountpoint, "in/side"), { recursive: true });
  fs.writeFileSync(join(volume.Mountpoint, "in/side/f"), "inside\n");
  fs.symlinkSync("/etc", join(volume.Mountpoint, "out"));
  fs.symlinkSync("in", join(volume.Mountpoint, "link"));
  const mount = (Subpath: string): Mount => ({
    Type: "volume",
    Source: "vol",
    Target: "/x",
    VolumeOptions: { Subpath, NoCopy: true },
  });
  const inside = await run(box, {
    body: body("cat /x/f", { host: { Mounts: [mount("link/side")] } }),
  });
  assert.equal(inside.output, "inside\n");
  const outside = await create(box, {
    body: body("cat /x/passwd", { host: { Mounts: [mount("out")] } }),
  });
  const { startContainer } = await import("../../../src/engine/start.ts");
  await assert.rejects(startContainer(engine, outside), code("CONTAINER_INVALID"));
  for (const id of [inside.id, outside]) await removeContainer(engine, id);
  await assertNothingLeft(box);
});

test("an image's volume that leads out of its root stays inside", async () => {
  await using box = await openBox();
  const { output, id } = await run(box, {
    body: body("ls -d /escape", { Volumes: { "/../../escape": {}, relative: {} } }),
  });
  assert.equal(output, "/escape\n");
  const targets = (await inspectContainer(box.engine, id)).Mounts.map((mount) => mount.Destination);
  assert.deepEqual(targets.toSorted(), ["/escape", "/relative"]);
  await assert.rejects(
    create(box, { body: body("true", { Volumes: { "/..": {} } }) }),
    code("CONTAINER_INVALID"),
  );
});

test("the store itself and what it lies in can be bound", async () => {
  await using box = await openBox();
  for (const [source, seen] of [
    [box.folder, "/host/store"],
    ["/", `/host${box.folder}/store`],
  ] as const) {
    const host = { Binds: [`${source}:/host`], AutoRemove: true };
    const { output } = await run(box, { body: body(`ls ${seen}`, { host }) });
    assert.match(output, /^blobs$/m);
  }
  await assertNothingLeft(box);
});
