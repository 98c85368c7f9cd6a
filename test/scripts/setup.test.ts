// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

const projectRoot = join(import.meta.dirname, "..", "..");
const ready = "setup: ready: ./bin/lade (npm link puts it on PATH)\n";
const isRoot = process.getuid?.() === 0;
const unprivileged = isRoot ? { uid: 65_534, gid: 65_534 } : {};

/** Stands for npm: notes its arguments, and installs by a link to this project's packages. */
const fakeNpm = `
  import { appendFileSync, symlinkSync } from "node:fs";
  appendFileSync("npm.log", process.argv.slice(2).join(" ") + "\\n");
  if (process.env.FAKE_NPM_ERROR) { console.error(process.env.FAKE_NPM_ERROR); process.exit(1); }
  symlinkSync(${JSON.stringify(join(projectRoot, "node_modules"))}, "node_modules");`;

/** Stands for apt-get: knows no package before an update, and then "installs" a static busybox. */
const fakeApt = (tools: string): string => `#!/bin/sh
echo "$*" >> apt.log
case " $* " in
  *" update "*) : > updated ;;
  *) [ -e updated ] || { echo "E: Unable to locate package" >&2; exit 100; }
     cp "${tools}/static" "${tools}/busybox" ;;
esac
`;

describe("setup", () => {
  let folder = "";
  let tools = "";
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "lade-setup-")));
    tools = join(folder, "tools");
    const files: Readonly<Record<string, string>> = {
      "bin/main.ts": 'console.log("the program");',
      "src/base/one.ts": "export const one = 1;",
      "fake-npm.js": fakeNpm,
      "tools/apt-get": fakeApt(tools),
    };
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text, { mode: 0o755 });
    }
    for (const name of ["package.json", "package-lock.json", "scripts", "bin/lade"]) {
      cpSync(join(projectRoot, name), join(folder, name), { recursive: true });
    }
    // A static program is an ELF file without an interpreter, and needs to be no more than that.
    const elf = Buffer.alloc(64);
    elf.set([0x7f, 0x45, 0x4c, 0x46, 2]);
    writeFileSync(join(tools, "static"), elf, { mode: 0o755 });
    for (const name of ["cp", "sh", "dirname"]) symlinkSync(`/bin/${name}`, join(tools, name));
    for (const name of ["runc", "conmon", "netavark", "iptables"]) {
      writeFileSync(join(tools, name), "", { mode: 0o755 });
    }
    chmodSync(folder, 0o777);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const setup = (args: readonly string[] = [], env: NodeJS.ProcessEnv = {}, user = {}) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(folder, "scripts/setup.mjs"), ...args],
      {
        cwd: folder,
        encoding: "utf8",
        env: { PATH: tools, npm_execpath: join(folder, "fake-npm.js"), ...env },
        ...user,
      },
    );
    return { status, stdout: stdout.replace(/\d+\.\d s$/gm, "N s"), stderr };
  };
  const installBusybox = () => cpSync(join(tools, "static"), join(tools, "busybox"));
  const log = (name: string) => readFileSync(join(folder, name), "utf8").trim().split("\n");

  it("installs, builds, and then has nothing to do", () => {
    installBusybox();
    const first = setup();
    assert.equal(first.stderr, "");
    assert.equal(
      first.stdout,
      `setup: npm packages (npm ci) … N s\nsetup: bundle (scripts/build.ts) … N s\n${ready}`,
    );
    assert.equal(first.status, 0);
    assert.match(log("npm.log")[0] ?? "", /^ci --ignore-scripts /);
    assert.equal(spawnSync(join(folder, "bin/lade")).stdout.toString(), "the program\n");

    assert.deepEqual(setup(), { status: 0, stdout: ready, stderr: "" });
    assert.deepEqual(setup(["--quiet"]), { status: 0, stdout: "", stderr: "" });
    assert.equal(log("npm.log").length, 1);
  });

  it("builds again when a source was changed, added or deleted, and when dist is gone", () => {
    installBusybox();
    setup();
    const built = "setup: bundle (scripts/build.ts) … N s\n";
    const changes = [
      () => utimesSync(join(folder, "src/base/one.ts"), 1, 1),
      () => writeFileSync(join(folder, "src/base/two.ts"), ""),
      () => rmSync(join(folder, "src/base/two.ts")),
      () => rmSync(join(folder, "dist"), { recursive: true }),
    ];
    for (const change of changes) {
      change();
      assert.equal(setup(["--quiet"]).stdout, built, String(change));
      assert.equal(setup(["--quiet"]).stdout, "", String(change));
    }
  });

  it("installs again when the lock file asks for other packages", () => {
    installBusybox();
    setup();
    const lock = join(folder, "package-lock.json");
    const text = readFileSync(lock, "utf8");
    const { packages } = JSON.parse(text);
    const { version } = packages["node_modules/commander"];
    packages["node_modules/commander"].version = `${version}-other`;
    rmSync(join(folder, "node_modules"));
    symlinkSync(join(projectRoot, "node_modules"), join(folder, "node_modules"));
    writeFileSync(lock, JSON.stringify({ packages }));
    const { status, stderr } = setup([], { FAKE_NPM_ERROR: "npm error code E404" });
    assert.equal(status, 1);
    assert.equal(stderr, "setup: npm ci failed:\nnpm error code E404\n");
  });

  it("says what to install, with reasons, where it is not root", () => {
    symlinkSync(join(projectRoot, "node_modules"), join(folder, "node_modules"));
    const { status, stdout, stderr } = setup(["--quiet"], {}, unprivileged);
    assert.equal(stderr, "");
    assert.equal(
      stdout.split("\n").slice(0, 3).join("\n"),
      "setup: missing Debian packages, to be installed by root:\n" +
        "  busybox-static: the demo's root file system\n" +
        "setup: sudo apt-get install --no-install-recommends busybox-static",
    );
    assert.equal(status, 0);
    assert.ok(!existsSync(join(folder, "apt.log")));
  });

  it("names programs where there is no apt-get", () => {
    symlinkSync(join(projectRoot, "node_modules"), join(folder, "node_modules"));
    rmSync(join(tools, "apt-get"));
    assert.match(setup(["--with-peers"]).stdout, /^setup: install busybox, .*podman.*strace/m);
  });

  it("does not take a busybox with shared libraries", () => {
    symlinkSync(join(projectRoot, "node_modules"), join(folder, "node_modules"));
    symlinkSync(process.execPath, join(tools, "busybox"));
    assert.match(setup([], {}, unprivileged).stdout, /^ {2}busybox-static: /m);
  });

  it("installs what is missing as root, after an update only where that is needed", () => {
    assert.ok(isRoot, "this test needs root");
    symlinkSync(join(projectRoot, "node_modules"), join(folder, "node_modules"));
    const { status, stdout, stderr } = setup();
    assert.equal(stderr, "");
    assert.equal(status, 0, stdout);
    const calls = log("apt.log").map((line) => line.replace(/^-y -o \S+ /, ""));
    const install = "install --no-install-recommends busybox-static";
    assert.deepEqual(calls.slice(-2), ["update", install]);
    rmSync(join(tools, "busybox"));
    writeFileSync(join(folder, "apt.log"), "");
    if (calls.length === 3) {
      // Debian's lists are there, so the next run tries without an update, and that is enough.
      setup();
      assert.equal(log("apt.log").length, 1);
    }
  });
});
