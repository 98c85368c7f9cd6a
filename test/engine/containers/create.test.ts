// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { CreateContainerOptions } from "../../../src/engine/container-types.ts";
import { createContainer } from "../../../src/engine/create.ts";
import { importImage } from "../../../src/engine/import.ts";
import { inspectContainer } from "../../../src/engine/inspect-container.ts";
import { mergeConfig } from "../../../src/engine/merge-config.ts";
import { renameContainer } from "../../../src/engine/rename.ts";
import type { ContainerBody, HostConfig, Mount } from "../../../src/spec/container.ts";
import { code, message } from "./asserts.ts";
import { assertNothingLeft, body, create, image, openBox } from "./box.ts";

test("what was not asked for gets Docker's defaults", async () => {
  await using box = await openBox();
  const id = await create(box, { name: "plain", body: { Image: image } });
  const document = await inspectContainer(box.engine, "plain");
  assert.equal(document.Id, id);
  assert.equal(document.Name, "/plain");
  assert.equal(document.Path, "sh");
  assert.deepEqual(document.Args, []);
  assert.deepEqual(Object.keys(document), [
    ...["Id", "Created", "Path", "Args", "State", "Image", "ResolvConfPath", "HostnamePath"],
    ...["HostsPath", "LogPath", "Name", "RestartCount", "Driver", "Platform", "MountLabel"],
    ...["ProcessLabel", "AppArmorProfile", "ExecIDs", "HostConfig", "GraphDriver", "Mounts"],
    ...["Config", "NetworkSettings"],
  ]);
  assert.deepEqual(document.State, {
    Status: "created",
    Running: false,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: 0,
    ExitCode: 0,
    Error: "",
    StartedAt: "0001-01-01T00:00:00Z",
    FinishedAt: "0001-01-01T00:00:00Z",
  });
  const { HostConfig: host, Config: config } = document;
  assert.equal(host.ShmSize, 67_108_864);
  assert.equal(host.NetworkMode, "default");
  assert.equal(host.IpcMode, "private");
  assert.equal(host.Runtime, "runc");
  assert.deepEqual(host.RestartPolicy, { Name: "no", MaximumRetryCount: 0 });
  assert.deepEqual(host.LogConfig, { Type: "json-file", Config: {} });
  assert.ok(host.MaskedPaths?.includes("/proc/kcore"));
  assert.equal(config.Hostname, id.slice(0, 12));
  assert.deepEqual(config.Env, ["PATH=/bin", "COLOUR=blue"]);
  assert.deepEqual(config.Labels, { kind: "box" });
  assert.deepEqual(Object.keys(document.NetworkSettings.Networks), ["bridge"]);
  assert.equal((await inspectContainer(box.engine, id, { size: true })).SizeRw, 0);
});

test("the image's config and the user's are merged as Docker merges them", () => {
  const base = {
    Env: ["PATH=/bin", "A=1"],
    Cmd: ["serve"],
    Entrypoint: ["/entry"],
    Labels: { a: "image", b: "image" },
    ExposedPorts: { "80/tcp": {} },
    Volumes: { "/data": {} },
    WorkingDir: "/srv",
    User: "ada",
    StopSignal: "SIGQUIT",
    Healthcheck: { Test: ["CMD", "true"], Retries: 5 },
  };
  const merged = mergeConfig(
    {
      Env: ["A=2", "B=3"],
      Labels: { b: "user" },
      ExposedPorts: { "443/tcp": {} },
      Volumes: { "/more": {} },
      Healthcheck: { Interval: 1e9 },
    },
    base,
  );
  assert.deepEqual(merged.Env, ["A=2", "B=3", "PATH=/bin"]);
  assert.deepEqual(merged.Labels, { a: "image", b: "user" });
  assert.deepEqual(Object.keys(merged.ExposedPorts ?? {}).toSorted(), ["443/tcp", "80/tcp"]);
  assert.deepEqual(Object.keys(merged.Volumes ?? {}).toSorted(), ["/data", "/more"]);
  assert.deepEqual([merged.WorkingDir, merged.User, merged.StopSignal], ["/srv", "ada", "SIGQUIT"]);
  assert.deepEqual(merged.Healthcheck?.Test, ["CMD", "true"]);
  assert.equal(merged.Healthcheck?.Retries, 5);
  assert.equal(merged.Healthcheck?.Interval, 1e9);
  const commands = (user: ContainerBody) => {
    const { Entrypoint, Cmd } = mergeConfig(user, base);
    return [Entrypoint, Cmd];
  };
  assert.deepEqual(commands({}), [["/entry"], ["serve"]]);
  assert.deepEqual(commands({ Cmd: ["other"] }), [["/entry"], ["other"]]);
  assert.deepEqual(commands({ Entrypoint: ["/mine"] }), [["/mine"], []]);
  assert.deepEqual(commands({ Entrypoint: ["/mine"], Cmd: ["x"] }), [["/mine"], ["x"]]);
  assert.deepEqual(commands({ Entrypoint: [""], Cmd: ["x"] }), [undefined, ["x"]]);
});

