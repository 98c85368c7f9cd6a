// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { buildSpec } from "../../src/runtime/spec/build-spec.ts";
import {
  chooseCapabilities,
  defaultCapabilities,
  knownCapabilities,
} from "../../src/runtime/spec/capabilities.ts";
import { cgroupsPath } from "../../src/runtime/spec/cgroups-path.ts";
import { makeEnvironment } from "../../src/runtime/spec/environment.ts";
import { mergeTmpfsOptions } from "../../src/runtime/spec/mounts.ts";
import { formatOciDocument, parseOciSpec } from "../../src/runtime/spec/oci-spec.ts";
import { readSecurityOptions } from "../../src/runtime/spec/security-options.ts";
import type { HostConfig } from "../../src/spec/container.ts";
import { machine, specInput, type Wanted } from "./spec-input.ts";

function build(wanted: Wanted = {}) {
  return buildSpec(specInput(wanted));
}

function refused(wanted: Wanted, code: string, message: string | RegExp): void {
  assert.throws(() => build(wanted), { code, message });
}

describe("buildSpec", () => {
  it("joins entry point and command", () => {
    const config = { Entrypoint: ["/e", "1"], Cmd: ["c", "2"] };
    assert.deepEqual(build({ config }).process.args, ["/e", "1", "c", "2"]);
    assert.deepEqual(build({ config: { Entrypoint: ["/e"], Cmd: [] } }).process.args, ["/e"]);
    refused({ config: { Cmd: [] } }, "CONTAINER_INVALID", "No command specified");
    refused({ config: { Entrypoint: [], Cmd: [] } }, "CONTAINER_INVALID", "No command specified");
  });

  it("refuses texts that the kernel would cut (C9)", () => {
    for (const config of [{ Cmd: ["a\0b"] }, { Env: ["A=\0"] }, { WorkingDir: "/a\0" }]) {
      refused({ config }, "CONTAINER_INVALID", /has a NUL in it/);
    }
  });

  it("puts an init before the command", () => {
    const spec = build({ init: "/usr/bin/docker-init", config: { Cmd: ["a", "b"] } });
    assert.deepEqual(spec.process.args, ["/sbin/docker-init", "--", "a", "b"]);
    assert.deepEqual(spec.mounts.at(-1), {
      destination: "/sbin/docker-init",
      type: "bind",
      source: "/usr/bin/docker-init",
      options: ["bind", "ro"],
    });
  });

  it("never makes annotations of labels (C5)", () => {
    const spec = build({ config: { Labels: { "run.oci.hooks": "/bin/x" } } });
    assert.equal(spec.annotations, undefined);
    assert.deepEqual(build({ host: { Annotations: { a: "b" } } }).annotations, { a: "b" });
  });

  it("gives no capability to programs by inheritance (C7)", () => {
    const { capabilities } = build().process;
    assert.deepEqual(Object.keys(capabilities).sort(), ["bounding", "effective", "permitted"]);
    assert.equal(capabilities.bounding.length, 14);
  });

  it("names all groups (C6)", () => {
    const user = { uid: 1, gid: 2, additionalGids: [2, 3], home: "/" };
    const { process } = build({ user });
    assert.deepEqual(process.user, { uid: 1, gid: 2, additionalGids: [2, 3] });
  });

  it("makes or shares namespaces", () => {
    const types = (wanted: Wanted) =>
      build(wanted).linux.namespaces.map(({ type, path = "" }) => `${type}${path}`);
    assert.deepEqual(types({}), ["mount", "network/run/x/netns", "uts", "pid", "ipc"]);
    assert.deepEqual(types({ host: { CgroupnsMode: "private" } }).at(-1), "cgroup");
    const namespaces = { network: "host", pid: "host", ipc: "host" } as const;
    assert.deepEqual(types({ namespaces, host: { UTSMode: "host" } }), ["mount"]);
    const joined = { network: "new", pid: { path: "/p" }, ipc: { path: "/i" } } as const;
    assert.deepEqual(types({ namespaces: joined }), ["mount", "network", "uts", "pid/p", "ipc/i"]);
    assert.equal(build({ host: { UTSMode: "host" } }).hostname, undefined);
  });

  it("leaves a score alone that this machine does not let it lower", () => {
    const weak = {
      ...machine,
      oomScore: 200,
      capabilities: machine.capabilities.filter((name) => name !== "CAP_SYS_RESOURCE"),
    };
    assert.equal(build({ machine: weak }).process.oomScoreAdj, undefined);
    assert.equal(build({ machine: { ...machine, oomScore: 200 } }).process.oomScoreAdj, 0);
    assert.equal(build({ machine: weak, host: { OomScoreAdj: 300 } }).process.oomScoreAdj, 300);
  });

  it("asks for no limit on its own", () => {
    assert.equal(build().process.rlimits, undefined);
  });

  it("writes limits that JavaScript's numbers can't hold", () => {
    const spec = build({ host: { Ulimits: [{ Name: "core", Soft: -1, Hard: -1 }] } });
    const text = formatOciDocument(spec);
    assert.match(text, /"soft":18446744073709551615,"hard":18446744073709551615/);
    assert.equal(formatOciDocument(parseOciSpec(text)), text);
  });

  it("refuses limits that are none", () => {
    const ulimits = (Name: string, Soft: number, Hard: number): Wanted => ({
      host: { Ulimits: [{ Name, Soft, Hard }] },
    });
    refused(ulimits("files", 1, 1), "CONTAINER_INVALID", "invalid ulimit type: files");
    refused(
      ulimits("nofile", 3, 2),
      "CONTAINER_INVALID",
      "ulimit soft limit must be less than or equal to hard limit: 3 > 2",
    );
    refused(ulimits("nofile", -1, 2), "CONTAINER_INVALID", /must be less than or equal/);
  });

  it("has Docker's sysctls, and the user's", () => {
    const sysctl = (wanted: Wanted) => build(wanted).linux.sysctl;
    const own = { "net.ipv4.ip_unprivileged_port_start": "80", "kernel.msgmax": "1" };
    assert.deepEqual(sysctl({ host: { Sysctls: own }, config: { Domainname: "d" } }), {
      "net.ipv4.ping_group_range": "0 2147483647",
      ...own,
      "kernel.domainname": "d",
    });
    assert.equal(sysctl({ namespaces: { network: "host" } }), undefined);
    assert.equal(sysctl({ host: { NetworkMode: "container:x" } }), undefined);
    assert.equal(sysctl({ machine: { ...machine, hasSysctl: () => false } }), undefined);
  });

  it("refuses sysctls that would change the machine", () => {
    const sysctl = (name: string, more: Wanted = {}): Wanted => ({
      ...more,
      host: { Sysctls: { [name]: "1" } },
    });
    for (const name of ["kernel.panic", "vm.swappiness", "kernel.hostname", "fs.file-max"]) {
      refused(sysctl(name), "CONTAINER_INVALID", `sysctl '${name}' is not allowed`);
    }
    refused(
      sysctl("net.core.somaxconn", { namespaces: { network: "host" } }),
      "CONTAINER_INVALID",
      "sysctl 'net.core.somaxconn' not allowed in host network namespace",
    );
    refused(
      sysctl("kernel.sem", { namespaces: { network: "new", ipc: "host" } }),
      "CONTAINER_INVALID",
      "sysctl 'kernel.sem' not allowed in host ipc namespace",
    );
  });

  it("hides what Docker hides, but for the privileged", () => {
    const { maskedPaths, readonlyPaths } = build().linux;
    assert.equal(maskedPaths?.length, 12);
    assert.equal(readonlyPaths?.length, 5);
    const privileged = build({ host: { Privileged: true } });
    assert.deepEqual(privileged.linux.maskedPaths, []);
    assert.equal(privileged.linux.seccomp, undefined);
    assert.deepEqual(privileged.linux.resources.devices, [{ allow: true, access: "rwm" }]);
    assert.deepEqual(privileged.process.capabilities.bounding, knownCapabilities);
    const options = (destination: string) =>
      privileged.mounts.find((mount) => mount.destination === destination)?.options;
    assert.ok(!options("/sys")?.includes("ro"));
    assert.ok(!options("/sys/fs/cgroup")?.includes("ro"));
    assert.deepEqual(build({ host: { MaskedPaths: ["/x"] } }).linux.maskedPaths, ["/x"]);
  });

  it("has limits as the runtime wants them", () => {
    const resources = (host: HostConfig) => {
      const { devices: _, ...rest } = build({ host }).linux.resources;
      return rest;
    };
    assert.deepEqual(resources({}), {});
    assert.deepEqual(resources({ NanoCpus: 1_500_000_000 }), {
      cpu: { period: 100_000, quota: 150_000 },
    });
    assert.deepEqual(resources({ Memory: 100, MemorySwap: -1, MemorySwappiness: -1 }), {
      memory: { limit: 100, swap: -1 },
    });
    assert.deepEqual(resources({ PidsLimit: 0, OomKillDisable: false }), { pids: { limit: -1 } });
    assert.deepEqual(resources({ BlkioWeight: 10 }), { blockIO: { weight: 10 } });
  });
});

