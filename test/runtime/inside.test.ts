// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { createProcess } from "../../src/runtime/process.ts";
import { buildSpec } from "../../src/runtime/spec/build-spec.ts";
import { findInit } from "../../src/runtime/tools.ts";
import { boxInput, newId, openLab, remains, runBox, shell } from "./box.ts";

/** What processes in real containers see and may do. */

const lab = openLab();
after(() => lab[Symbol.asyncDispose]());

async function output(script: string, options: Parameters<typeof runBox>[2] = {}): Promise<string> {
  const { out, err } = await runBox(lab, shell(script), options);
  return (out + err).trim();
}

describe("a process in a container", () => {
  it("has no descriptor of lade's, the monitor's or the runtime's (C4)", async () => {
    assert.equal(await output("ls /proc/self/fd | sort -n | head -20"), "0\n1\n2\n3");
    const list = "for fd in /proc/1/fd/*; do readlink $fd; done";
    const held = fs.openSync("/", "r");
    const created = { create: { heldDescriptors: [held] } };
    const links = (await output(list, created))
      .split("\n")
      .map((link) => link.replace(/\d+/g, "N"));
    assert.ok(
      links.every((link) => /^(?:\/dev\/null|pipe:\[N\]|\/dev\/pts\/N)$/.test(link)),
      links.join(),
    );
  });

  it("does not start in a folder that leads out (C4)", async () => {
    for (const number of [3, 4, 5, 6, 7, 8, 9, 10]) {
      const id = newId();
      const config = { Cmd: ["cat", "etc/hostname"], WorkingDir: `/proc/self/fd/${number}` };
      const spec = buildSpec(boxInput(lab, id, { config }));
      await assert.rejects(createProcess(lab.run, { id, spec, stdin: "none" }));
      assert.deepEqual(remains(lab, id), []);
    }
  });

  it("has the default capabilities, none of them inherited (C7)", async () => {
    const caps = await output("grep ^Cap /proc/self/status | tr -d '\\t\\n'");
    const set = "00000000a80425fb";
    const none = "0".repeat(16);
    assert.equal(caps, `CapInh:${none}CapPrm:${set}CapEff:${set}CapBnd:${set}CapAmb:${none}`);
  });

  it("is filtered, and can't get more rights where it is not to", async () => {
    assert.match(await output("grep ^Seccomp: /proc/self/status"), /2$/);
    const open = { host: { SecurityOpt: ["seccomp=unconfined", "no-new-privileges"] } };
    assert.match(await output("grep ^Seccomp: /proc/self/status", open), /0$/);
    assert.match(await output("grep ^NoNewPrivs: /proc/self/status", open), /1$/);
    assert.match(await output("unshare -m true"), /Operation not permitted/);
  });

  it("does not see or change the machine", async () => {
    for (const script of [
      "echo 1 > /proc/sys/kernel/panic",
      "echo x > /proc/sysrq-trigger",
      "cd /sys/fs/cgroup; [ -d pids ] && cd pids; mkdir x",
      "mount -t tmpfs none /tmp",
      "mknod /tmp/disk b 254 0 && cat /tmp/disk",
    ]) {
      assert.match(
        await output(script),
        /Read-only file system|Operation not permitted|denied|nonexistent/,
        script,
      );
    }
    assert.equal(
      await output("cat /proc/kcore 2>/dev/null | wc -c; ls /sys/firmware | wc -l"),
      "0\n0",
    );
    assert.equal(
      await output("ls /dev | grep -v core | sort | tr '\\n' ' '"),
      "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero",
    );
  });

  it("has its own host name, processes and limits", async () => {
    const host = { ShmSize: 1024 * 1024, Ulimits: [{ Name: "nofile", Soft: 100, Hard: 200 }] };
    const script = "hostname; echo $$; ulimit -n; df -k /dev/shm | tail -1 | awk '{print $2}'";
    const text = await output(script, { host, config: { Hostname: "name" } });
    assert.equal(text, "name\n1\n100\n1024");
  });

  it("runs as its user with all its groups (C6)", async () => {
    const user = { uid: 1000, gid: 1001, additionalGids: [1001, 10] };
    assert.equal(
      await output("id -u; id -g; id -G; echo $HOME", { input: { user } }),
      "1000\n1001\n1001 10\n/home/app",
    );
  });

  it("has a root that it can't write, but for what is mounted", async () => {
    const text = await output("touch /x; touch /tmp/x && echo written", {
      host: { ReadonlyRootfs: true },
      mounts: [{ type: "tmpfs", source: "", destination: "/tmp", options: "size=64k" }],
    });
    assert.match(text, /Read-only file system/);
    assert.match(text, /written/);
  });

  it("has binds, read-only in depth where they are to be", async () => {
    const source = join(lab.folder, "shared");
    fs.mkdirSync(source, { recursive: true });
    fs.writeFileSync(join(source, "file"), "there");
    const mounts = [
      { type: "bind", source, destination: "/data/rw" },
      { type: "bind", source, destination: "/data/ro", isReadOnly: true },
    ] as const;
    const script = "cat /data/ro/file; echo new > /data/rw/made; echo x > /data/ro/made";
    assert.match(await output(script, { mounts }), /^there\/bin\/sh: can't create .*Read-only/);
    assert.equal(fs.readFileSync(join(source, "made"), "utf8"), "new\n");
  });

  it("may have devices and sysctls of its own", async () => {
    const host = {
      Devices: [
        { PathOnHost: "/dev/zero", PathInContainer: "/dev/nought", CgroupPermissions: "r" },
      ],
      Sysctls: { "kernel.msgmax": "4321" },
    };
    const script = "head -c 5 /dev/nought | wc -c; cat /proc/sys/kernel/msgmax";
    assert.equal(await output(script, { host }), "5\n4321");
  });

  it("has an init that takes its orphans", async () => {
    const init = findInit();
    const script =
      "(sleep 0.05 &); sleep 0.3; cat /proc/1/comm; grep -l 'State:.Z' /proc/[0-9]*/status | wc -l";
    const text = await output(script, { input: { init } });
    assert.match(text, /^(docker-init|tini|catatonit)/);
    assert.match(text, /\n0$/);
  });
});

describe("an image that lies in wait", () => {
  it("has links in place of the kernel's folders, which lead nowhere (C8)", async () => {
    const victim = join(lab.folder, "victim");
    fs.mkdirSync(victim);
    for (const name of ["ptmx", "null", "fd"]) fs.writeFileSync(join(victim, name), "precious");
    const before = fs.readdirSync(victim);
    for (const name of ["dev", "proc", "sys"]) {
      for (const make of [
        (path: string) => fs.symlinkSync(victim, path),
        (path: string) => fs.symlinkSync(`../../../../../..${victim}`, path),
        (path: string) => fs.writeFileSync(path, ""),
        () => {},
      ]) {
        const root = join(lab.folder, "hostile");
        fs.cpSync(lab.rootfs, root, { recursive: true, verbatimSymlinks: true });
        fs.rmdirSync(join(root, name));
        make(join(root, name));
        const { code, out } = await runBox(lab, shell("ls /proc/self >/dev/null && echo $?"), {
          input: { rootfs: root },
        });
        assert.deepEqual([code, out], [0, "0\n"]);
        assert.ok(fs.lstatSync(join(root, name)).isDirectory());
        fs.rmSync(root, { recursive: true });
      }
    }
    assert.deepEqual(fs.readdirSync(victim), before);
    for (const name of before) {
      assert.equal(fs.readFileSync(join(victim, name), "utf8"), "precious");
    }
  });

  it("has links where files, devices and folders are mounted, which lead nowhere (C10)", async () => {
    const victim = join(lab.folder, "outside");
    fs.mkdirSync(victim);
    const root = join(lab.folder, "linked");
    fs.cpSync(lab.rootfs, root, { recursive: true, verbatimSymlinks: true });
    const source = join(lab.folder, "hosts");
    fs.writeFileSync(source, "mounted");
    for (const [path, target] of [
      ["etc/hosts", join(victim, "hosts")],
      ["etc/resolv.conf", `../../../../../../../..${victim}/resolv`],
      ["data/volume", victim],
      ["data/tmp", victim],
      ["data/device", victim],
      ["sbin", victim],
    ] as const) {
      fs.rmSync(join(root, path), { recursive: true, force: true });
      fs.symlinkSync(target, join(root, path));
    }
    const init = findInit();
    const host = {
      Devices: [
        { PathOnHost: "/dev/zero", PathInContainer: "/data/device/x", CgroupPermissions: "r" },
      ],
    };
    const { code, out } = await runBox(
      lab,
      shell("cat /etc/hosts; ls /data/volume /data/device/"),
      {
        host,
        input: {
          rootfs: root,
          init,
          files: { hosts: source, resolvConf: source },
          mounts: [
            { type: "bind", source: lab.rootfs, destination: "/data/volume/deep" },
            { type: "tmpfs", source: "", destination: "/data/tmp/deep" },
          ],
        },
      },
    );
    assert.equal(code, 0);
    assert.match(out, /^mounted/);
    assert.deepEqual(fs.readdirSync(victim), []);
  });
});