test("names", async () => {
  await using box = await openBox();
  const { engine } = box;
  const id = await create(box, { name: "/taken", body: body("true") });
  const conflict = message(
    "CONTAINER_CONFLICT",
    `Conflict. The container name "/taken" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
  );
  await assert.rejects(create(box, { name: "taken", body: body("true") }), conflict);
  await assert.rejects(
    create(box, { name: "a b", body: body("true") }),
    message(
      "CONTAINER_INVALID",
      "Invalid container name (a b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
    ),
  );
  const other = await create(box, { body: body("true") });
  assert.match((await inspectContainer(engine, other)).Name, /^\/[a-z]+_[a-z]+\d?$/);
  await assert.rejects(
    renameContainer(engine, other, "taken"),
    message("CONTAINER_CONFLICT", /^Error when allocating new name: Conflict\. The container name/),
  );
  await assert.rejects(renameContainer(engine, "taken", "/taken"), code("CONTAINER_INVALID"));
  await assert.rejects(renameContainer(engine, "taken", " "), code("CONTAINER_INVALID"));
  await assert.rejects(
    inspectContainer(engine, "nope"),
    message("CONTAINER_NOT_FOUND", "No such container: nope"),
  );
  await assert.rejects(inspectContainer(engine, ""), code("CONTAINER_INVALID"));
});

test("digits that two IDs begin with name none of them", async () => {
  await using box = await openBox();
  const ids: string[] = [];
  while (new Set(ids.map((id) => id[0])).size === ids.length) {
    ids.push(await create(box, { body: body("true") }));
  }
  const last = ids.at(-1) ?? "";
  await assert.rejects(
    inspectContainer(box.engine, last.slice(0, 1)),
    message("CONTAINER_INVALID", `multiple IDs found with provided prefix: ${last.slice(0, 1)}`),
  );
  assert.equal((await inspectContainer(box.engine, last.slice(0, 40))).Id, last);
});

const refusals: readonly (readonly [
  title: string,
  more: Partial<ContainerBody> & { readonly host?: HostConfig },
  text: string | RegExp,
])[] = [
  [
    "relative folder",
    { WorkingDir: "x" },
    "the working directory 'x' is invalid, it needs to be an absolute path",
  ],
  ["stop signal", { StopSignal: "FOO" }, "Invalid signal: FOO"],
  ["variable", { Env: ["=x"] }, "invalid environment variable: =x"],
  [
    "health",
    { Healthcheck: { Interval: 1000 } },
    "Interval in Healthcheck cannot be less than 1ms",
  ],
  [
    "host name",
    { Hostname: "x".repeat(65) },
    /^hostname "x{65}" is too long \(maximum 64 bytes\)$/,
  ],
  ["memory", { host: { Memory: 1_000_000 } }, "Minimum memory limit allowed is 6MB"],
  [
    "swap below memory",
    { host: { Memory: 10_000_000, MemorySwap: 8_000_000 } },
    "Minimum memoryswap limit should be larger than memory limit, see usage",
  ],
  [
    "swap alone",
    { host: { MemorySwap: 8_000_000 } },
    "You should always set the Memory limit when using Memoryswap limit, see usage",
  ],
  [
    "CPUs",
    { host: { NanoCpus: 9e12 } },
    /^range of CPUs is from 0\.01 to \d+\.00, as there are only \d+ CPUs available$/,
  ],
  ["CPU set", { host: { CpusetCpus: "x" } }, "Invalid value x for cpuset cpus: invalid format: x"],
  [
    "absent CPU",
    { host: { CpusetCpus: "4000" } },
    /^Requested CPUs are not available - requested 4000, available: /,
  ],
  [
    "restart policy",
    { host: { RestartPolicy: { Name: "foo" } } },
    /^invalid restart policy: unknown policy 'foo'; use one of /,
  ],
  [
    "retries",
    { host: { RestartPolicy: { Name: "on-failure", MaximumRetryCount: -1 } } },
    "invalid restart policy: maximum retry count cannot be negative",
  ],
  [
    "--rm with a policy",
    { host: { AutoRemove: true, RestartPolicy: { Name: "always" } } },
    "can't create 'AutoRemove' container with restart policy",
  ],
  ["capability", { host: { CapAdd: ["FOO"] } }, 'invalid CapAdd: unknown capability: "CAP_FOO"'],
  [
    "dropped capability",
    { host: { CapDrop: ["FOO"] } },
    'invalid CapDrop: unknown capability: "CAP_FOO"',
  ],
  ["security option", { host: { SecurityOpt: ["foo=1"] } }, 'invalid --security-opt 2: "foo=1"'],
  ["IPC mode", { host: { IpcMode: "foo" } }, "invalid IPC mode: foo"],
  ["PID mode", { host: { PidMode: "foo" } }, "invalid PID mode: foo"],
  ["UTS mode", { host: { UTSMode: "foo" } }, "invalid UTS mode: foo"],
  [
    "isolation",
    { host: { Isolation: "foo" } },
    "invalid isolation (foo): linux only supports 'default'",
  ],
  [
    "score",
    { host: { OomScoreAdj: 3000 } },
    "Invalid value 3000, range for oom score adj is [-1000, 1000]",
  ],
  ["runtime", { host: { Runtime: "foo" } }, "unknown or invalid runtime name: foo"],
  [
    "log option",
    { host: { LogConfig: { Type: "json-file", Config: { foo: "1" } } } },
    "unknown log opt 'foo' for json-file log driver",
  ],
  [
    "number of logs",
    { host: { LogConfig: { Type: "json-file", Config: { "max-file": "0" } } } },
    "max-file cannot be less than 1",
  ],
  [
    "log driver",
    { host: { LogConfig: { Type: "nosuch" } } },
    'error looking up logging plugin nosuch: plugin "nosuch" not found',
  ],
  [
    "tmpfs",
    { host: { Tmpfs: { rel: "" } } },
    "invalid mount path: 'rel' mount path must be absolute",
  ],
  ["port", { host: { PortBindings: { "0/tcp": [] } } }, 'invalid port specification: "0/tcp"'],
  [
    "port on the host",
    { host: { PortBindings: { "80/tcp": [{ HostPort: "x" }] } } },
    'invalid port specification: "x"',
  ],
  ["empty command", { Cmd: [], Entrypoint: [""] }, "No command specified"],
];

test("bad values are refused in Docker's words", async () => {
  await using box = await openBox();
  for (const [title, { host, ...config }, text] of refusals) {
    const request = body("true", { ...config, ...(host !== undefined && { host }) });
    const error = await createContainer(box.engine, { body: request }).catch((e: unknown) => e);
    try {
      message("CONTAINER_INVALID", text)(error);
    } catch (cause) {
      throw new Error(title, { cause });
    }
  }
  await assertNothingLeft(box);
});

test("what this kernel or lade lacks is refused by name", async () => {
  await using box = await openBox();
  for (const host of [
    { LogConfig: { Type: "syslog" } },
    { LogConfig: { Type: "json-file", Config: { compress: "true" } } },
    { LogConfig: { Type: "local", Config: { mode: "non-blocking" } } },
    { StorageOpt: { size: "1g" } },
    { KernelMemory: 10_000_000 },
  ]) {
    await assert.rejects(create(box, { body: body("true", { host }) }), code("UNSUPPORTED"));
  }
});

test("mounts are refused in Docker's words", async () => {
  await using box = await openBox();
  const bind = (host: HostConfig) => create(box, { body: body("true", { host }) });
  const mount = (one: Mount) => bind({ Mounts: [one] });
  const prefix = 'invalid mount config for type "bind": ';
  for (const [work, text] of [
    [() => bind({ Binds: ["/etc:/x", "/tmp:/x"] }), "Duplicate mount point: /x"],
    [() => bind({ Binds: ["/etc:/x"], Tmpfs: { "/x": "" } }), "Duplicate mount point: /x"],
    [() => bind({ Binds: [":/x"] }), "invalid volume specification: ':/x'"],
    [() => bind({ Binds: ["/a:/b:bogus"] }), "invalid mode: bogus"],
    [() => bind({ Binds: ["/a:/b:ro,rw"] }), "invalid mode: ro,rw"],
    [
      () => bind({ Binds: ["/:/"] }),
      `invalid volume specification: '/:/': ${prefix}invalid specification: destination can't be '/'`,
    ],
    [
      () => mount({ Type: "bind", Source: "/not/there", Target: "/x" }),
      `${prefix}bind source path does not exist: /not/there`,
    ],
    [() => mount({ Type: "bind", Source: "rel", Target: "/x" }), /mount path must be absolute$/],
    [() => mount({ Type: "bind", Target: "/x" }), `${prefix}field Source must not be empty`],
    [
      () => mount({ Type: "tmpfs", Source: "x", Target: "/x" }),
      'invalid mount config for type "tmpfs": field Source must not be specified',
    ],
    [
      () =>
        mount({ Type: "volume", Source: "vv", Target: "/x", VolumeOptions: { Subpath: "../x" } }),
      'invalid mount config for type "volume": subpath must be a relative path within the volume',
    ],
    [
      () => bind({ Binds: ["bad/name:/x"] }),
      'create bad/name: "bad/name" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
    ],
    [() => bind({ VolumesFrom: ["x:bogus"] }), "invalid mode: bogus"],
  ] as const) {
    await assert.rejects(work(), message("CONTAINER_INVALID", text));
  }
  await assert.rejects(
    bind({ VolumesFrom: ["nope"] }),
    message("CONTAINER_NOT_FOUND", "No such container: nope"),
  );
  await assert.rejects(bind({ Binds: ["vv:/x"], VolumeDriver: "foo" }), code("VOLUME_NOT_FOUND"));
  await assertNothingLeft(box);
});

