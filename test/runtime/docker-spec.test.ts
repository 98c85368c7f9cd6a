// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { readDevices } from "../../src/runtime/devices.ts";
import { readMachine } from "../../src/runtime/machine.ts";
import { buildSpec } from "../../src/runtime/spec/build-spec.ts";
import type { SpecMount } from "../../src/runtime/spec/input.ts";
import { initDestination } from "../../src/runtime/spec/mounts.ts";
import type { OciSeccomp, OciSpec } from "../../src/runtime/spec/oci-spec.ts";
import { findInit } from "../../src/runtime/tools.ts";
import { resolveUser } from "../../src/runtime/users.ts";
import type { ContainerConfig, HostConfig, MountPoint } from "../../src/spec/container.ts";
import { type Dockerd, startDockerd } from "../helpers/dockerd.ts";
import { runOrThrow } from "../helpers/tools.ts";
import { type Lab, openLab } from "./box.ts";

/** What Debian's Docker hands to runc, beside what lade makes of the same settings. */

let lab: Lab;
let dockerd: Dockerd;

before(async () => {
  lab = openLab();
  dockerd = await startDockerd();
  const tar = join(lab.folder, "rootfs.tar");
  await runOrThrow("tar", ["-C", lab.rootfs, "-cf", tar, "."]);
  await runOrThrow("/usr/bin/docker", ["-H", dockerd.host, "import", tar, "box"]);
});
after(async () => {
  await dockerd?.[Symbol.asyncDispose]();
  await lab?.[Symbol.asyncDispose]();
});

interface Inspected {
  readonly Id: string;
  readonly Config: ContainerConfig;
  readonly HostConfig: HostConfig;
  readonly Mounts: readonly MountPoint[];
}

async function bothSpecs(flags: readonly string[]): Promise<{ docker: OciSpec; lade: OciSpec }> {
  const words = ["run", "--detach", "--network=none", ...flags, "box", "sleep", "60"];
  const run = await dockerd.docker(...words);
  assert.equal(run.code, 0, run.stderr);
  const id = run.stdout.trim();
  const state = join(dockerd.host.slice("unix://".length), "../exec/containerd/daemon");
  const bundle = join(state, "io.containerd.runtime.v2.task/moby", id, "config.json");
  const docker = JSON.parse(fs.readFileSync(bundle, "utf8")) as OciSpec;
  const [inspected] = JSON.parse((await dockerd.docker("inspect", id)).stdout) as [Inspected];
  await dockerd.docker("rm", "--force", "--volumes", id);
  return { docker, lade: ours(inspected) };
}

function ours({ Id: id, Config: config, HostConfig: host, Mounts: mounts }: Inspected): OciSpec {
  const isHost = (mode: string | undefined) => (mode === "host" ? "host" : undefined);
  return buildSpec({
    id,
    rootfs: lab.rootfs,
    config,
    host,
    hostname: config.Hostname ?? "",
    user: resolveUser(lab.rootfs, config.User ?? "", host.GroupAdd ?? []),
    mounts: [...mounts.map(ownMount), ...tmpfsMounts(host)],
    files: { hosts: "/x/hosts", hostname: "/x/hostname", resolvConf: "/x/resolv.conf" },
    shm: host.IpcMode === "host" ? "/dev/shm" : undefined,
    namespaces: { network: "new", ipc: isHost(host.IpcMode), pid: isHost(host.PidMode) },
    devices: readDevices(host),
    init: host.Init === true ? findInit() : undefined,
    machine: readMachine(),
  });
}

function ownMount(mount: MountPoint): SpecMount {
  return {
    type: mount.Type === "tmpfs" ? "tmpfs" : "bind",
    source: mount.Source,
    destination: mount.Destination,
    isReadOnly: !mount.RW,
    propagation: mount.Propagation,
  };
}

function tmpfsMounts(host: HostConfig): readonly SpecMount[] {
  return Object.entries(host.Tmpfs ?? {}).map(([destination, options]) => ({
    type: "tmpfs",
    source: "",
    destination,
    options,
  }));
}

