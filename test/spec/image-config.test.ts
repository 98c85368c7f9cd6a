// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isLadeError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { digestOf } from "../../src/spec/digest.ts";
import { type ImageConfig, parseImageConfig } from "../../src/spec/image-config.ts";
import { refused, resultOrRefusal } from "./refused.ts";

const diffId = digestOf("layer");
const rootfs = { type: "layers", diff_ids: [diffId] };

function parse(document: unknown): ImageConfig {
  return parseImageConfig(Buffer.from(JSON.stringify(document)), "config");
}

function fault(document: unknown): string {
  return refused("DOCUMENT_INVALID", () => parse(document)).message;
}

describe("parseImageConfig", () => {
  it("reads what Docker writes", () => {
    const config = {
      User: "me",
      ExposedPorts: { "80/tcp": {} },
      Env: ["PATH=/bin", "EMPTY="],
      Cmd: ["/bin/sh"],
      Healthcheck: { Test: ["CMD", "x"], Interval: 5_000_000_000, Retries: 3 },
      Volumes: { "/data": {} },
      WorkingDir: "/w",
      Labels: { a: "b" },
      StopTimeout: 0,
    };
    const document = {
      architecture: "arm64",
      variant: "v8",
      os: "linux",
      "os.version": "1",
      "os.features": ["f"],
      created: "2024-02-29T12:00:00.123456789Z",
      author: "me",
      comment: "hello",
      container: "abc",
      container_config: { Cmd: ["x"] },
      docker_version: "20.10.24",
      config,
      rootfs,
      history: [
        { created: "2024-02-29T12:00:00Z", created_by: "a" },
        { empty_layer: true, comment: "b", author: "c" },
      ],
    };
    assert.deepEqual(parse(document), document);
  });

  it("reads the least that there is", () => {
    const least = { architecture: "", os: "", rootfs: { type: "", diff_ids: [] }, history: [] };
    assert.deepEqual(parse({ rootfs: {} }), least);
    assert.deepEqual(parse({ rootfs: { type: "layers", diff_ids: null } }), {
      ...least,
      rootfs: { type: "layers", diff_ids: [] },
    });
  });

  it("takes null for missing, as Go does", () => {
    const config = parse({
      architecture: null,
      created: null,
      config: {
        Env: null,
        Cmd: null,
        Volumes: null,
        ExposedPorts: { "80/tcp": null },
        Labels: { a: null },
        OnBuild: ["x", null],
        Healthcheck: null,
      },
      container_config: null,
      history: [null],
      rootfs,
    });
    assert.deepEqual(config, {
      architecture: "",
      os: "",
      config: { ExposedPorts: { "80/tcp": {} }, Labels: { a: "" }, OnBuild: ["x", ""] },
      history: [{}],
      rootfs,
    });
  });

  it("takes a text for a command, as Docker does", () => {
    const config = { Cmd: "a b", Entrypoint: "c", Shell: "d" };
    assert.deepEqual(parse({ config, rootfs }).config, {
      Cmd: ["a b"],
      Entrypoint: ["c"],
      Shell: ["d"],
    });
  });

  it("ignores what it does not know, and takes fewer steps than layers", () => {
    assert.deepEqual(parse({ moby: { x: [1] }, config: { Memory: 0 }, rootfs }).config, {});
    assert.deepEqual(parse({ rootfs }).history, []);
    const history = [{}, { empty_layer: true }, { empty_layer: true }];
    assert.equal(parse({ rootfs, history }).history.length, 3);
  });

  it("takes the last of equal keys", () => {
    const text = `{"os":"a","os":"linux","rootfs":${JSON.stringify(rootfs)}}`;
    assert.equal(parseImageConfig(Buffer.from(text), "config").os, "linux");
  });

  it("keeps strange names as plain members", () => {
    const text = `{"config":{"Labels":{"__proto__":"a","constructor":"b","toString":"c"}},"rootfs":{}}`;
    const labels = parseImageConfig(Buffer.from(text), "config").config?.Labels ?? {};
    assert.deepEqual(Object.entries(labels), [
      ["__proto__", "a"],
      ["constructor", "b"],
      ["toString", "c"],
    ]);
  });

  it("refuses with the place in the document", () => {
    const cases: readonly (readonly [document: unknown, message: string])[] = [
      [[], "expected object, got array"],
      [null, "expected object, got null"],
      ["x", "expected object, got string"],
      [{}, "invalid image JSON, no RootFS key"],
      [{ rootfs: null }, "invalid image JSON, no RootFS key"],
      [{ rootfs: [] }, "rootfs: expected object, got array"],
      [{ rootfs: { type: "layers+base" } }, 'rootfs.type: expected "layers", got "layers+base"'],
      [{ rootfs: { diff_ids: "x" } }, "rootfs.diff_ids: expected array, got string"],
      [{ rootfs: { diff_ids: [1] } }, "rootfs.diff_ids[0]: expected string, got number"],
      [
        { rootfs: { diff_ids: [diffId, "sha256:../../x"] } },
        'rootfs.diff_ids[1]: expected a sha256 digest, got "sha256:../../x"',
      ],
      [{ rootfs, os: 1 }, "os: expected string, got number"],
      [{ rootfs, created: "now" }, 'created: expected a time of RFC 3339, got "now"'],
      [{ rootfs, created: "" }, 'created: expected a time of RFC 3339, got ""'],
      [{ rootfs, config: "x" }, "config: expected object, got string"],
      [{ rootfs, config: { Env: "A=b" } }, "config.Env: expected array, got string"],
      [{ rootfs, config: { Env: ["a", 1] } }, "config.Env[1]: expected string, got number"],
      [{ rootfs, config: { Env: ["a=\0"] } }, "config.Env[0]: expected text without a NUL"],
      [{ rootfs, config: { Cmd: [1] } }, "config.Cmd: expected array of strings, got array"],
      [{ rootfs, config: { Cmd: {} } }, "config.Cmd: expected array of strings, got object"],
      [{ rootfs, config: { Tty: "yes" } }, "config.Tty: expected boolean, got string"],
      [
        { rootfs, config: { Labels: { "a b": 1 } } },
        'config.Labels["a b"]: expected string, got number',
      ],
      [{ rootfs, config: { Labels: ["a"] } }, "config.Labels: expected object, got array"],
      [
        { rootfs, config: { Volumes: { "/a": "x" } } },
        'config.Volumes["/a"]: expected object, got string',
      ],
      [{ rootfs, config: { StopTimeout: 1.5 } }, "config.StopTimeout: expected an integer"],
      [{ rootfs, history: {} }, "history: expected array, got object"],
      [
        { rootfs, history: [{}, { created: 5 }] },
        "history[1].created: expected string, got number",
      ],
      [
        { rootfs, history: [{}, {}] },
        "too many non-empty layers in History section: 2 for 1 diff_ids",
      ],
    ];
    for (const [document, message] of cases) assert.equal(fault(document), `config: ${message}`);
  });

  it("keeps control characters of the document out of the message", () => {
    const message = fault({ rootfs, config: { Labels: { "\x1b[31m\n": 1 } } });
    assert.equal(message, 'config: config.Labels["\\x1b[31m\\n"]: expected string, got number');
  });

  it("stops at the limits", () => {
    const layers = (count: number): unknown => ({
      rootfs: { type: "layers", diff_ids: Array.from({ length: count }, () => diffId) },
    });
    assert.equal(parse(layers(limits.imageLayers)).rootfs.diff_ids.length, limits.imageLayers);
    const error = refused("LIMIT_EXCEEDED", () => parse(layers(limits.imageLayers + 1)));
    assert.equal(error.message, "config: an image may have 500 layers, this one has 501");
    refused("LIMIT_EXCEEDED", () =>
      parseImageConfig(Buffer.from('{"config":'.repeat(100_000)), "config"),
    );
  });

  it("reads very many labels in no time", { timeout: 10_000 }, () => {
    const labels = Object.fromEntries(
      Array.from({ length: 200_000 }, (_, index) => [`l${index}`, ""]),
    );
    const config = parse({ rootfs, config: { Labels: labels } });
    assert.equal(Object.keys(config.config?.Labels ?? {}).length, 200_000);
  });

  it("takes any JSON or refuses it", () => {
    const keys = fc.constantFrom(
      "rootfs",
      "config",
      "history",
      "diff_ids",
      "type",
      "Env",
      "Labels",
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "medium" },
        fc.constantFrom(null, "layers", diffId, 0, true, ""),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(keys, tie("value"), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(value, (document) => {
        const result = resultOrRefusal(() => parse(document));
        if (isLadeError(result)) return assert.equal(result.code, "DOCUMENT_INVALID");
        assert.deepEqual(parse(result), result);
      }),
      { numRuns: 2000 },
    );
  });
});
