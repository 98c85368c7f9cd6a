// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { CREATED_S, sampleImage } from "../fixtures/sample-image.ts";
import { plainArchive } from "../fixtures/variants.ts";
import { type ApiAnswer, type LadeServe, startLadeServe } from "../helpers/lade-serve.ts";

type Members = Readonly<Record<string, unknown>>;

const image = sampleImage();
const id = image.imageId;
const { archive } = plainArchive([image]);

function messages(answer: ApiAnswer): Members[] {
  const lines = answer.body.toString().split("\r\n");
  assert.equal(lines.pop(), "");
  return lines.map((line) => JSON.parse(line));
}

function emptyTar(): Buffer {
  return execFileSync("tar", ["-cf", "-", "--files-from", "/dev/null"]);
}

function platform(os: string, architecture: string): string {
  return encodeURIComponent(JSON.stringify({ os, architecture }));
}

describe("images by the API", () => {
  let serve: LadeServe;
  before(async () => {
    serve = await startLadeServe();
    const loaded = await serve.request("POST", "/images/load", { body: archive });
    assert.deepEqual(messages(loaded), [{ stream: "Loaded image: demo:1\n" }]);
    assert.equal(loaded.headers["content-type"], "application/json");
  });
  after(() => serve[Symbol.asyncDispose]());

  async function get(path: string): Promise<unknown> {
    const { status, json } = await serve.request("GET", path);
    assert.equal(status, 200, JSON.stringify(json));
    return json;
  }

  async function refused(method: string, path: string, body?: unknown): Promise<unknown[]> {
    const { status, json } = await serve.request(method, path, body === undefined ? {} : { body });
    return [status, (json as { message: string }).message];
  }

  it("lists them with the members of each version", async () => {
    const [newest] = (await get("/v1.51/images/json")) as [Members];
    const { Created: created, Size: size, ...rest } = newest;
    assert.equal(created, CREATED_S);
    assert.ok(Number(size) > 0);
    assert.deepEqual(rest, {
      Containers: 0,
      Id: id,
      Labels: rest.Labels,
      ParentId: "",
      RepoDigests: [],
      RepoTags: ["demo:1"],
      SharedSize: -1,
    });
    const [older] = (await get("/v1.43/images/json?shared-size=1")) as [Members];
    assert.deepEqual(older, { ...newest, Containers: -1, SharedSize: 0, VirtualSize: size });
    const [oldest] = (await get("/v1.41/images/json?shared-size=1")) as [Members];
    assert.equal(oldest.SharedSize, -1);
  });

  it("lists by filters in both spellings, and by the oldest version's own parameter", async () => {
    for (const filters of ['{"reference":["de*"]}', '{"reference":{"de*":true}}']) {
      const found = await get(`/images/json?filters=${encodeURIComponent(filters)}`);
      assert.equal((found as unknown[]).length, 1);
    }
    const none = encodeURIComponent('{"reference":["nosuch"]}');
    assert.deepEqual(await get(`/images/json?filters=${none}`), []);
    assert.deepEqual(await get("/v1.24/images/json?filter=nosuch"), []);
    assert.equal(((await get("/v1.25/images/json?filter=nosuch")) as unknown[]).length, 1);
    const unknown = encodeURIComponent('{"colour":["red"]}');
    assert.deepEqual(await refused("GET", `/images/json?filters=${unknown}`), [
      400,
      "invalid filter 'colour'",
    ]);
    assert.equal((await refused("GET", "/images/json?filters=zz"))[0], 400);
  });

  it("has no words for no name from 1.43 on", async () => {
    const flavour = sampleImage({ flavour: "nameless" });
    const { archive: nameless } = plainArchive([flavour], { tags: null });
    const loaded = await serve.request("POST", "/images/load", { body: nameless });
    assert.deepEqual(messages(loaded), [{ stream: `Loaded image ID: ${flavour.imageId}\n` }]);
    const filters = encodeURIComponent('{"dangling":["true"]}');
    const [old] = (await get(`/v1.42/images/json?filters=${filters}`)) as [Members];
    assert.deepEqual([old.RepoTags, old.RepoDigests], [["<none>:<none>"], ["<none>@<none>"]]);
    const [now] = (await get(`/v1.43/images/json?filters=${filters}`)) as [Members];
    assert.deepEqual([now.RepoTags, now.RepoDigests], [[], []]);
    const [shared] = (await get(`/v1.43/images/json?filters=${filters}&shared-size=1`)) as [
      Members,
    ];
    assert.ok(Number(shared.SharedSize) > 0 && Number(shared.SharedSize) < Number(shared.Size));
    const pruned = await serve.request("POST", "/images/prune");
    const { ImagesDeleted: deleted, SpaceReclaimed: space } = pruned.json as {
      ImagesDeleted: Members[];
      SpaceReclaimed: number;
    };
    assert.deepEqual(deleted[0], { Deleted: flavour.imageId });
    assert.ok(space > 0);
    const again = await serve.request("POST", "/images/prune");
    assert.deepEqual(again.json, { ImagesDeleted: null, SpaceReclaimed: 0 });
  });

  it("inspects with the members of each version", async () => {
    const names = async (version: string) =>
      new Set(Object.keys((await get(`${version}/images/demo:1/json`)) as object));
    const by41 = await names("/v1.41");
    for (const name of ["VirtualSize", "Container", "ContainerConfig", "GraphDriver", "RootFS"]) {
      assert.ok(by41.has(name), name);
    }
    const by44 = await names("/v1.44");
    assert.deepEqual([...by41.difference(by44)], ["VirtualSize"]);
    const by45 = await names("/v1.45");
    assert.deepEqual([...by44.difference(by45)].sort(), ["Container", "ContainerConfig"]);
    assert.ok(!by45.has("Descriptor"));
    // docker-compose 1.29 reads what has gone, in whatever version it talks.
    const compose = { "User-Agent": "docker-compose/1.29.2 docker-py/5.0.3 Linux/6.1" };
    const told = await serve.request("GET", "/v1.51/images/demo:1/json", { headers: compose });
    assert.ok("ContainerConfig" in (told.json as object));
    const config = async (version: string) =>
      ((await get(`${version}/images/demo:1/json`)) as { Config: object }).Config;
    assert.ok("Hostname" in (await config("/v1.49")));
    assert.ok(!("Hostname" in (await config("/v1.50"))));
    assert.ok("Env" in (await config("/v1.51")));
  });

  it("takes platforms as JSON from the version on that has them", async () => {
    const host = platform(image.platform.os, image.platform.architecture);
    const other = platform("linux", "s390x");
    assert.equal(((await get(`/v1.49/images/demo:1/json?platform=${host}`)) as Members).Id, id);
    assert.equal((await refused("GET", `/v1.49/images/demo:1/json?platform=${other}`))[0], 404);
    assert.equal(((await get(`/v1.48/images/demo:1/json?platform=${other}`)) as Members).Id, id);
    assert.equal((await refused("GET", `/v1.48/images/demo:1/history?platform=${other}`))[0], 404);
    assert.deepEqual(
      await refused("GET", `/v1.49/images/demo:1/json?manifests=1&platform=${host}`),
      [400, "conflicting options: manifests and platform options cannot both be set"],
    );
    for (const [text, message] of [
      ["{", /^failed to parse platform: /],
      ["linux", /^failed to parse platform: /],
      ['{"os":7}', /^failed to parse platform: /],
      ['{"os":"linux"}', /^both OS and Architecture must be provided$/],
      ['{"variant":"v8"}', /^optional platform fields provided/],
    ] as const) {
      const path = `/v1.51/images/demo:1?platforms=${encodeURIComponent(text)}`;
      const [status, words] = await refused("DELETE", path);
      assert.equal(status, 400);
      assert.match(String(words), message);
    }
  });

  it("tells the steps", async () => {
    const steps = (await get("/images/demo:1/history")) as Members[];
    assert.equal(steps.length, 4);
    assert.deepEqual(
      steps.map(({ Id, Tags }) => [Id, Tags]),
      [[id, ["demo:1"]], ...Array(3).fill(["<missing>", null])],
    );
    assert.equal(typeof steps[0]?.Created, "number");
  });

  it("tags and removes, with Docker's lines", async () => {
    const tagged = await serve.request("POST", "/images/demo:1/tag?repo=reg:5000/a/b&tag=x");
    assert.deepEqual([tagged.status, tagged.body.length], [201, 0]);
    await serve.request("POST", "/images/demo:1/tag?repo=c:ignored&tag=y");
    const { RepoTags: names } = (await get("/images/reg:5000/a/b:x/json")) as Members;
    assert.deepEqual(names, ["c:y", "demo:1", "reg:5000/a/b:x"]);
    assert.deepEqual(await refused("DELETE", `/images/${id.slice(7, 19)}`), [
      409,
      `conflict: unable to delete ${id.slice(7, 19)} (must be forced) - image is referenced in multiple repositories`,
    ]);
    for (const name of ["c:y", "reg:5000/a/b:x"]) {
      const removed = await serve.request("DELETE", `/images/${name}`);
      assert.deepEqual([removed.status, removed.json], [200, [{ Untagged: name }]]);
    }
  });

  it("refuses bad names with Docker's words", async () => {
    for (const [method, path, status, message] of [
      ["POST", "/images/demo:1/tag", 400, "invalid reference format"],
      ["POST", "/images/demo:1/tag?repo=a&tag=b@c", 400, "invalid tag format"],
      ["POST", `/images/demo:1/tag?repo=a@${id}`, 400, "cannot import digest reference"],
      [
        "POST",
        "/images/demo:1/tag?repo=sha256&tag=a",
        400,
        "refusing to create an ambiguous tag using digest algorithm as name",
      ],
      ["POST", "/images/nosuch/tag?repo=a", 404, "No such image: nosuch:latest"],
      ["GET", "/images/nosuch/json", 404, "No such image: nosuch:latest"],
      ["GET", "/images/nosuch/history", 404, "No such image: nosuch:latest"],
      ["GET", "/images/nosuch/get", 404, "No such image: nosuch"],
      ["GET", "/images/get?names=demo:1&names=nosuch", 404, "No such image: nosuch"],
      ["DELETE", "/images/nosuch", 404, "No such image: nosuch:latest"],
      ["DELETE", "/images/%20", 400, "image name cannot be blank"],
    ] as const) {
      assert.deepEqual(await refused(method, path), [status, message], path);
    }
    for (const path of ["a%00b", "..%2F..%2Fetc", "-", "demo:1%0A", "%C3%A4"]) {
      const [status] = await refused("GET", `/images/${path}/json`);
      assert.ok(status === 400 || status === 404, path);
    }
  });

  it("saves one and many, and what is saved loads", async () => {
    const one = await serve.request("GET", "/images/demo:1/get");
    assert.equal(one.headers["content-type"], "application/x-tar");
    const many = await serve.request("GET", `/images/get?names=demo:1&names=${id}`);
    assert.deepEqual(many.body, one.body);
    assert.equal((await serve.request("GET", "/images/demo:1/get")).body.equals(one.body), true);
    const loaded = await serve.request("POST", "/images/load?quiet=0", { body: one.body });
    assert.deepEqual(messages(loaded).at(-1), { stream: "Loaded image: demo:1\n" });
  });

  it("tells of the layers that it loads, where it is to", async () => {
    const big = Buffer.alloc(4 * 1024 * 1024, "z");
    const flavour = sampleImage({ flavour: big.toString() });
    const { archive: bigArchive } = plainArchive([flavour]);
    const loaded = messages(
      await serve.request("POST", "/images/load?quiet=false", { body: bigArchive }),
    );
    const progress = loaded.filter(({ status }) => status === "Loading layer");
    assert.ok(progress.length > 0);
    for (const { id: layer, progressDetail, progress: bar } of progress) {
      assert.match(String(layer), /^[0-9a-f]{12}$/);
      assert.match(String(bar), /^\[=*> *\] +[\d.]+k?M?B\/[\d.]+k?M?B$/);
      const { current, total } = progressDetail as { current: number; total: number };
      assert.ok(current <= total);
    }
    assert.deepEqual(loaded.slice(-2), [
      {
        stream: `The image demo:1 already exists, renaming the old one with ID ${id} to empty string\n`,
      },
      { stream: "Loaded image: demo:1\n" },
    ]);
    await serve.request("POST", "/images/load", { body: archive });
  });

  it("tells of what is wrong with an archive in the stream, as Docker does", async () => {
    for (const body of [Buffer.from("garbage"), emptyTar(), archive.subarray(0, 2000)]) {
      const answer = await serve.request("POST", "/images/load", { body });
      assert.equal(answer.status, 200);
      const [{ error, errorDetail }, ...more] = messages(answer) as [Members, ...Members[]];
      assert.deepEqual(more, []);
      assert.equal(typeof error, "string");
      assert.deepEqual(errorDetail, { message: error });
    }
  });

  it("imports what is sent, with changes", async () => {
    const query = "repo=imp&message=hello&changes=CMD%20x&changes=ENV%20A%3D1";
    const answer = await serve.request("POST", `/images/create?fromSrc=-&${query}`, {
      body: image.layers[0]?.tar,
    });
    const [{ status: made }] = messages(answer) as [Members];
    const document = (await get("/images/imp:latest/json")) as {
      Id: string;
      Comment: string;
      Config: Members;
    };
    assert.equal(document.Id, made);
    assert.equal(document.Comment, "hello");
    assert.deepEqual(document.Config.Cmd, ["/bin/sh", "-c", "x"]);
    assert.deepEqual(document.Config.Env, ["A=1"]);
    const body = image.layers[0]?.tar;
    for (const [wrong, message] of [
      ["fromSrc=-&changes=BOGUS%20x", /not a valid change command/],
      ["fromSrc=-&repo=IMP", /must be lowercase/],
      ["fromSrc=-&platform=a%2Fb%2Fc%2Fd", /platform/],
    ] as const) {
      const [status, words] = await refused("POST", `/images/create?${wrong}`, body);
      assert.equal(status, 400);
      assert.match(String(words), message);
    }
  });

  it("imports what a URL has, and tells how far it is", async () => {
    const body = image.layers[0]?.tar ?? Buffer.alloc(0);
    const server = createServer((request, response) => {
      if (request.url === "/rootfs.tar") response.end(body);
      else response.writeHead(404).end();
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    try {
      const { port } = server.address() as AddressInfo;
      const from = `127.0.0.1:${port}/rootfs.tar`;
      const path = `/images/create?fromSrc=${encodeURIComponent(from)}&repo=url`;
      const told = messages(await serve.request("POST", path));
      assert.deepEqual(told[0], { status: `Downloading from http://${from}` });
      const done = told.findLast(({ status }) => status === "Importing");
      assert.deepEqual(done?.progressDetail, { current: body.length, total: body.length });
      const { Id: made, Comment: comment } = (await get("/images/url/json")) as Members;
      assert.deepEqual([told.at(-1), comment], [{ status: made }, `Imported from ${from}`]);
      const missing = messages(await serve.request("POST", path.replace("rootfs", "nosuch")));
      assert.match(String(missing.at(-1)?.error), /404/);
    } finally {
      server.close();
    }
  });

  it("reads no path of the host", async () => {
    for (const from of ["/etc/passwd", "etc/passwd", "file:///etc/passwd", "", ".", "a"]) {
      const path = `/images/create?fromSrc=${encodeURIComponent(from)}`;
      const { body } = await serve.request("POST", path);
      assert.doesNotMatch(body.toString(), /sha256:/, from);
      assert.match(body.toString(), /"message"|"errorDetail"/);
    }
  });

  it("says that there is no registry", async () => {
    assert.deepEqual(await refused("POST", "/images/create?fromImage=alpine&tag=3"), [
      404,
      "alpine:3 can't be pulled: lade has no registry access, load it from an archive",
    ]);
    for (const [method, path] of [
      ["POST", "/images/demo:1/push"],
      ["GET", "/images/search?term=x"],
      ["POST", "/auth"],
      ["GET", "/distribution/alpine/json"],
    ] as const) {
      assert.deepEqual(await refused(method, path), [501, "lade has no registry access"]);
    }
  });

  it("commits a container with all that may be said of it", async () => {
    const made = await serve.request("POST", "/containers/create?name=made", {
      body: {
        Image: "demo:1",
        Cmd: ["a"],
        Env: ["A=1", "B=1"],
        HostConfig: { NetworkMode: "none" },
      },
    });
    assert.equal(made.status, 201, JSON.stringify(made.json));
    const query =
      "container=made&repo=made&tag=2&comment=why&author=me&pause=0&changes=ENV%20C%3D3";
    const config = {
      env: ["A=2"],
      Labels: { l: "m" },
      Entrypoint: "run",
      ExposedPorts: { "80/tcp": {} },
      Volumes: { "/v": {} },
      StopSignal: "SIGINT",
      StopTimeout: 7,
      OnBuild: ["RUN x"],
      Shell: ["/bin/x"],
      Healthcheck: { Test: ["CMD", "true"] },
      User: "u",
      WorkingDir: "/w",
    };
    const committed = await serve.request("POST", `/commit?${query}`, { body: config });
    assert.equal(committed.status, 201, JSON.stringify(committed.json));
    const document = (await get("/v1.49/images/made:2/json")) as Members & { Config: Members };
    assert.equal(document.Id, (committed.json as Members).Id);
    assert.deepEqual([document.Comment, document.Author], ["why", "me"]);
    const { env, Entrypoint: _, ...same } = config;
    const variables = document.Config.Env as string[];
    assert.deepEqual(variables.slice(0, 3), [...env, "C=3", "B=1"]);
    assert.match(variables.slice(3).join(), /^PATH=[^,]*$/);
    assert.deepEqual(document.Config.Entrypoint, ["run"]);
    const labels = document.Config.Labels as Members;
    assert.equal(labels.l, "m");
    for (const [name, value] of Object.entries(same)) {
      const found = document.Config[name];
      if (name === "Labels") continue;
      if (name === "ExposedPorts" || name === "Volumes") {
        assert.ok(Object.keys(value).every((key) => key in (found as object)));
      } else assert.deepEqual(found, value, name);
    }
    const plain = await serve.request("POST", "/commit?container=made", { body: null });
    assert.equal(plain.status, 201);
    for (const [path, body, status] of [
      ["/commit?container=nosuch", {}, 404],
      ["/commit", {}, 400],
      ["/commit?container=made&repo=BAD", {}, 400],
      ["/commit?container=made", { Env: 7 }, 400],
      ["/commit?container=made", [], 400],
    ] as const) {
      assert.equal((await refused("POST", path, body))[0], status, path);
    }
  });
});