/** Without what Go writes for nothing, and what can't be the same. */
function comparable(spec: OciSpec) {
  const { process, root, hostname, mounts, linux } = spec;
  return {
    process: withoutZeros({
      ...process,
      user: { ...process.user, additionalGids: [...process.user.additionalGids].sort() },
      // Of other users, older Dockers name the bounding set only; the others are lost at exec.
      capabilities: Object.fromEntries(
        Object.entries(process.capabilities)
          .filter(([set]) => process.user.uid === 0 || set === "bounding")
          .map(([set, names]) => [set, [...names].sort()]),
      ),
      env: [...process.env].sort(),
    }),
    root: { readonly: root.readonly === true },
    hostname,
    mounts: Object.fromEntries(
      mounts.map(({ destination, type, source, options }) => [
        destination,
        {
          type,
          ...(!destination.startsWith("/etc/") && { source }),
          // Newer Dockers make read-only binds so in depth, as lade does.
          options: options.map((option) => (option === "rro" ? "ro" : option)).sort(),
        },
      ]),
    ),
    linux: withoutZeros({
      namespaces: linux.namespaces.map(({ type }) => type).sort(),
      resources: linux.resources,
      sysctl: linux.sysctl,
      devices: [...(linux.devices ?? [])].sort((a, b) => (a.path < b.path ? -1 : 1)),
      readonlyPaths: linux.readonlyPaths,
      rootfsPropagation: linux.rootfsPropagation,
    }),
  };
}

function withoutZeros(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutZeros);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .map(([name, member]) => [name, withoutZeros(member)] as const)
    .filter(([, member]) => !isZero(member));
  return Object.fromEntries(entries);
}