test("images are found by name, ID and platform", async () => {
  await using box = await openBox();
  const { engine } = box;
  const of = (Image: string, more: Partial<CreateContainerOptions> = {}) =>
    createContainer(engine, { ...more, body: { ...body("true"), Image } });
  await assert.rejects(of("nope"), message("IMAGE_NOT_FOUND", "No such image: nope:latest"));
  const { id } = await of(image);
  const { Image: imageId, Config: config } = await inspectContainer(engine, id);
  assert.equal(config.Image, image);
  assert.equal(
    (await inspectContainer(engine, (await of(imageId.slice(7, 19))).id)).Image,
    imageId,
  );
  await assert.rejects(of(image, { platform: "linux/s390x" }), code("PLATFORM_NOT_FOUND"));
  const source = join(box.folder, "empty.tar");
  fs.writeFileSync(source, Buffer.alloc(10240));
  await importImage(engine, { source, reference: "foreign:1", platform: "linux/s390x" });
  const { warnings } = await createContainer(engine, { body: { Image: "foreign:1", Cmd: ["x"] } });
  assert.match(
    warnings[0] ?? "",
    /^The requested image's platform \(linux\/s390x\) does not match the detected host platform/,
  );
  await importImage(engine, { source, reference: "bare:1" });
  await assert.rejects(
    createContainer(engine, { body: { Image: "bare:1" } }),
    message("CONTAINER_INVALID", "No command specified"),
  );
});
