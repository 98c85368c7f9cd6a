// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isLadeError } from "../../src/base/errors.ts";
import { type Digest, digestOf } from "../../src/spec/digest.ts";
import { type HistoryEntry, parseImageConfig } from "../../src/spec/image-config.ts";
import { configFromV1, createV1Ids, historyFromV1 } from "../../src/spec/v1.ts";
import { refused, resultOrRefusal } from "./refused.ts";

interface Golden {
  /** The `json` files, lowest image first; each character is one byte. */
  readonly json: readonly string[];
  readonly diffIds: readonly Digest[];
  /** Image ID after `docker load`. */
  readonly id: Digest;
  /** Layer folders of `docker save` afterwards. */
  readonly layerIds: readonly string[];
}

// Archives of old makers, loaded and saved by Docker 20.10.24 on a host in UTC.
const goldens: readonly Golden[] = JSON.parse(
  readFileSync(join(import.meta.dirname, "golden", "v1.json"), "utf8"),
);

function convert(golden: Golden): Buffer {
  const history: HistoryEntry[] = [];
  let config: Buffer = Buffer.alloc(0);
  for (const [index, json] of golden.json.entries()) {
    const bytes = Buffer.from(json, "latin1");
    history.push(historyFromV1(bytes, "json"));
    config = configFromV1(bytes, "json", { diffIds: golden.diffIds.slice(0, index + 1), history });
  }
  return config;
}

describe("configFromV1", () => {
  it("gives the image IDs that Docker 20.10 gives", () => {
    assert.equal(goldens.length, 8);
    for (const golden of goldens) {
      const config = convert(golden);
      assert.equal(digestOf(config), golden.id, config.toString());
    }
  });

  it("makes a config that can be read", () => {
    for (const golden of goldens) {
      const config = parseImageConfig(convert(golden), "config");
      assert.deepEqual(config.rootfs.diff_ids, golden.diffIds);
      assert.equal(config.history.length, golden.json.length);
    }
  });

  it("keeps unknown members only of makers from 1.8.3 on", () => {
    const make = (version: string): string =>
      configFromV1(Buffer.from(`{"docker_version":"${version}","x":1.50,"Size":3}`), "json", {
        diffIds: [],
        history: [],
      }).toString();
    for (const version of ["1.8.3", "1.9.1", "1.10.0-dev", "2", "17.03.0-ce"]) {
      assert.match(make(version), /"x":1\.50}$/, version);
      assert.doesNotMatch(make(version), /Size|created/);
    }
    for (const version of ["", "1.8.2", "1.8.3-rc1", "1.8", "0.9", "library-import"]) {
      assert.doesNotMatch(make(version), /"x"/, version);
      assert.match(make(version), /"created":"0001-01-01T00:00:00Z"/);
    }
    assert.match(make("1.9.1"), /"history":\[\],"rootfs":{"type":"layers"}/);
  });

  it("refuses what Docker refuses", () => {
    for (const text of [
      '{"created":"nonsense"}',
      '{"docker_version":1}',
      '{"config":[]}',
      '{"container_config":{"Env":"x"}}',
      "[]",
      "null",
      "{",
      "",
    ]) {
      const options = { diffIds: [], history: [] };
      refused("DOCUMENT_INVALID", () => configFromV1(Buffer.from(text), "json", options));
      refused("DOCUMENT_INVALID", () => historyFromV1(Buffer.from(text), "json"));
    }
  });

  it("takes any bytes or refuses them", () => {
    fc.assert(
      fc.property(fc.constantFrom(...goldens), fc.nat(), fc.nat(255), (golden, at, byte) => {
        const bytes = Buffer.from(golden.json.at(-1) ?? "", "latin1");
        bytes[at % bytes.length] = byte;
        const options = { diffIds: golden.diffIds, history: [] };
        const result = resultOrRefusal(() => configFromV1(bytes, "json", options));
        if (isLadeError(result)) return assert.equal(result.code, "DOCUMENT_INVALID");
        JSON.parse(result.toString());
      }),
      { numRuns: 1000 },
    );
  });
});

describe("historyFromV1", () => {
  it("joins the command, and keeps who and when", () => {
    const json = Buffer.from(
      '{"created":"2015-01-01T00:00:00Z","author":"a","comment":"c",' +
        '"container_config":{"Cmd":["/bin/sh","-c","x"]}}',
    );
    const entry = {
      created: "2015-01-01T00:00:00Z",
      author: "a",
      created_by: "/bin/sh -c x",
      comment: "c",
    };
    assert.deepEqual(historyFromV1(json, "json"), entry);
    assert.deepEqual(historyFromV1(json, "json", { emptyLayer: true }), {
      ...entry,
      empty_layer: true,
    });
    assert.deepEqual(historyFromV1(Buffer.from("{}"), "json"), {});
  });
});

describe("createV1Ids", () => {
  it("gives the layer folders of docker save of 20.10", () => {
    for (const golden of goldens) {
      const config = parseImageConfig(convert(golden), "config");
      assert.deepEqual(createV1Ids(config), golden.layerIds);
    }
  });

  it("refuses an image without layers", () => {
    const config = parseImageConfig(Buffer.from('{"rootfs":{}}'), "config");
    refused("DOCUMENT_INVALID", () => createV1Ids(config));
  });
});
