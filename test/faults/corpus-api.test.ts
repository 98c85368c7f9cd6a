// SPDX-License-Identifier: Apache-2.0

/** Rows of the table of known attacks that are of containers and of the API. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { boxArchive } from "../engine/containers/box.ts";
import { compressed } from "../fixtures/compress.ts";
import { dir, file, sampleLayer } from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { type LadeServe, startLadeServe } from "../helpers/lade-serve.ts";
import { requireTool, run } from "../helpers/tools.ts";

describe("a server that works with images and containers of strangers", () => {
  let serve: LadeServe;
  before(async () => {
    serve = await startLadeServe();
    const made = await serve.request("POST", "/images/create?fromSrc=-&repo=box&tag=1", {
      body: boxArchive(),
    });
    assert.equal(made.status, 200);
  });
  after(() => serve[Symbol.asyncDispose]());

  const create = async (body: object) => {
    const host = { NetworkMode: "none" };
    return await serve.request("POST", "/containers/create", {
      body: { Image: "box:1", Cmd: ["true"], HostConfig: host, ...body },
    });
  };
  const idOf = async (body: object) => ((await create(body)).json as { Id: string }).Id;

  it("runs no program of the image to unpack (CVE-2014-9357, CVE-2026-41567)", async () => {
    const witness = join(serve.folder, "ran");
    const script = `#!/bin/sh\ntouch ${witness}\n`;
    const names = ["xz", "unpigz", "gzip", "zstd", "bzip2", "tar", "unzstd", "pigz"];
    const programs = ["bin/", "usr/bin/", "usr/sbin/", "data/"].flatMap((folder) => [
      dir(folder),
      ...names.map((name) => file(`${folder}${name}`, script, { mode: 0o755 })),
    ]);
    const id = await idOf({ Env: ["PATH=/data:/usr/bin:/bin"] });
    const path = `/containers/${id}/archive?path=/`;
    assert.equal((await serve.request("PUT", path, { body: tar(programs) })).status, 200);
    const later = sampleLayer([file("data/later", "later")]).tar;
    for (const how of ["gzip", "zstd", "xz", "bzip2"] as const) {
      const { status } = await serve.request("PUT", path, { body: compressed(later, how) });
      assert.equal(status, 200, how);
    }
    assert.equal(existsSync(witness), false);
  });

  it("refuses configs that no process can have (C9)", async () => {
    const bad: Readonly<Record<string, object>> = {
      "a NUL in a variable": { Env: ["A=b\0c"] },
      "a NUL in an argument": { Cmd: ["true", "a\0"] },
      "a command that is a number": { Cmd: 5 },
      "a signal that is none": { StopSignal: "SIGNOPE" },
      "variables that are no list": { Env: { A: "b" } },
    };
    for (const [what, body] of Object.entries(bad)) {
      const made = await create(body);
      const { Id: id } = made.json as { Id?: string };
      const last = id === undefined ? made : await serve.request("POST", `/containers/${id}/start`);
      assert.equal(last.status, 400, `${what}: ${last.status} ${last.body}`);
    }
  });

  it("takes no path for another's (R6)", async () => {
    for (const path of [
      "/containers/..%2f..%2fx/json",
      "/containers/%00/json",
      "/containers/x%00/archive?path=/",
      "/images/..%2f..%2fetc%2fpasswd/json",
      "/volumes/..%2f..%2fx",
      "/containers/%2e%2e/json",
    ]) {
      const { status } = await serve.request("GET", path);
      assert.ok(status >= 400 && status < 500, `${path}: ${status}`);
    }
    for (const name of ["../x", "..", "a/b", "a\0"]) {
      const { status } = await serve.request("POST", "/volumes/create", { body: { Name: name } });
      assert.equal(status, 400, JSON.stringify(name));
      const made = await serve.request(
        "POST",
        `/containers/create?name=${encodeURIComponent(name)}`,
        { body: { Image: "box:1", Cmd: ["true"] } },
      );
      assert.equal(made.status, 400, JSON.stringify(name));
    }
  });

  it("listens on a socket in the file system only (CVE-2020-15257)", () => {
    const inodes = new Set(
      readFileSync(`/proc/${serve.pid}/net/unix`, "latin1")
        .split("\n")
        .filter((line) => line.includes(`@${serve.folder}`) || line.includes("@lade")),
    );
    assert.deepEqual([...inodes], []);
  });

  it("enters no root of a container to copy (CVE-2019-14271)", async () => {
    const strace = requireTool("strace", "strace");
    const { Id: id } = (await create({})).json as { Id: string };
    const log = join(serve.folder, "trace");
    const node = [process.execPath, "--disable-warning=ExperimentalWarning"];
    const entry = join(import.meta.dirname, "../../bin/main.ts");
    const call = ["-f", "-qq", "-e", "trace=chroot,pivot_root,execve", "-o", log];
    const copied = await run(strace, [...call, ...node, entry, "cp", `${id}:/data`, serve.folder], {
      env: { LADE_ROOT: serve.root, LADE_RUN_ROOT: serve.runRoot },
    });
    assert.equal(copied.code, 0, copied.stderr);
    const lines = readFileSync(log, "utf8").split("\n").filter(Boolean);
    assert.deepEqual(
      lines.filter((line) => /chroot|pivot_root/.test(line)),
      [],
    );
    assert.equal(lines.filter((line) => line.includes("execve(")).length, 1, lines.join("\n"));
  });
});
