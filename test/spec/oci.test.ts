// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isLadeError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { digestOf } from "../../src/spec/digest.ts";
import {
  isForeignLayer,
  isIndexType,
  isManifestType,
  layerCompression,
  mediaTypes,
} from "../../src/spec/media-types.ts";
import {
  isAttestation,
  parseArchiveManifest,
  parseIndex,
  parseManifest,
  parseManifestOrIndex,
  parseOciLayout,
  parseRepositories,
} from "../../src/spec/oci.ts";
import { refused, resultOrRefusal } from "./refused.ts";

const digest = digestOf("blob");
const config = { mediaType: mediaTypes.ociConfig, digest, size: 2 };
const layer = { mediaType: mediaTypes.ociLayerGzip, digest, size: 3 };
const manifest = { schemaVersion: 2, config, layers: [layer] };
const index = { schemaVersion: 2, manifests: [{ ...layer, mediaType: mediaTypes.ociManifest }] };

function bytes(document: unknown): Buffer {
  return Buffer.from(JSON.stringify(document));
}

function fault(parse: (bytes: Uint8Array, place: string) => unknown, document: unknown): string {
  return refused("DOCUMENT_INVALID", () => parse(bytes(document), "blob")).message;
}

describe("parseManifest", () => {
  it("reads manifests of OCI and of Docker", () => {
    const { schemaVersion, ...expected } = manifest;
    assert.deepEqual(parseManifest(bytes(manifest), "blob"), expected);
    for (const mediaType of [mediaTypes.ociManifest, mediaTypes.dockerManifest]) {
      const document = {
        ...manifest,
        mediaType,
        annotations: { a: "b" },
        artifactType: "x/y",
        subject: config,
      };
      const { schemaVersion: _, ...wanted } = document;
      assert.deepEqual(parseManifest(bytes(document), "blob"), wanted);
    }
  });

  it("keeps all of a descriptor, the platform in lade's words", () => {
    const full = {
      ...layer,
      urls: ["https://example.com/x"],
      annotations: { a: "b" },
      artifactType: "x/y",
      data: "eA==",
    };
    const platform = {
      architecture: "arm",
      os: "linux",
      variant: "v7",
      "os.version": "1",
      "os.features": ["f"],
    };
    const document = { ...manifest, layers: [{ ...full, platform }] };
    assert.deepEqual(parseManifest(bytes(document), "blob").layers, [
      {
        ...full,
        platform: {
          os: "linux",
          architecture: "arm",
          variant: "v7",
          osVersion: "1",
          osFeatures: ["f"],
        },
      },
    ]);
  });

  it("takes no layers, and a missing or null member", () => {
    assert.deepEqual(parseManifest(bytes({ config, layers: null }), "blob").layers, []);
    assert.deepEqual(parseManifest(bytes({ config }), "blob").layers, []);
    const bare = { config: { digest, size: 0 }, layers: [], annotations: null };
    assert.deepEqual(parseManifest(bytes(bare), "blob"), {
      config: { mediaType: "", digest, size: 0 },
      layers: [],
    });
  });

  it("refuses what could be read in two ways (CVE-2021-41190)", () => {
    const both = "it has the members of a manifest and of an index, and must be one";
    assert.equal(fault(parseManifest, { ...manifest, ...index }), `blob: ${both}`);
    assert.equal(fault(parseIndex, { ...index, config }), `blob: ${both}`);
    assert.equal(fault(parseIndex, { ...index, layers: [] }), `blob: ${both}`);
    assert.equal(
      fault(parseManifest, { ...manifest, mediaType: mediaTypes.ociIndex }),
      `blob: mediaType: "${mediaTypes.ociIndex}" does not fit, it is a manifest`,
    );
    assert.equal(
      fault(parseIndex, { ...index, mediaType: mediaTypes.dockerManifest }),
      `blob: mediaType: "${mediaTypes.dockerManifest}" does not fit, it is an index`,
    );
    assert.equal(
      refused("DOCUMENT_INVALID", () =>
        parseManifestOrIndex(bytes(index), "blob", mediaTypes.ociManifest),
      ).message,
      `blob: media-type: expected manifest but found index (${mediaTypes.ociManifest})`,
    );
    assert.equal(
      refused("DOCUMENT_INVALID", () =>
        parseManifestOrIndex(bytes(manifest), "blob", mediaTypes.dockerManifestList),
      ).message,
      `blob: media-type: expected index but found manifest (${mediaTypes.dockerManifestList})`,
    );
  });

  it("refuses with the place in the document", () => {
    const cases: readonly (readonly [document: unknown, message: string])[] = [
      [null, "expected object, got null"],
      [[], "expected object, got array"],
      [{}, 'expected a manifest ("config", "layers") or an index ("manifests")'],
      [index, "expected a manifest, got an index"],
      [{ schemaVersion: 1, fsLayers: [], history: [] }, "media-type: schema 1 not supported"],
      [{ ...manifest, schemaVersion: 1 }, "media-type: schema 1 not supported"],
      [{ ...manifest, schemaVersion: 3 }, "schemaVersion: expected 2, got 3"],
      [{ ...manifest, schemaVersion: "2" }, "schemaVersion: expected number, got string"],
      [{ layers: [layer] }, "config: expected a descriptor"],
      [{ ...manifest, config: "x" }, "config: expected object, got string"],
      [{ ...manifest, config: {} }, "config: expected a descriptor with digest"],
      [{ ...manifest, layers: {} }, "layers: expected array, got object"],
      [{ ...manifest, layers: [null] }, "layers[0]: expected object, got null"],
      [{ ...manifest, layers: [layer, { digest }] }, "layers[1]: expected a descriptor with size"],
      [
        { ...manifest, layers: [{ ...layer, digest: "sha256:../x" }] },
        'layers[0].digest: expected a sha256 digest, got "sha256:../x"',
      ],
      [
        { ...manifest, layers: [{ ...layer, size: -1 }] },
        "layers[0].size: expected a size that is not negative",
      ],
      [{ ...manifest, layers: [{ ...layer, size: 1.5 }] }, "layers[0].size: expected an integer"],
      [
        { ...manifest, layers: [{ ...layer, size: 2 ** 53 }] },
        "layers[0].size: expected an integer",
      ],
      [
        { ...manifest, layers: [{ ...layer, size: "3" }] },
        "layers[0].size: expected number, got string",
      ],
      [
        { ...manifest, layers: [{ ...layer, urls: [1] }] },
        "layers[0].urls[0]: expected string, got number",
      ],
    ];
    for (const [document, message] of cases) {
      assert.equal(fault(parseManifest, document), `blob: ${message}`);
    }
  });

  it("stops at the number of layers", () => {
    const layers = Array.from({ length: limits.imageLayers + 1 }, () => layer);
    refused("LIMIT_EXCEEDED", () => parseManifest(bytes({ ...manifest, layers }), "blob"));
  });

  it("takes any JSON or refuses it", () => {
    const keys = fc.constantFrom("config", "layers", "manifests", "digest", "size", "mediaType");
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "medium" },
        fc.constantFrom(null, digest, 0, 5, true, "", mediaTypes.ociManifest, config),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(keys, tie("value"), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(value, (document) => {
        for (const parse of [parseManifestOrIndex, parseArchiveManifest, parseRepositories]) {
          const result = resultOrRefusal<unknown>(() => parse(bytes(document), "blob"));
          if (isLadeError(result)) assert.equal(result.code, "DOCUMENT_INVALID");
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("parseIndex", () => {
  it("reads indexes and manifest lists", () => {
    const { schemaVersion, ...expected } = index;
    assert.deepEqual(parseIndex(bytes(index), "blob"), expected);
    const list = { ...index, mediaType: mediaTypes.dockerManifestList };
    assert.equal(parseIndex(bytes(list), "blob").mediaType, mediaTypes.dockerManifestList);
    assert.deepEqual(parseIndex(bytes({ schemaVersion: 2, manifests: [] }), "blob").manifests, []);
    assert.deepEqual(parseManifestOrIndex(bytes(index), "blob", mediaTypes.ociIndex), {
      type: "index",
      index: expected,
    });
  });

  it("refuses a manifest", () => {
    assert.equal(fault(parseIndex, manifest), "blob: expected an index, got a manifest");
    assert.equal(
      fault(parseIndex, { schemaVersion: 2, manifests: [{}] }),
      "blob: manifests[0]: expected a descriptor with digest",
    );
  });

  it("tells attestations from images", () => {
    const attestation = {
      ...layer,
      annotations: { "vnd.docker.reference.type": "attestation-manifest" },
      platform: { architecture: "unknown", os: "unknown" },
    };
    const { manifests } = parseIndex(bytes({ manifests: [attestation, layer] }), "blob");
    assert.deepEqual(manifests.map(isAttestation), [true, false]);
  });
});

describe("parseOciLayout", () => {
  it("takes version 1", () => {
    assert.equal(parseOciLayout(Buffer.from('{"imageLayoutVersion":"1.0.0"}'), "x"), "1.0.0");
    const layout = { imageLayoutVersion: "1.1.0", more: 1 };
    assert.equal(parseOciLayout(bytes(layout), "x"), "1.1.0");
  });

  it("refuses others", () => {
    const want = 'imageLayoutVersion: expected "1.0.0", got';
    assert.equal(fault(parseOciLayout, {}), `blob: ${want} ""`);
    assert.equal(fault(parseOciLayout, { imageLayoutVersion: "2.0.0" }), `blob: ${want} "2.0.0"`);
    assert.equal(
      fault(parseOciLayout, { imageLayoutVersion: 1 }),
      "blob: imageLayoutVersion: expected string, got number",
    );
  });
});

describe("parseArchiveManifest", () => {
  it("reads Docker's manifest.json", () => {
    const item = {
      Config: "abc.json",
      RepoTags: ["busybox:latest"],
      Layers: ["a/layer.tar", "b/layer.tar"],
      Parent: "sha256:x",
      LayerSources: { [digest]: layer },
    };
    assert.deepEqual(parseArchiveManifest(bytes([item]), "blob"), [item]);
    assert.deepEqual(parseArchiveManifest(bytes([]), "blob"), []);
    const untagged = { Config: "c", RepoTags: null, Layers: null, Extra: 1 };
    assert.deepEqual(parseArchiveManifest(bytes([untagged]), "blob"), [
      { Config: "c", RepoTags: [], Layers: [] },
    ]);
  });

  it("refuses with the place in the document", () => {
    const cases: readonly (readonly [document: unknown, message: string])[] = [
      [null, "expected array, got null"],
      [{}, "expected array, got object"],
      [[null], "[0]: expected object, got null"],
      [[{}], "[0].Config: expected the name of the config"],
      [[{ Config: "a" }, { Config: "" }], "[1].Config: expected the name of the config"],
      [[{ Config: 1 }], "[0].Config: expected string, got number"],
      [[{ Config: "a", Layers: "b" }], "[0].Layers: expected array, got string"],
      [[{ Config: "a", RepoTags: [{}] }], "[0].RepoTags[0]: expected string, got object"],
    ];
    for (const [document, message] of cases) {
      assert.equal(fault(parseArchiveManifest, document), `blob: ${message}`);
    }
  });

  it("stops at the number of images", () => {
    const items = Array.from({ length: limits.archiveManifests + 1 }, () => ({ Config: "a" }));
    refused("LIMIT_EXCEEDED", () => parseArchiveManifest(bytes(items), "blob"));
    assert.equal(parseArchiveManifest(bytes(items.slice(1)), "blob").length, items.length - 1);
  });

  it("may be larger than other documents, but not endless", () => {
    const big = [{ Config: "x".repeat(limits.documentSize), RepoTags: [], Layers: [] }];
    assert.equal(parseArchiveManifest(bytes(big), "blob").length, 1);
    const huge = Buffer.alloc(limits.archiveManifestSize + 1, " ");
    refused("LIMIT_EXCEEDED", () => parseArchiveManifest(huge, "blob"));
    const layers = Array.from({ length: limits.imageLayers + 1 }, () => "l");
    refused("LIMIT_EXCEEDED", () =>
      parseArchiveManifest(bytes([{ Config: "a", Layers: layers }]), "blob"),
    );
  });
});

describe("parseRepositories", () => {
  it("reads names, tags and IDs", () => {
    const document = { busybox: { latest: "a".repeat(64) }, "ghcr.io/a/b": { x: "1", y: "2" } };
    assert.deepEqual(parseRepositories(bytes(document), "blob"), document);
    assert.deepEqual(parseRepositories(bytes({}), "blob"), {});
  });

  it("refuses other shapes", () => {
    assert.equal(fault(parseRepositories, []), "blob: expected object, got array");
    assert.equal(fault(parseRepositories, { a: "b" }), "blob: a: expected object, got string");
    assert.equal(
      fault(parseRepositories, { "a/b": { c: 1 } }),
      'blob: ["a/b"].c: expected string, got number',
    );
  });
});

describe("media types", () => {
  it("knows how layers are compressed", () => {
    assert.equal(layerCompression(mediaTypes.ociLayer), "none");
    assert.equal(layerCompression(mediaTypes.dockerLayer), "none");
    assert.equal(layerCompression(mediaTypes.dockerLayerGzip), "gzip");
    assert.equal(layerCompression(mediaTypes.ociLayerGzip), "gzip");
    assert.equal(layerCompression(mediaTypes.ociLayerZstd), "zstd");
    assert.equal(layerCompression(mediaTypes.dockerForeignLayerGzip), "gzip");
    assert.equal(layerCompression(mediaTypes.inToto), undefined);
    assert.equal(layerCompression("application/vnd.erofs"), undefined);
    assert.equal(layerCompression("constructor"), undefined);
  });

  it("tells the kinds apart", () => {
    const all = Object.values(mediaTypes);
    assert.equal(new Set(all).size, all.length);
    assert.deepEqual(all.filter(isManifestType), [
      mediaTypes.ociManifest,
      mediaTypes.dockerManifest,
    ]);
    assert.deepEqual(all.filter(isIndexType), [mediaTypes.ociIndex, mediaTypes.dockerManifestList]);
    assert.equal(all.filter(isForeignLayer).length, 6);
    assert.ok(all.filter(isForeignLayer).every((type) => layerCompression(type) !== undefined));
  });
});
