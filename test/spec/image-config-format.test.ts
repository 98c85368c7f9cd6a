// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { digestOf } from "../../src/spec/digest.ts";
import { formatGoJson } from "../../src/spec/go-json.ts";
import { parseImageConfig } from "../../src/spec/image-config.ts";
import {
  formatImportedConfig,
  historyDocument,
  sectionDocument,
} from "../../src/spec/image-config-format.ts";

const emptySection =
  '{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,' +
  '"AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,' +
  '"Image":"","Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":null}';

const diffId = "sha256:94ffc9912d32940ff43a98c46e7d6babf6799792d468df5bb02ce1524422f906";

describe("formatImportedConfig", () => {
  it("writes what docker import of 20.10 writes", () => {
    const created = "2026-11-21T22:29:02.291553275Z";
    const bytes = formatImportedConfig({
      architecture: "amd64",
      os: "linux",
      config: {},
      created,
      comment: "Imported from -",
      diffId,
      dockerVersion: "20.10.24+dfsg1",
    });
    assert.equal(
      bytes.toString(),
      `{"architecture":"amd64","comment":"Imported from -","config":${emptySection},` +
        `"container_config":${emptySection},"created":"${created}",` +
        '"docker_version":"20.10.24+dfsg1",' +
        `"history":[{"created":"${created}","comment":"Imported from -"}],"os":"linux",` +
        `"rootfs":{"type":"layers","diff_ids":["${diffId}"]}}`,
    );
  });

  it("leaves out what is empty, and writes the variant", () => {
    const config = { Labels: { b: "<", a: "é" }, Volumes: { "/b": {}, "/a": {} }, Cmd: [] };
    const bytes = formatImportedConfig({
      architecture: "arm64",
      os: "linux",
      variant: "v8",
      config,
      created: "2026-01-01T00:00:00.500Z",
      comment: "",
      diffId: digestOf(""),
    });
    const text = bytes.toString();
    assert.doesNotMatch(text, /comment|docker_version/);
    assert.match(text, /"created":"2026-01-01T00:00:00\.5Z"/);
    assert.match(text, /"variant":"v8"}$/);
    assert.match(text, /"Cmd":\[\],/);
    assert.match(text, /"Volumes":{"\/a":{},"\/b":{}},/);
    assert.match(text, /"Labels":{"a":"é","b":"\\u003c"}/);
    assert.deepEqual(parseImageConfig(bytes, "config").config, {
      ...parseImageConfig(Buffer.from(`{"config":${emptySection},"rootfs":{}}`), "config").config,
      ...config,
    });
  });
});

describe("sectionDocument", () => {
  it("writes every member that Docker knows, in its order", () => {
    const text = formatGoJson(
      sectionDocument({
        Shell: ["s"],
        StopTimeout: 0,
        StopSignal: "TERM",
        Labels: {},
        OnBuild: [],
        MacAddress: "m",
        NetworkDisabled: true,
        Entrypoint: ["e"],
        WorkingDir: "/w",
        Volumes: {},
        Image: "i",
        ArgsEscaped: true,
        Healthcheck: { Test: ["NONE"], Interval: 1, Timeout: 0, StartInterval: 2, Retries: 3 },
        Cmd: ["c"],
        Env: ["a=b"],
        StdinOnce: true,
        OpenStdin: true,
        Tty: true,
        ExposedPorts: { "80/tcp": {}, "443/tcp": {} },
        AttachStderr: true,
        AttachStdout: true,
        AttachStdin: true,
        User: "u",
        Domainname: "d",
        Hostname: "h",
      }),
    );
    assert.equal(
      text,
      '{"Hostname":"h","Domainname":"d","User":"u","AttachStdin":true,"AttachStdout":true,' +
        '"AttachStderr":true,"ExposedPorts":{"443/tcp":{},"80/tcp":{}},"Tty":true,' +
        '"OpenStdin":true,"StdinOnce":true,"Env":["a=b"],"Cmd":["c"],' +
        '"Healthcheck":{"Test":["NONE"],"Interval":1,"StartInterval":2,"Retries":3},' +
        '"ArgsEscaped":true,"Image":"i","Volumes":{},"WorkingDir":"/w","Entrypoint":["e"],' +
        '"NetworkDisabled":true,"MacAddress":"m","OnBuild":[],"Labels":{},"StopSignal":"TERM",' +
        '"StopTimeout":0,"Shell":["s"]}',
    );
  });

  it("leaves out empty ports, and keeps an empty health check", () => {
    const text = formatGoJson(sectionDocument({ ExposedPorts: {}, Healthcheck: {}, Shell: [] }));
    assert.equal(text, emptySection.replace('"Cmd":null,', '"Cmd":null,"Healthcheck":{},'));
  });
});

describe("historyDocument", () => {
  it("always has a time, and the author before the command", () => {
    assert.equal(formatGoJson(historyDocument({})), '{"created":"0001-01-01T00:00:00Z"}');
    const entry = { comment: "c", created_by: "b", author: "a", empty_layer: true };
    assert.equal(
      formatGoJson(historyDocument({ ...entry, created: "2020-01-01T00:00:00.10+02:00" })),
      '{"created":"2020-01-01T00:00:00.1+02:00","author":"a","created_by":"b","comment":"c",' +
        '"empty_layer":true}',
    );
  });
});
