// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { after, afterEach, before, describe, it } from "node:test";
import type Docker from "dockerode";
import { bytes, clear, create, dockerode, exec, progress, start, tarOf } from "./dockerode-lab.ts";
import { image, openTarget, otherImage, type Target } from "./target.ts";

describe("dockerode: images, volumes, networks, the life of containers", {
  timeout: 180_000,
}, () => {
  let target: Target;
  let docker: Docker;
  before(async () => {
    target = await openTarget();
    docker = dockerode(target);
  });
  afterEach(() => clear(docker));
  after(() => target[Symbol.asyncDispose]());

  const tags = async (options?: Docker.ListImagesOptions) =>
    (await docker.listImages(options)).flatMap(({ RepoTags }) => RepoTags ?? []).sort();

  it("loads an archive from a stream, and followProgress tells what came", async () => {
    const told = await progress(docker, await docker.loadImage(createReadStream(target.archive)));
    const text = told.map(({ stream }) => stream ?? "").join("");
    assert.match(text, /Loaded image: box:1\n/);
    assert.match(text, /Loaded image: box-other:1\n/);
    assert.deepEqual(await tags(), [otherImage, image].sort());
  });

  it("hears of a broken archive", async () => {
    const broken = Readable.from([Buffer.alloc(4096, "no archive ")]);
    // As Docker has it: an error in the stream where it has begun, which followProgress gives as is.
    const told = await docker.loadImage(broken).then(
      (stream) => progress(docker, stream),
      (error) => [{ error: String(error) }],
    );
    assert.ok(told.some(({ error }) => typeof error === "string" && error !== ""));
  });

  it("pings, and tells version, info and disk usage", async () => {
    assert.equal(String(await docker.ping()), "OK");
    const { ApiVersion, Os, Version } = await docker.version();
    assert.match(ApiVersion, /^1\.\d+$/);
    assert.deepEqual([Os, Version.length > 0], ["linux", true]);
    const info = await docker.info();
    assert.deepEqual([info.Images, info.Containers, info.OSType], [2, 0, "linux"]);
    const df = await docker.df();
    assert.equal(df.Images.length, 2);
  });

  it("lists, inspects, names and removes images", async () => {
    assert.deepEqual(await tags({ filters: { reference: ["box:*"] } }), [image]);
    assert.deepEqual(await tags({ filters: JSON.stringify({ label: ["kind=none"] }) }), []);
    const { Id, Config, RootFS } = await docker.getImage(otherImage).inspect();
    assert.deepEqual([Config.Cmd, RootFS.Layers?.length], [["sh"], 2]);
    assert.equal((await docker.getImage(Id.slice(7, 19)).inspect()).Id, Id);
    const history: { CreatedBy: string }[] = await docker.getImage(otherImage).history();
    assert.deepEqual(
      history.map(({ CreatedBy }) => CreatedBy),
      ["layer 2", "layer 1"],
    );
    await docker.getImage(image).tag({ repo: "localhost:5000/team/box", tag: "new" });
    assert.ok((await tags()).includes("localhost:5000/team/box:new"));
    const removed = await docker.getImage("localhost:5000/team/box:new").remove();
    assert.deepEqual(removed, [{ Untagged: "localhost:5000/team/box:new" }]);
    await assert.rejects(docker.getImage("nobody/has:this").inspect(), { statusCode: 404 });
  });

  it("saves one image and several, and loads them again", async () => {
    const { Id } = await docker.getImage(otherImage).inspect();
    const one = await bytes(await docker.getImage(otherImage).get());
    await docker.getImage(otherImage).remove();
    await progress(docker, await docker.loadImage(Readable.from([one])));
    assert.equal((await docker.getImage(otherImage).inspect()).Id, Id);
    // It has no call for it, and takes any path.
    const { promise, resolve, reject } = Promise.withResolvers<NodeJS.ReadableStream>();
    docker.modem.dial(
      {
        path: "/images/get?",
        method: "GET",
        options: { names: [image, otherImage] },
        isStream: true,
        statusCodes: { 200: true, 500: "server error" },
      },
      (error, stream) => (error ? reject(error) : resolve(stream as NodeJS.ReadableStream)),
    );
    const both = await bytes(await promise);
    const told = await progress(docker, await docker.loadImage(Readable.from([both])));
    assert.equal(told.filter(({ stream }) => String(stream).startsWith("Loaded")).length, 2);
  });

  it("imports a tar, with changes", async () => {
    const stream = await docker.importImage(Readable.from([tarOf({ hello: "hi\n" })]), {
      repo: "made",
      tag: "1",
      changes: "ENV A=1",
      message: "why",
    });
    const told = await progress(docker, stream as NodeJS.ReadableStream);
    const { Id, Config, Comment } = await docker.getImage("made:1").inspect();
    assert.deepEqual([told.at(-1)?.status, Config.Env, Comment], [Id, ["A=1"], "why"]);
    await docker.getImage("made:1").remove();
  });

  it("can't pull, and hears so", async () => {
    await assert.rejects(async () => progress(docker, await docker.pull("nobody/has:this")));
  });

  it("commits a container", async () => {
    const container = await start(docker, ["sh", "-c", "echo made > /data/made"]);
    await container.wait();
    const { Id } = await container.commit({
      repo: "committed",
      tag: "1",
      comment: "why",
      author: "me",
      changes: ["ENV B=2"],
    });
    const { Author, Config } = await docker.getImage("committed:1").inspect();
    assert.equal((await docker.getImage("committed:1").inspect()).Id, Id);
    assert.deepEqual([Author, Config.Env?.includes("B=2")], ["me", true]);
    await docker.getImage("committed:1").remove();
  });

  it("takes a container through its life, and hears of what is not allowed", async () => {
    const container = await create(docker, ["sh", "-c", "exec sleep 100"], { name: "first" });
    const state = async () => (await container.inspect()).State.Status;
    assert.equal(await state(), "created");
    await container.start();
    await assert.rejects(container.start(), { statusCode: 304 });
    await container.pause();
    assert.equal(await state(), "paused");
    await container.unpause();
    await container.rename({ name: "second" });
    assert.equal((await docker.getContainer("second").inspect()).Id, container.id);
    await container.update({ Memory: 64 * 1024 * 1024, MemorySwap: -1 });
    assert.equal((await container.inspect()).HostConfig.Memory, 64 * 1024 * 1024);
    await container.restart({ t: 0 });
    assert.equal(await state(), "running");
    await assert.rejects(container.remove(), { statusCode: 409 });
    await assert.rejects(create(docker, ["true"], { name: "second" }), { statusCode: 409 });
    await container.kill({ signal: "SIGKILL" });
    assert.equal((await container.wait()).StatusCode, 137);
    await assert.rejects(container.stop(), { statusCode: 304 });
    await container.remove();
    await assert.rejects(container.inspect(), {
      statusCode: 404,
      json: { message: `No such container: ${container.id}` },
    });
  });

  it("lists containers, with filters in both spellings", async () => {
    await start(docker, undefined, { name: "one", Labels: { team: "a" } });
    const two = await start(docker, ["false"], { name: "two" });
    await two.wait();
    const names = async (options: Docker.ContainerListOptions) =>
      (await docker.listContainers(options)).flatMap(({ Names }) => Names);
    assert.deepEqual(await names({}), ["/one"]);
    assert.deepEqual(await names({ all: true }), ["/two", "/one"]);
    assert.deepEqual(await names({ limit: 1 }), ["/two"]);
    assert.deepEqual(await names({ filters: { label: ["team=a"] } }), ["/one"]);
    assert.deepEqual(await names({ filters: '{"exited":{"1":true}}', all: true }), ["/two"]);
    const [one] = await docker.listContainers({ filters: { name: ["one"] }, size: true } as object);
    assert.deepEqual([one?.State, one?.Image, one?.Labels.team], ["running", image, "a"]);
  });

  it("tells processes, changes and figures of a container", async () => {
    const container = await start(docker, ["sh", "-c", "touch /data/new; exec sleep 100"]);
    await exec(docker, container, ["true"]);
    const { Titles, Processes } = await container.top({ ps_args: "-o pid,args" });
    assert.deepEqual([Titles, Processes.length], [["PID", "COMMAND"], 1]);
    assert.deepEqual(await container.changes(), [
      { Path: "/data", Kind: 0 },
      { Path: "/data/new", Kind: 1 },
    ]);
    const { memory_stats, pids_stats } = await container.stats({ stream: false });
    assert.ok(memory_stats.usage > 0);
    assert.equal(pids_stats?.current, 1);
    const stream = await container.stats({ stream: true });
    let count = 0;
    for await (const line of stream) {
      assert.ok(JSON.parse(String(line)).read);
      count += 1;
      if (count === 2) break;
    }
  });

  it("makes, uses, lists and removes volumes", async () => {
    await docker.createVolume({ Name: "data", Labels: { kind: "v" } });
    assert.equal((await docker.getVolume("data").inspect()).Driver, "local");
    const writer = await start(docker, ["sh", "-c", "echo kept > /mnt/file"], {
      HostConfig: { Mounts: [{ Type: "volume", Source: "data", Target: "/mnt" }] },
    });
    await writer.wait();
    await assert.rejects(docker.getVolume("data").remove(), { statusCode: 409 });
    const { Mounts } = await writer.inspect();
    assert.deepEqual([Mounts[0]?.Name, Mounts[0]?.Destination], ["data", "/mnt"]);
    await writer.remove();
    const { Volumes } = await docker.listVolumes({ filters: { label: ["kind=v"] } });
    assert.deepEqual(
      Volumes.map((volume) => volume.Name),
      ["data"],
    );
    await docker.getVolume("data").remove();
    await assert.rejects(docker.getVolume("data").inspect(), { statusCode: 404 });
    await docker.createVolume({});
    assert.equal((await docker.pruneVolumes()).VolumesDeleted.length, 1);
  });

  it("makes networks, in which containers find each other by name", async () => {
    const network = await docker.createNetwork({
      Name: "net",
      Labels: { kind: "n" },
      IPAM: { Config: [{ Subnet: "10.98.0.0/24" }] },
    });
    await start(docker, ["httpd", "-f", "-h", "/data"], {
      name: "server",
      HostConfig: { NetworkMode: "net" },
    });
    const outsider = await start(docker);
    await network.connect({ Container: outsider.id, EndpointConfig: { Aliases: ["out"] } });
    const got = await exec(docker, outsider, ["wget", "-qO-", "http://server/file"]);
    assert.deepEqual(got, { stdout: "from the image\n", stderr: "", code: 0 });
    const { Containers } = await network.inspect();
    const names = Object.values(Containers ?? {}).map(({ Name }) => Name);
    assert.deepEqual(names.sort(), [(await outsider.inspect()).Name.slice(1), "server"].sort());
    await assert.rejects(network.remove(), { statusCode: 403 });
    await network.disconnect({ Container: outsider.id });
    await docker.getContainer("server").remove({ force: true });
    await network.remove();
    await assert.rejects(network.inspect(), { statusCode: 404 });
    const listed = await docker.listNetworks({ filters: { driver: ["bridge"] } });
    assert.deepEqual(
      listed.map(({ Name }) => Name),
      ["bridge"],
    );
  });

  it("prunes containers and images", async () => {
    const container = await start(docker, ["true"]);
    await container.wait();
    const { ContainersDeleted } = await docker.pruneContainers();
    assert.deepEqual(ContainersDeleted, [container.id]);
    for (const body of ["one", "two"]) {
      const options = { repo: "dangling", tag: "1" };
      const stream = await docker.importImage(Readable.from([tarOf({ body })]), options);
      await progress(docker, stream as NodeJS.ReadableStream);
    }
    const { ImagesDeleted } = await docker.pruneImages({ filters: { dangling: ["true"] } });
    assert.equal(ImagesDeleted.filter(({ Deleted }) => Deleted).length >= 1, true);
    assert.ok((await tags()).includes("dangling:1"));
    await docker.getImage("dangling:1").remove();
  });
});