describe("mounts", () => {
  const bind = (destination: string, more = {}) =>
    ({ type: "bind", source: "/s", destination, ...more }) as const;

  it("come parents first, the user's in place of lade's", () => {
    const spec = build({
      mounts: [bind("/a/b/c"), bind("/etc/hosts", { isReadOnly: true }), bind("/a"), bind("/proc")],
      files: { hosts: "/h", hostname: "/n", resolvConf: "/r" },
      shm: "/shm",
    });
    const own = spec.mounts.slice(spec.mounts.findIndex(({ type }) => type === "bind"));
    assert.deepEqual(
      own.map(({ destination, source }) => [destination, source]),
      [
        ["/a", "/s"],
        ["/proc", "/s"],
        ["/etc/resolv.conf", "/r"],
        ["/etc/hostname", "/n"],
        ["/etc/hosts", "/s"],
        ["/dev/shm", "/shm"],
        ["/a/b/c", "/s"],
      ],
    );
    assert.equal(spec.mounts.filter(({ destination }) => destination === "/proc").length, 1);
    assert.deepEqual(own[4]?.options, ["rbind", "rro"]);
  });

  it("have the options that were asked for", () => {
    const options = (more: object, kernel = machine.kernel) =>
      build({ mounts: [bind("/m", more)], machine: { ...machine, kernel } }).mounts.at(-1)?.options;
    assert.deepEqual(options({}), ["rbind"]);
    assert.deepEqual(options({ isReadOnly: true, isNonRecursive: true }), ["bind", "ro"]);
    assert.deepEqual(options({ isReadOnly: true }, { major: 5, minor: 10 }), ["rbind", "ro"]);
    assert.deepEqual(options({ propagation: "rslave" }), ["rbind", "rslave"]);
    const root = (propagation: string) =>
      build({ mounts: [bind("/m", { propagation })] }).linux.rootfsPropagation;
    assert.deepEqual(["rprivate", "slave", "rslave", "shared", "rshared"].map(root), [
      undefined,
      "rslave",
      "rslave",
      "shared",
      "shared",
    ]);
  });

  it("of a tmpfs have the last of options that undo each other", () => {
    for (const [options, want] of [
      ["noexec,exec", "exec"],
      ["size=1,size=2,mode=7", "size=2,mode=7"],
      ["rprivate,shared,defaults", "shared"],
      ["ro,rw,nosuid", "rw,nosuid"],
    ] as const) {
      assert.equal(mergeTmpfsOptions(options.split(",")).join(), want);
    }
    for (const [option, name] of [
      ["upperdir=/x", "upperdir"],
      ["huge", "huge"],
      ["", ""],
      ["__proto__", "__proto__"],
    ] as const) {
      assert.throws(() => mergeTmpfsOptions([option]), {
        code: "CONTAINER_INVALID",
        message: `invalid tmpfs option "${name}"`,
      });
    }
  });

  it("are read-only with the root, but for the kernel's own", () => {
    const spec = build({ host: { ReadonlyRootfs: true }, files: { hosts: "/h" } });
    assert.equal(spec.root.readonly, true);
    const writable = spec.mounts.filter(({ options }) => !/\br?ro\b/.test(options.join()));
    assert.deepEqual(
      writable.map(({ destination }) => destination),
      ["/proc", "/dev", "/dev/pts", "/dev/mqueue", "/dev/shm"],
    );
  });
});

