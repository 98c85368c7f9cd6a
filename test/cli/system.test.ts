// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { version } from "../../src/base/version.ts";
import type { VolumeDocument } from "../../src/engine/container-types.ts";
import type { CheckFinding, DiskUsage, SystemInfo } from "../../src/engine/types.ts";
import { summary } from "./containers/documents.ts";
import { idA, run } from "./fake-context.ts";

test("version shows what is both client and server", async () => {
  const { code, stdout, opened } = await run(["version"]);
  assert.equal(code, 0);
  const lines = stdout.split("\n");
  assert.equal(lines[0], "Client: lade");
  assert.equal(lines[1], ` Version:           ${version}`);
  assert.equal(lines[7], "Server: lade");
  assert.equal(lines[9], `  Version:          ${version}`);
  assert.deepEqual(opened, []);
});

test("version --format takes the fields that scripts ask for", async () => {
  const { stdout } = await run(["version", "-f", "{{.Server.Version}} {{.Client.Os}}"]);
  assert.equal(stdout, `${version} linux\n`);
  const document = JSON.parse((await run(["version", "--format", "json"])).stdout);
  assert.equal(document.Client.Version, version);
  assert.equal(document.Server.Components[0].Name, "Engine");
  const json = await run(["version", "--format", "{{json .}}"]);
  assert.deepEqual(JSON.parse(json.stdout), document);
  assert.equal((await run(["version", "-f", "{{"])).code, 64);
  const unknown = await run(["version", "-f", "{{.Foo}}"]);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /can't evaluate field Foo/);
});

const info: SystemInfo = {
  id: "abc",
  images: 3,
  containers: { total: 4, running: 2, paused: 1, stopped: 1 },
  root: "/var/lib/lade",
  rootSize: 1500,
  driver: "tar",
  driverReason: "it is the only one",
  cgroupDriver: "cgroupfs",
  cgroupVersion: "2",
  limits: {
    memory: true,
    swap: false,
    cfsPeriod: true,
    cfsQuota: true,
    cpuShares: true,
    cpuSet: true,
    pids: true,
    oomKillDisable: false,
  },
  runtimes: { runc: "/usr/sbin/runc" },
  defaultRuntime: "runc",
  runtimeVersion: "1.1.5",
  init: "",
  securityOptions: ["name=seccomp,profile=default", "name=cgroupns"],
  forwardsIpv4: true,
  operatingSystem: "Debian",
  osVersion: "12",
  kernelVersion: "6.18",
  architecture: "x86_64",
  osType: "linux",
  cpus: 2,
  memory: 25_200_000_000,
  name: "host",
  serverVersion: "0.1.0",
  warnings: ["no erofs"],
};

test("info shows Docker's lines", async () => {
  const useCases = { systemInfo: async () => info };
  const { stdout, stderr } = await run(["info"], { useCases });
  for (const line of [
    "Server: lade",
    " Containers: 4",
    "  Paused: 1",
    "  Reason: it is the only one",
    " Cgroup Version: 2",
    " Security Options:\n  seccomp\n   Profile: default\n  cgroupns",
    " runc version: 1.1.5",
    " Images: 3",
    " Containers: 4",
    "  Running: 2",
    "  Paused: 1",
    "  Stopped: 1",
    " Storage Driver: tar",
    " CPUs: 2",
    " Total Memory: 23.47GiB",
    " Docker Root Dir: /var/lib/lade",
  ]) {
    assert.ok(stdout.includes(`\n${line}\n`), line);
  }
  assert.equal(stderr, "WARNING: no erofs\n");
  const format = "{{.DockerRootDir}} {{.NCPU}} {{.ClientInfo.Debug}}";
  const formatted = await run(["-D", "system", "info", "-f", format], { useCases });
  assert.equal(formatted.stdout, "/var/lib/lade 2 true\n");
  assert.equal(JSON.parse((await run(["info", "-f", "json"], { useCases })).stdout).Images, 3);
  const warnings = await run(["info", "-f", "{{.Warnings}} {{.SwapLimit}}"], { useCases });
  assert.equal(warnings.stdout, "[WARNING: no erofs] false\n");
});

const usage: DiskUsage = {
  images: [
    {
      id: idA,
      repoTags: ["hello:v1", "other:latest"],
      repoDigests: [],
      created: "2026-03-14T12:00:00Z",
      size: 1982256,
      sharedSize: 982256,
      uniqueSize: 1000000,
      containers: 0,
    },
  ],
  layersSize: 1982256,
  reclaimable: 991128,
  containers: [],
  volumes: [],
};

const df = (...argv: string[]) =>
  run(["system", "df", ...argv], { useCases: { diskUsage: async () => usage } });

test("system df shows Docker's table", async () => {
  assert.equal(
    (await df()).stdout,
    [
      "TYPE            TOTAL     ACTIVE    SIZE      RECLAIMABLE",
      "Images          1         0         1.982MB   991.1kB (50%)",
      "Containers      0         0         0B        0B",
      "Local Volumes   0         0         0B        0B",
      "Build Cache     0         0         0B        0B",
      "",
    ].join("\n"),
  );
  assert.equal(
    (await df("--format", "json")).stdout.split("\n")[0],
    '{"Active":"0","Reclaimable":"991.1kB (50%)","Size":"1.982MB","TotalCount":"1","Type":"Images"}',
  );
  assert.equal(
    (await df("--format", "{{.Type}}:{{.Size}}")).stdout.split("\n")[0],
    "Images:1.982MB",
  );
});

