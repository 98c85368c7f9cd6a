// SPDX-License-Identifier: Apache-2.0

// Makes a fresh checkout ready: npm packages, Node 26, Debian packages, the built bundle. Each step
// looks first, so that a second run has nothing to do. Plain JavaScript without dependencies: it
// runs on Node 20, before anything is installed.
//
//   --with-peers  also the Debian packages that tests and benchmarks need
//   --quiet       say nothing where there is nothing to do

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const withPeers = process.argv.includes("--with-peers");
const quiet = process.argv.includes("--quiet");

/** What is needed beside npm packages: the program that shows that it is there, and its package. */
const debianPackages = [
  { program: "busybox", package: "busybox-static", why: "the demo's root file system" },
  { program: "runc", package: "runc", why: "runs containers" },
  { program: "conmon", package: "conmon", why: "stays with containers: logs, attach, exit code" },
  { program: "netavark", package: "netavark", why: "bridge networks and published ports" },
  { program: "iptables", package: "iptables", why: "published ports, by netavark" },
  { program: "dockerd", package: "docker.io", why: "peer in tests and benchmarks", peer: true },
  { program: "podman", package: "podman", why: "peer in tests and benchmarks", peer: true },
  { program: "skopeo", package: "skopeo", why: "peer in tests and benchmarks", peer: true },
  { program: "umoci", package: "umoci", why: "peer in tests", peer: true },
  { program: "buildah", package: "buildah", why: "peer in tests", peer: true },
  { program: "mmdebstrap", package: "mmdebstrap", why: "makes the benchmark's image", peer: true },
  { program: "xz", package: "xz-utils", why: "makes .xz archives for tests", peer: true },
  { program: "bzip2", package: "bzip2", why: "makes .bz2 archives for tests", peer: true },
  { program: "zstd", package: "zstd", why: "makes .zst archives for tests", peer: true },
  { program: "python3", package: "python3", why: "second tar implementation in tests", peer: true },
  { program: "strace", package: "strace", why: "order of writes and faults in tests", peer: true },
  {
    program: "fsck.erofs",
    package: "erofs-utils",
    why: "judge of EROFS images in tests",
    peer: true,
  },
  { program: "ip", package: "iproute2", why: "looks at networks in tests", peer: true },
  { program: "mkfs.xfs", package: "xfsprogs", why: "power cuts on XFS in tests", peer: true },
  {
    program: "docker-compose",
    package: "docker-compose",
    why: "client in tests; python3-docker comes with it",
    peer: true,
  },
];

/** Whether a version such as `26.10.0` is one that lade runs on. */
function isRecentNode(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  return major > 26 || (major === 26 && minor >= 10);
}

function fail(message, details = "") {
  const lines = details.trim().split("\n");
  // npm names the reason first, apt-get last.
  if (lines.length > 30) lines.splice(15, lines.length - 30, "…");
  process.stderr.write(`setup: ${message}\n${details === "" ? "" : `${lines.join("\n")}\n`}`);
  process.exit(1);
}

/** Runs one step behind a line that names it; what the step prints is shown where it fails. */
function runStep(title, command, args, options = {}) {
  const started = Date.now();
  process.stdout.write(`setup: ${title} …`);
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  });
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  process.stdout.write(status === 0 ? ` ${seconds} s\n` : " failed\n");
  return { ok: status === 0, output: error ? error.message : `${stdout}${stderr}` };
}

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), "utf8"));
}

/** Whether npm would install this entry of the lock file on this machine. */
function isForThisPlatform({ os, cpu, libc, optional }) {
  if (optional !== true) return true;
  // A package for one C library only (musl, glibc) may rightly be missing.
  if (libc !== undefined) return false;
  return (
    (os ?? [process.platform]).includes(process.platform) &&
    (cpu ?? [process.arch]).includes(process.arch)
  );
}

/** Whether `node_modules` holds what the lock file asks for; npm keeps its own list inside it. */
function hasNpmPackages() {
  if (!existsSync(join(root, "node_modules/.package-lock.json"))) return false;
  const installed = readJson("node_modules/.package-lock.json").packages;
  return Object.entries(readJson("package-lock.json").packages).every(
    ([path, entry]) =>
      path === "" ||
      !isForThisPlatform(entry) ||
      (installed[path]?.version === entry.version && existsSync(join(root, path, "package.json"))),
  );
}

function installNpmPackages() {
  if (hasNpmPackages()) return;
  // No package needs its install script. Some ask for a newer Node than the one that runs npm.
  const args = ["ci", "--ignore-scripts", "--engine-strict=false", "--include=dev"];
  args.push("--include=optional", "--prefer-offline", "--no-audit", "--no-fund");
  args.push("--loglevel=error");
  const npm = process.env.npm_execpath;
  const command = npm?.endsWith(".js") ? [process.execPath, npm] : ["npm"];
  const all = [...command.slice(1), ...args];
  const { ok, output } = runStep("npm packages (npm ci)", command[0], all);
  if (!ok) fail("npm ci failed:", output);
}