describe("chooseCapabilities", () => {
  const choose = (add: string[], drop: string[], available = knownCapabilities) =>
    chooseCapabilities({ add, drop, isPrivileged: false }, available);

  it("adds and drops in Docker's spelling", () => {
    assert.deepEqual(choose([], []), defaultCapabilities);
    assert.deepEqual(choose(["chown", "CAP_CHOWN"], ["ALL"]), ["CAP_CHOWN"]);
    assert.deepEqual(choose(["all"], ["CAP_SYS_ADMIN"]).length, knownCapabilities.length - 1);
    assert.ok(!choose([], ["Mknod"]).includes("CAP_MKNOD"));
    assert.deepEqual(choose(["ALL"], ["ALL"]), knownCapabilities);
  });

  it("gives no more than it has", () => {
    assert.deepEqual(choose([], [], ["CAP_CHOWN", "CAP_SYS_ADMIN"]), ["CAP_CHOWN"]);
    assert.throws(() => choose(["SYS_TIME"], [], ["CAP_CHOWN"]), {
      code: "CONTAINER_INVALID",
      message:
        "capability not supported by your kernel or not available in the current environment: " +
        '"CAP_SYS_TIME"',
    });
    assert.throws(() => choose([], ["nope"]), { message: 'unknown capability: "CAP_NOPE"' });
  });
});