test("system df -v shows Docker's sections", async () => {
  assert.equal(
    (await df("-v")).stdout,
    `Images space usage:

REPOSITORY   TAG       IMAGE ID       CREATED        SIZE      SHARED SIZE   UNIQUE SIZE   CONTAINERS
hello        v1        5be1fe893c14   24 hours ago   1.98MB    982.3kB       1MB           0

Containers space usage:

CONTAINER ID   IMAGE     COMMAND   LOCAL VOLUMES   SIZE      CREATED   STATUS    NAMES

Local Volumes space usage:

VOLUME NAME   LINKS     SIZE

Build cache usage: 0B

CACHE ID   CACHE TYPE   SIZE      CREATED   LAST USED   USAGE     SHARED
`,
  );
  const document = JSON.parse((await df("-v", "--format", "json")).stdout);
  assert.equal(document.Images[0].ID, idA);
  assert.equal(document.Images[0].UniqueSize, "1MB");
  const template = "{{range .Images}}{{.Repository}}{{end}}";
  assert.equal((await df("-v", "--format", template)).stdout, "hello\n");
});

test("system df counts containers and volumes, and what of them could go", async () => {
  const stopped = { ...summary, State: "exited", SizeRw: 1000 } as const;
  const volume = (Name: string, RefCount: number, Size: number): VolumeDocument => ({
    CreatedAt: "",
    Driver: "local",
    Labels: null,
    Mountpoint: "",
    Name,
    Options: null,
    Scope: "local",
    UsageData: { RefCount, Size },
  });
  const used: DiskUsage = {
    ...usage,
    images: usage.images.map((image) => ({ ...image, containers: 2 })),
    containers: [{ ...summary, SizeRw: 3000 }, stopped],
    volumes: [volume("v1", 1, 500), volume("v2", 0, 1500), volume("v3", 0, -1)],
  };
  const useCases = { diskUsage: async () => used };
  assert.equal(
    (await run(["system", "df"], { useCases })).stdout,
    [
      "TYPE            TOTAL     ACTIVE    SIZE      RECLAIMABLE",
      "Images          1         1         1.982MB   991.1kB (50%)",
      "Containers      2         1         4kB       1kB (25%)",
      "Local Volumes   3         1         2kB       1.5kB (75%)",
      "Build Cache     0         0         0B        0B",
      "",
    ].join("\n"),
  );
  const { stdout } = await run(["system", "df", "-v"], { useCases });
  const lines = stdout.split("\n").map((line) => line.replaceAll(/ {2,}/g, " | "));
  assert.ok(
    lines.includes("hello | v1 | 5be1fe893c14 | 24 hours ago | 1.98MB | 982.3kB | 1MB | 2"),
  );
  const row = '0123456789ab | busybox:latest | "/bin/sh -c \'while t…" | 1 | ';
  assert.ok(lines.includes(`${row}3kB | 5 minutes ago | Up 5 minutes | web`), stdout);
  assert.ok(lines.includes("v1 | 1 | 500B"));
  assert.ok(lines.includes("v2 | 0 | 1.5kB"));
  const document = JSON.parse(
    (await run(["system", "df", "-v", "--format", "json"], { useCases })).stdout,
  );
  assert.equal(document.Containers[1].Size, "1kB");
  assert.equal(document.Volumes[0].Links, "1");
});

function check(findings: CheckFinding[], ...argv: string[]) {
  const report = { blobs: 12, size: 857_000_000, images: 3, findings };
  return run(["system", "check", ...argv], { useCases: { checkStore: async () => report } });
}

const damage: CheckFinding = {
  kind: "blob-digest",
  subject: "sha256:12",
  message: "got sha256:34",
  repaired: false,
};

test("system check tells that all is well", async () => {
  const { code, stdout, stderr } = await check([]);
  assert.equal(code, 0);
  assert.equal(stdout, "Checked 12 blobs (857MB) of 3 images.\nNo problems found.\n");
  assert.equal(stderr, "");
});

test("system check fails for what is broken, and says how to heal it", async () => {
  const { code, stdout, stderr } = await check([damage]);
  assert.equal(code, 1);
  assert.equal(
    stdout,
    "blob-digest: sha256:12: got sha256:34\nChecked 12 blobs (857MB) of 3 images.\n",
  );
  assert.match(stderr, /^1 problem found\nhint: Run `lade system check --repair`/);
});

test("system check --repair fails for what could not be repaired only", async () => {
  const repaired = await check([{ ...damage, repaired: true }], "--repair");
  assert.equal(repaired.code, 0);
  assert.match(repaired.stdout, /^blob-digest: sha256:12: got sha256:34 \(repaired\)\n/);
  const left = await check([damage, damage], "--repair");
  assert.equal(left.code, 1);
  assert.equal(left.stderr, "2 problems could not be repaired\n");
});

test("system check --format json gives the report", async () => {
  const { code, stdout } = await check([damage], "--format", "json");
  assert.equal(code, 1);
  assert.deepEqual(JSON.parse(stdout).Findings, [
    { Kind: "blob-digest", Subject: "sha256:12", Message: "got sha256:34", Repaired: false },
  ]);
  assert.equal((await check([], "--format", "xml")).code, 1);
});