/** The Node that lade runs on: the one from npm, else the one that runs this. */
function findNode() {
  for (const name of readdirSync(join(root, "node_modules")).sort()) {
    const path = join(root, "node_modules", name, "bin/node");
    if (!name.startsWith("node-") || !existsSync(path)) continue;
    const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
    if (isRecentNode(stdout ?? "")) return path;
  }
  if (isRecentNode(process.versions.node)) return process.execPath;
  return fail(
    `lade needs Node 26.10 or later, and npm has no package of it that runs on ` +
      `${process.platform} ${process.arch}. Install it from https://nodejs.org and run this again.`,
  );
}

/** Whether a program needs no shared library: its ELF file names no interpreter (PT_INTERP). */
function isStatic(path) {
  const file = readFileSync(path);
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46) return false;
  const is64 = file[4] === 2;
  const start = is64 ? Number(file.readBigUInt64LE(32)) : file.readUInt32LE(28);
  const size = file.readUInt16LE(is64 ? 54 : 42);
  const count = file.readUInt16LE(is64 ? 56 : 44);
  for (let index = 0; index < count; index += 1) {
    if (file.readUInt32LE(start + index * size) === 3) return false;
  }
  return true;
}

/** Whether a program is on PATH, where only root's PATH goes, or where Debian puts podman's helpers. */
function hasProgram(name) {
  const folders = (process.env.PATH ?? "").split(delimiter);
  folders.push("/usr/sbin", "/sbin", "/usr/lib/podman");
  return folders.some((folder) => {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
    } catch {
      return false;
    }
    return statSync(path).isFile() && (name !== "busybox" || isStatic(path));
  });
}

function hasAptLists() {
  const lists = "/var/lib/apt/lists";
  return existsSync(lists) && readdirSync(lists).some((name) => name.includes("_Packages"));
}

function installDebianPackages() {
  const missing = debianPackages.filter(
    ({ program, peer }) => (peer !== true || withPeers) && !hasProgram(program),
  );
  if (missing.length === 0) return;
  const names = missing.map((entry) => entry.package);
  const hasApt = hasProgram("apt-get");
  if (!hasApt || process.getuid?.() !== 0) {
    const reasons = missing.map((entry) => `  ${entry.package}: ${entry.why}\n`).join("");
    const how = hasApt
      ? `sudo apt-get install --no-install-recommends ${names.join(" ")}`
      : `install ${missing.map((entry) => entry.program).join(", ")}`;
    process.stdout.write(`setup: missing Debian packages, to be installed by root:\n${reasons}`);
    process.stdout.write(`setup: ${how}\n`);
    return;
  }
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (title, ...args) =>
    runStep(title, "apt-get", ["-y", "-o", "DPkg::Lock::Timeout=300", ...args], { env });
  const install = () =>
    apt(`Debian packages: ${names.join(" ")}`, "install", "--no-install-recommends", ...names);
  let updated = false;
  const update = () => {
    updated = true;
    const { ok, output } = apt("Debian's package lists (apt-get update)", "update");
    if (!ok) fail("apt-get update failed:", output);
  };
  if (!hasAptLists()) update();
  let result = install();
  // Old lists name versions that are gone from the mirror.
  if (!result.ok && !updated) {
    update();
    result = install();
  }
  if (!result.ok) fail(`apt-get install ${names.join(" ")} failed:`, result.output);
}

/** Changes whenever a file that goes into the bundle, or the commit that it names, changes. */
function sourcesFingerprint() {
  const hash = createHash("sha256");
  const add = (path) => {
    const { size, mtimeMs } = statSync(join(root, path));
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  };
  for (const path of ["package.json", "package-lock.json", "scripts/build.ts"]) add(path);
  add("scripts/builtins.ts");
  for (const folder of ["bin", "src"]) {
    const names = readdirSync(join(root, folder), { recursive: true });
    for (const name of names.filter((other) => other.endsWith(".ts")).sort()) {
      add(join(folder, name));
    }
  }
  const head = spawnSync("git", ["rev-parse", "HEAD"], { cwd: root, encoding: "utf8" });
  return hash.update(head.stdout ?? "").digest("hex");
}

function buildBundle(node) {
  const stampPath = join(root, "dist/.sources");
  const fingerprint = sourcesFingerprint();
  const isBuilt =
    existsSync(join(root, "dist/start.cjs")) &&
    existsSync(stampPath) &&
    readFileSync(stampPath, "utf8") === fingerprint;
  if (isBuilt) return;
  const { ok, output } = runStep("bundle (scripts/build.ts)", node, ["scripts/build.ts"]);
  if (!ok) fail("the build failed:", output);
  writeFileSync(stampPath, fingerprint);
}

if (Number(process.versions.node.split(".")[0]) < 20) {
  fail(`needs Node 20 or later to start from, this is ${process.versions.node}.`);
}
installNpmPackages();
const node = findNode();
installDebianPackages();
buildBundle(node);
if (!quiet) process.stdout.write("setup: ready: ./bin/lade (npm link puts it on PATH)\n");