function isZero(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

async function same(...flags: readonly string[]) {
  const { docker, lade } = await bothSpecs(flags);
  assert.deepEqual(comparable(lade), comparable(docker));
  return { docker, lade };
}

/** Calls that a profile allows without a condition on their parameters. */
function allowed(seccomp: OciSeccomp | undefined): Set<string> {
  const rules = (seccomp?.syscalls ?? []).filter(
    ({ action, args }) => action === "SCMP_ACT_ALLOW" && (args ?? []).length === 0,
  );
  return new Set(rules.flatMap(({ names }) => names));
}

describe("a container's document", () => {
  it("is Docker's where nothing is asked for", async () => {
    const { docker, lade } = await same();
    const masked = new Set(lade.linux.maskedPaths);
    assert.deepEqual(
      docker.linux.maskedPaths?.filter((path) => !masked.has(path)),
      [],
    );
  });

  it("is Docker's with variables, user, names and terminal", async () => {
    await same("-t", "-e", "A=1", "-e", "PATH=/bin", "-w", "/data", "-h", "name", "-u", "app");
    await same("--domainname=example.org", "-u", "1000:77", "--group-add=wheel", "--group-add=5");
    await same("--uts=host", "-u", ":extra");
  });

  it("is Docker's with capabilities and security options", async () => {
    await same("--cap-drop=ALL", "--cap-add=net_admin", "--security-opt=no-new-privileges");
    await same("--cap-add=CAP_SYS_PTRACE", "--cap-drop=mknod", "--security-opt=label=disable");
    const { docker, lade } = await same("--security-opt=seccomp=unconfined");
    assert.equal(docker.linux.seccomp, undefined);
    assert.equal(lade.linux.seccomp, undefined);
  });

  it("is Docker's where it is privileged", async (t) => {
    // Docker asks for all capabilities that the kernel has, though it may lack some itself.
    const probe = await dockerd.docker(
      "run",
      "--rm",
      "--privileged",
      "--network=none",
      "box",
      "true",
    );
    if (probe.code !== 0) {
      t.skip(probe.stderr.trim());
      return;
    }
    const { docker, lade } = await same("--privileged");
    assert.equal(docker.linux.seccomp, undefined);
    assert.equal(lade.linux.seccomp, undefined);
    assert.deepEqual([lade.linux.maskedPaths, lade.linux.readonlyPaths], [[], []]);
  });

  it("is Docker's with limits", async () => {
    await same(
      ...["-m=64m", "--memory-swap=128m", "--memory-reservation=32m", "--pids-limit=50"],
      ...["--cpu-shares=512", "--cpuset-cpus=0", "--oom-score-adj=500", "--cpus=0.5"],
      ...["--ulimit=nofile=100:200", "--ulimit=core=0", "--memory-swappiness=10"],
    );
    await same("--cpu-period=50000", "--cpu-quota=25000", "--pids-limit=-1");
  });

  it("is Docker's with mounts", async () => {
    const source = join(lab.folder, "source");
    fs.mkdirSync(source, { recursive: true });
    await same(`--volume=${source}:/data/deep:ro`, "--volume=named:/v", `-v=${source}:/etc/x`);
    await same("--read-only", "--tmpfs=/run:size=1m,exec", "--tmpfs=/tmp", "--shm-size=1m");
    await same("--ipc=host", "--pid=host");
    await same("--ipc=none");
    await same("--volume=/dev:/dev");
  });

  it("is Docker's with an init", async () => {
    const { docker, lade } = await bothSpecs(["--init"]);
    // Older Dockers put it elsewhere.
    const place = "/sbin/docker-init";
    assert.equal(initDestination, place);
    assert.deepEqual(lade.process.args, docker.process.args);
    const [mine, theirs] = [lade, docker].map(({ mounts }) =>
      mounts.find(({ destination }) => destination === place),
    );
    assert.deepEqual(mine?.options, theirs?.options);
  });

  it("is Docker's with devices, rules and sysctls", async () => {
    await same(
      ...["--device=/dev/null:/dev/mine:r", "--device=/dev/zero", "--sysctl=kernel.shmmax=1000"],
      ...["--device-cgroup-rule=c 42:* rmw", "--sysctl=net.ipv4.ip_forward=1"],
    );
  });

  it("allows the system calls that Docker allows, and what came later", async () => {
    const { docker, lade } = await bothSpecs([]);
    const [mine, theirs] = [allowed(lade.linux.seccomp), allowed(docker.linux.seccomp)];
    // Docker 25 keeps containers from io_uring, and later ones from some kinds of sockets.
    const dropped = /^(?:io_uring_(?:enter|register|setup)|socket)$/;
    const missing = [...theirs].filter((name) => !mine.has(name) && !dropped.test(name));
    assert.deepEqual(missing, []);
    const later = [...mine].filter((name) => !theirs.has(name)).sort();
    for (const name of ["mount", "setns", "bpf", "keyctl", "add_key", "userfaultfd", "reboot"]) {
      assert.ok(!mine.has(name), name);
    }
    assert.ok(
      later.every((name) => knownLater.has(name)),
      later.join(" "),
    );
    const { lade: admin, docker: dockerAdmin } = await bothSpecs(["--cap-add=SYS_ADMIN"]);
    const adminHas = allowed(admin.linux.seccomp);
    const adminLacks = [...allowed(dockerAdmin.linux.seccomp)].filter(
      (name) => !adminHas.has(name) && !dropped.test(name),
    );
    assert.deepEqual(adminLacks, []);
    assert.deepEqual(lade.linux.seccomp?.architectures, docker.linux.seccomp?.architectures);
  });
});

/** Calls of kernels that are newer than Docker 20.10. */
const knownLater = new Set(
  (
    "cachestat fchmodat2 futex_requeue futex_wait futex_waitv futex_wake getxattrat listmount " +
    "listxattrat map_shadow_stack mseal process_mrelease removexattrat riscv_hwprobe setxattrat " +
    "statmount uretprobe memfd_secret landlock_add_rule landlock_create_ruleset " +
    "landlock_restrict_self name_to_handle_at pkey_alloc pkey_free pkey_mprotect close_range " +
    "epoll_pwait2 faccessat2 openat2 pidfd_open pidfd_send_signal sched_rr_get_interval_time64 " +
    "clock_settime64 ptrace process_vm_readv process_vm_writev"
  ).split(" "),
);
