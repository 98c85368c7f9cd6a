// SPDX-License-Identifier: Apache-2.0

/** A slice of goal G5's audit of files, and the judge that it rests on. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { boundsOf } from "./audit-bounds.ts";
import { auditFiles, wayCount } from "./file-audit.ts";
import { judgeTrace } from "./file-judge.ts";
import { copyLade, type LadeCopy } from "./source-copy.ts";

const bounds = boundsOf({
  folder: "/box",
  root: "/box/store",
  runRoot: "/box/run",
  files: "/box/files",
  victim: "/box/victim",
  program: "/lade/dist/start.cjs",
});

const upper = "/box/store/containers/c1/upper";
const rootfs = "/box/run/containers/c1/rootfs";
const execNode = `execve("${process.execPath}", ["node"], 0x1 /* 3 vars */) = 0`;

/** @param lines of thread 1 after its start, unless they begin with another one's number */
function judge(...lines: readonly string[]) {
  const all = [execNode, ...lines].map((line) => (/^\d/.test(line) ? line : `1 ${line}`));
  return judgeTrace(`${all.join("\n")}\n`, bounds);
}

/** What is wrong with one call. */
function fault(...lines: readonly string[]): string | undefined {
  const { failures } = judge(...lines);
  assert.ok(failures.length <= 1, failures.join("\n"));
  return failures[0]?.replace(/: .*/s, "");
}

const reached = "the folder outside was reached";
const changed = "something is changed outside of lade's folders";
const readOut = "something is read outside of lade's folders";
const followed = "the kernel follows a name that an archive chose";
const resolved = "the kernel resolves a name that an archive chose";

describe("judgeTrace", () => {
  it("takes what lade needs", () => {
    const verdict = judge(
      'openat(AT_FDCWD</box>, "/box/store/lade.db", O_RDWR|O_CREAT|O_NOFOLLOW, 0644) = 3</box/store/lade.db>',
      'openat(AT_FDCWD</box>, "/lib/libc.so.6", O_RDONLY) = 4</usr/lib/x86_64-linux-gnu/libc.so.6>',
      'openat(AT_FDCWD</box>, "/dev/null", O_RDWR) = 4</dev/null>',
      'mkdir("/sys/fs/cgroup/pids/lade/c1", 0777) = 0',
      'stat("/etc/machine-id", {st_mode=S_IFREG|0444, ...}) = 0',
      'openat(AT_FDCWD</box>, "/etc/ld.so.preload", O_RDONLY) = -1 ENOENT (No such file or directory)',
      `symlinkat("/box/victim", 5<${upper}>, "l") = 0`,
      "fchown(7<socket:[12]>, 0, 0) = 0",
    );
    assert.deepEqual(verdict.failures, []);
    assert.equal(verdict.calls, 7);
    assert.deepEqual(Object.fromEntries(verdict.outside), {
      "shared libraries": 1,
      "devices that hold nothing": 1,
      "control groups of containers": 1,
    });
  });

  it("sees where an open ended, whatever it named", () => {
    const open = `openat(5<${upper}>, "l", O_RDONLY|O_NOFOLLOW) = 6`;
    assert.equal(fault(`${open}</box/victim>`), reached);
    assert.equal(fault(`${open}</box/victim/secret>`), reached);
    assert.equal(fault(`${open}</etc/shadow>`), readOut);
    assert.equal(fault(`${open}</box/victims>`), readOut);
    assert.equal(fault(`${open}<${upper}/l>`), undefined);
    const held = `openat2(5<${rootfs}>, "a/b", {flags=O_RDONLY, resolve=RESOLVE_IN_ROOT}, 24) = 6`;
    assert.equal(fault(`${held}<${rootfs}/a/b>`), undefined);
    assert.equal(fault(`${held}</box/victim/b>`), reached);
  });

  it("lets nothing of the folder outside be asked for, in vain as well", () => {
    assert.equal(fault('stat("/box/victim/secret", {st_mode=S_IFREG|0640, ...}) = 0'), reached);
    assert.equal(fault('readlinkat(AT_FDCWD</box/run>, "../victim/link", "x", 9) = 6'), reached);
    assert.equal(fault('access("/box/victim/new", F_OK) = -1 ENOENT (No such file)'), reached);
    assert.equal(fault('linkat(3</box/victim>, "secret", 4</box/store>, "h", 0) = 0'), reached);
    assert.equal(fault('unlinkat(3</box/victim (deleted)>, "secret", 0) = 0'), reached);
    assert.equal(
      fault(
        'fsconfig(3<anon_inode:[fscontext]>, FSCONFIG_SET_STRING, "lowerdir", "/box/run/a:/box/victim", 0) = 0',
      ),
      reached,
    );
    assert.equal(fault('mount("/box/victim", "/box/run/m", NULL, MS_BIND, NULL) = 0'), reached);
    assert.equal(
      fault('connect(3<socket:[1]>, {sa_family=AF_UNIX, sun_path="/box/victim/s"}, 110) = 0'),
      reached,
    );
  });

  it("knows what changes something", () => {
    for (const call of [
      'mkdir("/tmp/new", 0777) = 0',
      'openat(AT_FDCWD</box>, "/etc/group", O_WRONLY) = 3</etc/group>',
      'rename("/box/store/a", "/box/a") = 0',
      'lsetxattr("/etc/x", "user.a", "b", 1, 0) = 0',
      "fchmod(9</etc/passwd>, 0777) = 0",
      "utimensat(9</etc/passwd>, NULL, [{tv_sec=1, tv_nsec=0}, UTIME_OMIT], 0) = 0",
      'symlink("/box/store", "/etc/link") = 0',
      'openat(AT_FDCWD</box>, "/tmp", O_WRONLY|O_TMPFILE, 0600) = 3</tmp/#12>(deleted)',
    ]) {
      assert.equal(fault(call), changed, call);
    }
    assert.equal(fault('chroot("/box/store") = 0'), "a call that the audit does not know");
  });

  it("lets the kernel take one name of an archive at a time, and no symlink", () => {
    const stat = "{stx_mode=S_IFREG|0644, ...}) = 0";
    assert.equal(
      fault(`statx(5<${upper}>, "a", AT_SYMLINK_NOFOLLOW, STATX_ALL, ${stat}`),
      undefined,
    );
    assert.equal(
      fault(`statx(5<${upper}>, "a", AT_STATX_SYNC_AS_STAT, STATX_ALL, ${stat}`),
      followed,
    );
    assert.equal(fault(`lstat("${upper}/a/b", {st_mode=S_IFREG|0644, ...}) = 0`), resolved);
    assert.equal(fault(`mkdirat(5<${rootfs}>, "a/b", 0755) = 0`), resolved);
    assert.equal(fault(`chmod("${rootfs}/a", 0755) = 0`), followed);
    assert.equal(fault(`stat("${upper}", {st_mode=S_IFDIR|0755, ...}) = 0`), undefined);
  });

  it("sees through names of open files", () => {
    const open = (path: string) =>
      `openat(5<${upper}>, "f", O_RDONLY|O_NOFOLLOW|O_PATH) = 20<${path}>`;
    const change = 'chmod("/proc/self/fd/20", 0755) = 0';
    assert.deepEqual(judge(open(`${upper}/f`), change).failures, []);
    assert.equal(judge(open("/box/victim/secret"), change).failures.length, 2);
  });

  it("leaves out what other programs do, and comes back with lade", () => {
    const outside = 'mkdir("/elsewhere", 0777) = 0';
    const { failures, programs } = judge(
      "vfork( <unfinished ...>",
      '2 execve("/usr/bin/conmon", ["conmon"], 0x1 /* 1 var */ <unfinished ...>',
      "1 <... vfork resumed>) = 2",
      "2 <... execve resumed>) = 0",
      `2 ${outside}`,
      "2 clone(child_stack=NULL, flags=SIGCHLD) = 5 /* 3 in strace's PID NS */",
      "2 +++ exited with 0 +++",
      `3 ${outside}`,
      `3 ${execNode}`,
      "3 clone3({flags=CLONE_VM|CLONE_THREAD, stack=0x1}, 88) = 4",
      `4 ${outside}`,
    );
    assert.deepEqual(failures, [`${changed}: ${outside}`]);
    assert.deepEqual(Object.fromEntries(programs), { conmon: 1 });
  });

  it("names programs that lade has no need of", () => {
    const exec = 'execve("/usr/bin/tar", ["tar"], 0x1 /* 1 var */) = 0';
    assert.equal(fault(exec), "a program that lade needs not");
  });

  it("does not guess what it can't read", () => {
    assert.throws(() => judge("7 close(3) = 0"), /who is 7/);
    assert.throws(() => judge("openat(AT_FDCWD</box>"), /no call/);
    assert.throws(() => judge("?"), /no call/);
  });
});

describe("layers that try to get out, traced", () => {
  let lade: LadeCopy;
  before(async () => {
    lade = await copyLade();
  });
  after(() => lade[Symbol.dispose]());

  // Each layer by one way; all by all with `npm run test:faults -- G5`.
  it("touch nothing outside", async () => {
    const { program } = lade;
    const takes = (layer: number, way: number) => (layer + way) % wayCount === 0;
    const ways = await auditFiles({ program, takes });
    assert.deepEqual(
      ways.flatMap(({ failures }) => failures),
      [],
    );
    assert.equal(ways.length, wayCount);
    for (const { name, calls } of ways) assert.ok(calls > 500, `${name}: ${calls} calls`);
    assert.ok(ways.some(({ programs }) => (programs.conmon ?? 0) > 0));
  });
});