describe("makeEnvironment", () => {
  it("has Docker's variables, and the container's in their place", () => {
    const own = ["A=1", "PATH=/bin", "B", "A=2=3", "HOSTNAME"];
    assert.deepEqual(makeEnvironment({ hostname: "h", hasTerminal: true, own }), [
      "PATH=/bin",
      "TERM=xterm",
      "A=2=3",
    ]);
  });
});

describe("readSecurityOptions", () => {
  const read = (...options: string[]) => readSecurityOptions(options, { hasApparmor: false });

  it("knows Docker's options, with = and :", () => {
    assert.deepEqual(read(), { noNewPrivileges: false });
    for (const option of ["no-new-privileges", "no-new-privileges=true", "no-new-privileges:1"]) {
      assert.equal(read(option).noNewPrivileges, true);
    }
    assert.equal(read("seccomp=unconfined").seccomp, "unconfined");
    assert.equal(read('seccomp={"a":"b=c"}').seccomp, '{"a":"b=c"}');
    assert.equal(read("apparmor=unconfined").apparmor, "unconfined");
    assert.equal(read("writable-cgroups=false").writableCgroups, false);
    assert.deepEqual(read("label=disable", "disable"), { noNewPrivileges: false });
  });

  it("refuses what it does not know, and what this kernel can't keep", () => {
    for (const [option, code, message] of [
      ["x", "CONTAINER_INVALID", 'invalid --security-opt 1: "x"'],
      ["x=y", "CONTAINER_INVALID", 'invalid --security-opt 2: "x=y"'],
      ["no-new-privileges=perhaps", "CONTAINER_INVALID", /--security-opt 2/],
      ["apparmor=docker-default", "UNSUPPORTED", /no AppArmor/],
      ["label=type:x", "UNSUPPORTED", /SELinux/],
    ] as const) {
      assert.throws(() => read(option), { code, message }, option);
    }
    const withApparmor = readSecurityOptions(["apparmor=mine"], { hasApparmor: true });
    assert.equal(withApparmor.apparmor, "mine");
  });
});

describe("cgroupsPath", () => {
  it("has the form that the runtime's manager of cgroups wants", () => {
    assert.equal(cgroupsPath("id", "", false), "/lade/id");
    assert.equal(cgroupsPath("id", "/a/../b", false), "/b/id");
    assert.equal(cgroupsPath("id", "../../x", false), "/x/id");
    assert.equal(cgroupsPath("id", "", true), "system.slice:lade:id");
    assert.equal(cgroupsPath("id", "my.slice", true), "my.slice:lade:id");
  });
});
