// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { hostname } from "node:os";
import { after, before, describe, it } from "node:test";
import { version } from "../../src/base/version.ts";
import { sampleImage } from "../fixtures/sample-image.ts";
import { plainArchive } from "../fixtures/variants.ts";
import { type Dockerd, startDockerd } from "../helpers/dockerd.ts";
import { type LadeServe, send, startLadeServe } from "../helpers/lade-serve.ts";

type Members = Readonly<Record<string, unknown>>;

describe("the engine by the API", () => {
  let serve: LadeServe;
  let dockerd: Dockerd;
  before(async () => {
    dockerd = await startDockerd();
    serve = await startLadeServe();
    await serve.request("POST", "/images/load", { body: plainArchive([sampleImage()]).archive });
  });
  after(async () => {
    await serve[Symbol.asyncDispose]();
    await dockerd[Symbol.asyncDispose]();
  });

  async function get(path: string): Promise<Members> {
    const { status, json } = await serve.request("GET", path);
    assert.equal(status, 200, JSON.stringify(json));
    return json as Members;
  }

  async function docker(path: string): Promise<Members> {
    return (await send(dockerd.host.replace("unix://", ""), { method: "GET", path }))
      .json as Members;
  }

  it("has Docker's members of info, and what both see of the machine is the same", async () => {
    const [lade, theirs] = [await get("/v1.41/info"), await docker("/v1.41/info")];
    // Listeners are not counted: the command reads the log of events, as the server does.
    const missing = Object.keys(theirs).filter((name) => !(name in lade));
    assert.deepEqual(missing, ["NEventsListener"]);
    assert.ok(Number(lade.NFd) > 3);
    assert.deepEqual(
      Object.keys(lade).filter((name) => !(name in theirs)),
      [],
    );
    for (const name of [
      ...["MemoryLimit", "SwapLimit", "CpuCfsPeriod", "CpuCfsQuota", "CPUShares", "CPUSet"],
      ...["PidsLimit", "OomKillDisable", "LoggingDriver", "CgroupDriver", "CgroupVersion"],
      ...["KernelVersion", "OperatingSystem", "OSVersion", "OSType", "Architecture", "NCPU"],
      ...["MemTotal", "Name", "Labels", "DefaultRuntime", "Swarm", "RuncCommit", "Isolation"],
      ...["SecurityOptions", "GenericResources", "ExperimentalBuild", "Debug", "IPv4Forwarding"],
    ]) {
      assert.deepEqual(lade[name], theirs[name], name);
    }
    assert.equal(lade.Name, hostname());
    assert.equal(lade.ServerVersion, version);
    assert.equal(lade.DockerRootDir, serve.root);
    assert.equal(lade.Images, 1);
  });

  it("has the members of info of each version", async () => {
    const by = async (minor: number) => new Set(Object.keys(await get(`/v1.${minor}/info`)));
    assert.ok((await by(41)).has("KernelMemory"));
    assert.ok(!(await by(42)).has("KernelMemory"));
    assert.ok(!(await by(43)).has("CDISpecDirs"));
    assert.ok((await by(44)).has("CDISpecDirs"));
    assert.ok((await by(49)).has("BridgeNfIptables"));
    assert.ok(!(await by(50)).has("BridgeNfIptables"));
    assert.ok((await by(50)).has("DiscoveredDevices"));
    const commit = async (minor: number) => (await get(`/v1.${minor}/info`)).RuncCommit as Members;
    assert.ok("Expected" in (await commit(48)));
    assert.ok(!("Expected" in (await commit(49))));
  });

  it("tells its version as Docker does", async () => {
    const [lade, theirs] = [await get("/v1.41/version"), await docker("/v1.41/version")];
    const missing = Object.keys(theirs).filter((name) => !(name in lade));
    // lade has no date of its own: the same sources give the same program.
    assert.deepEqual(missing, ["BuildTime"]);
    for (const name of ["Os", "Arch", "KernelVersion"]) assert.equal(lade[name], theirs[name]);
    assert.equal(lade.Version, version);
    assert.deepEqual([lade.ApiVersion, lade.MinAPIVersion], ["1.51", "1.24"]);
    const [engine, runtime] = lade.Components as [Members, Members];
    assert.deepEqual([engine.Name, engine.Version], ["Engine", version]);
    assert.equal(runtime.Name, "runc");
  });

  it("measures what is asked for", async () => {
    const whole = await get("/v1.41/system/df");
    assert.deepEqual(Object.keys(whole).sort(), [
      ...["BuildCache", "BuilderSize", "Containers", "Images", "LayersSize", "Volumes"],
    ]);
    const [image] = whole.Images as [Members];
    assert.deepEqual([image.Containers, image.SharedSize], [0, 0]);
    assert.equal(image.VirtualSize, image.Size);
    assert.ok(Number(whole.LayersSize) > 0);
    const newer = await get("/v1.51/system/df");
    assert.ok(!("BuilderSize" in newer));
    assert.ok(!("VirtualSize" in (newer.Images as [Members])[0]));
    assert.deepEqual(Object.keys(await get("/v1.42/system/df?type=volume&type=container")).sort(), [
      ...["Containers", "Volumes"],
    ]);
    assert.ok("Images" in (await get("/v1.41/system/df?type=volume")));
    const { status, json } = await serve.request("GET", "/v1.42/system/df?type=cheese");
    assert.deepEqual([status, json], [400, { message: "unknown object type: cheese" }]);
  });

  it("has nothing to prune of a builder", async () => {
    const { status, json } = await serve.request("POST", "/build/prune");
    assert.deepEqual([status, json], [200, { CachesDeleted: null, SpaceReclaimed: 0 }]);
  });

  it("is part of no swarm", async () => {
    const { status, json } = await serve.request("POST", "/swarm/leave?force=1");
    assert.deepEqual([status, json], [503, { message: "This node is not part of a swarm" }]);
  });

  it("says of everything else in Docker's API that it is not there", async () => {
    for (const endpoint of [
      ...["POST /build", "POST /session", "POST /grpc", "POST /auth", "GET /images/search"],
      ...["GET /swarm", "POST /swarm/init", "POST /swarm/join", "GET /nodes"],
      ...["POST /swarm/update", "GET /swarm/unlockkey", "POST /swarm/unlock", "GET /nodes/a"],
      ...["DELETE /nodes/a", "POST /nodes/a/update", "GET /services", "POST /services/create"],
      ...["GET /services/a", "DELETE /services/a", "POST /services/a/update", "GET /tasks"],
      ...["GET /services/a/logs", "GET /tasks/a", "GET /tasks/a/logs", "GET /secrets"],
      ...["POST /secrets/create", "GET /secrets/a", "DELETE /secrets/a", "POST /secrets/a/update"],
      ...["GET /configs", "POST /configs/create", "GET /configs/a", "DELETE /configs/a"],
      ...["POST /configs/a/update", "GET /plugins", "GET /plugins/privileges"],
      ...["POST /plugins/pull", "POST /plugins/create", "GET /plugins/a/b/json"],
      ...["DELETE /plugins/a", "POST /plugins/a/enable", "POST /plugins/a/disable"],
      ...["POST /plugins/a/upgrade", "POST /plugins/a/push", "POST /plugins/a/set"],
      ...["GET /distribution/a/b/json", "PUT /volumes/a", "POST /build/cancel"],
    ]) {
      const [method = "", path = ""] = endpoint.split(" ");
      const { status, json } = await serve.request(method, `/v1.51${path}`);
      assert.equal(status, 501, endpoint);
      assert.match((json as { message: string }).message, /lade/);
    }
  });
});
