// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { settleCreate } from "../../src/api/create-versions.ts";
import { isLadeError } from "../../src/base/errors.ts";
import type { ContainerBody, HostConfig, Mount } from "../../src/spec/container.ts";

function settledHost(hostConfig: HostConfig, version: number): HostConfig {
  return settleCreate({ Image: "box", HostConfig: hostConfig }, version).body.HostConfig ?? {};
}

function settledMount(mount: Mount, version: number): Mount | undefined {
  return settledHost({ Mounts: [mount] }, version).Mounts?.[0];
}

function refuses(body: ContainerBody, version: number, message: RegExp): void {
  assert.throws(
    () => settleCreate(body, version),
    (error) => isLadeError(error, "API_INVALID") && message.test(error.message),
  );
}

describe("what versions make of a body of create", () => {
  it("wants a config", () => {
    refuses({ HostConfig: {}, NetworkingConfig: {} }, 51, /^config cannot be empty/);
  });

  it("leaves what a version did not have", () => {
    assert.equal(settledHost({ AutoRemove: true }, 24).AutoRemove, false);
    assert.equal(settledHost({ AutoRemove: true }, 25).AutoRemove, true);
    assert.equal(settledHost({}, 39).IpcMode, "shareable");
    assert.equal(settledHost({ IpcMode: "host" }, 39).IpcMode, "host");
    assert.equal(settledHost({}, 40).IpcMode, undefined);
    assert.deepEqual(settledHost({ ConsoleSize: [5, 6] }, 41).ConsoleSize, [0, 0]);
    assert.deepEqual(settledHost({ ConsoleSize: [5, 6] }, 42).ConsoleSize, [5, 6]);
    assert.equal(settledHost({ KernelMemory: 7 }, 41).KernelMemory, 7);
    assert.equal(settledHost({ KernelMemory: 7 }, 42).KernelMemory, 0);
    assert.deepEqual(settledHost({ Annotations: { a: "b" } }, 42).Annotations, {});
    assert.deepEqual(settledHost({ Annotations: { a: "b" } }, 43).Annotations, { a: "b" });
    const health = { Test: ["NONE"], StartInterval: 5e9 };
    const ofVersion = (version: number) =>
      settleCreate({ Healthcheck: health }, version).body.Healthcheck?.StartInterval;
    assert.deepEqual([ofVersion(43), ofVersion(44)], [0, 5e9]);
  });

  it("leaves options of mounts that a version did not have, and refuses those that don't fit", () => {
    const bind: Mount = {
      Type: "bind",
      Source: "/a",
      Target: "/b",
      BindOptions: { Propagation: "shared", NonRecursive: true, CreateMountpoint: true },
      VolumeOptions: { NoCopy: true },
      TmpfsOptions: { Mode: 1 },
    };
    const { VolumeOptions: _volume, TmpfsOptions: _tmpfs, ...plain } = bind;
    assert.deepEqual(settledMount(bind, 39), { ...plain, BindOptions: { Propagation: "shared" } });
    assert.deepEqual(settledMount(bind, 41), {
      ...plain,
      BindOptions: { Propagation: "shared", NonRecursive: true },
    });
    assert.deepEqual(settledMount(plain, 42), plain);
    refuses(
      { Image: "box", HostConfig: { Mounts: [bind] } },
      42,
      /^VolumeOptions must not be specified on mount type "bind"$/,
    );
    const subpath: Mount = { Type: "volume", Target: "/v", VolumeOptions: { Subpath: "x" } };
    const body = { Image: "box", HostConfig: { Mounts: [subpath] } };
    refuses(body, 44, /Subpath needs API v1\.45/);
    assert.deepEqual(settledMount(subpath, 45), subpath);
  });

  it("takes one network until 1.44", () => {
    const body = { Image: "box", NetworkingConfig: { EndpointsConfig: { a: null, b: {} } } };
    refuses(body, 43, /^Container cannot be created with multiple network endpoints: a, b$/);
    assert.deepEqual(Object.keys(endpointsOf(body, 44)), ["a", "b"]);
  });

  it("takes no limit of processes for none, and a port without bindings for one that is chosen", () => {
    assert.equal(settledHost({ PidsLimit: -1 }, 51).PidsLimit, null);
    assert.equal(settledHost({ PidsLimit: 5 }, 51).PidsLimit, 5);
    const ports = { "80/tcp": [], "81/tcp": null, "82/tcp": [{ HostPort: "1" }] };
    assert.deepEqual(settledHost({ PortBindings: ports }, 51).PortBindings, {
      "80/tcp": [{}],
      "81/tcp": [{}],
      "82/tcp": [{ HostPort: "1" }],
    });
  });

  it("brings a container's MAC address to its first network", () => {
    const mac = "02:00:00:00:00:01";
    const body = { Image: "box", MacAddress: mac, HostConfig: { NetworkMode: "n" } };
    const { body: settled, warnings } = settleCreate(body, 44);
    assert.equal(settled.MacAddress, undefined);
    assert.equal(settled.NetworkingConfig?.EndpointsConfig?.n?.MacAddress, mac);
    assert.match(warnings[0] ?? "", /^The container-wide MacAddress field is now deprecated/);
    assert.equal(settleCreate(body, 43).body.MacAddress, mac);
    refuses(
      { MacAddress: mac, HostConfig: { NetworkMode: "host" } },
      43,
      /^conflicting options: mac/,
    );
    const other = { EndpointsConfig: { n: { MacAddress: "02:00:00:00:00:02" } } };
    refuses({ ...body, NetworkingConfig: other }, 44, /must match the endpoint-specific MAC/);
    refuses(
      { ...body, NetworkingConfig: { EndpointsConfig: { m: {} } } },
      44,
      /NetworkMode must match/,
    );
    const old = endpointsOf({ Image: "box", NetworkingConfig: other }, 43);
    assert.equal(old.n?.MacAddress, "");
  });

  it("warns of a volume driver that counts for nothing, and refuses interfaces without a name", () => {
    const host = { VolumeDriver: "local", Mounts: [{ Type: "volume", Target: "/v" }] } as const;
    assert.equal(settleCreate({ Image: "box", HostConfig: host }, 47).warnings.length, 0);
    assert.match(
      settleCreate({ Image: "box", HostConfig: host }, 48).warnings[0] ?? "",
      /^WARNING: the container-wide volume-driver/,
    );
    const sysctls = { "net.ipv4.conf.eth0.forwarding": "1" };
    refuses(
      { Image: "box", HostConfig: { Sysctls: sysctls } },
      48,
      /must be supplied using driver option/,
    );
  });
});

function endpointsOf(body: ContainerBody, version: number) {
  return settleCreate(body, version).body.NetworkingConfig?.EndpointsConfig ?? {};
}
