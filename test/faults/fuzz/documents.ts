// SPDX-License-Identifier: Apache-2.0

/** JSON documents, changed at random places, in the parsers and in whole archives. */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { listArchive } from "../../../src/engine/list-archive.ts";
import { loadImages } from "../../../src/engine/load.ts";
import { parseImageConfig } from "../../../src/spec/image-config.ts";
import {
  parseArchiveManifest,
  parseIndex,
  parseManifestOrIndex,
  parseOciLayout,
  parseRepositories,
} from "../../../src/spec/oci.ts";
import { compactRawJson } from "../../../src/spec/raw-json.ts";
import { indexOf, ociImage } from "../../fixtures/archive-parts.ts";
import { containerdSingle } from "../../fixtures/containerd.ts";
import { docker25 } from "../../fixtures/docker-oci.ts";
import { dockerEdited, ociEdited } from "../../fixtures/hostile-base.ts";
import { sampleImage } from "../../fixtures/sample-image.ts";
import { openTestStore, storeState, verifyStore } from "../../helpers/store.ts";
import { mutated, mutation } from "../../tar/mutations.ts";
import { type FuzzTarget, outcome, outcomeOf } from "./target.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Values that parsers of JSON have stumbled over. */
const odd: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(
    ...[null, true, 0, -1, 1e308, 2 ** 53, 0.5, "", "\0", "../x", "\ud800", [], {}, [null], [[]]],
    ...["sha256:", `sha256:${"0".repeat(64)}`, `sha512:${"0".repeat(128)}`, "x".repeat(70_000)],
    ...["2024-13-45T99:99:99Z", "0001-01-01T00:00:00Z", "application/vnd.oci.image.index.v1+json"],
  ),
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
);

interface Change {
  readonly steps: readonly number[];
  readonly action: "put" | "remove" | "add" | "double";
  readonly key: string;
  readonly value: Json;
}

export const change: fc.Arbitrary<Change> = fc.record({
  steps: fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 5 }),
  action: fc.constantFrom<Change["action"]>("put", "put", "remove", "add", "double"),
  key: fc.constantFrom(
    ...["__proto__", "constructor", "toString", "manifests", "layers", "config", "mediaType"],
    ...["size", "digest", "urls", "annotations", "Config", "rootfs", "history", "", "a\0b"],
  ),
  value: odd,
});

/** A copy with one place changed. */
export function changed(document: Json, { steps, action, key, value }: Change): Json {
  const copy = structuredClone(document);
  let place: Json = copy;
  for (const [index, step] of steps.entries()) {
    if (place === null || typeof place !== "object") return copy;
    const keys = Object.keys(place);
    const chosen = keys[step % Math.max(1, keys.length)];
    const inside = place as { [key: string]: Json };
    const child: Json = chosen === undefined ? null : (inside[chosen] ?? null);
    const isLast = index === steps.length - 1 || child === null || typeof child !== "object";
    if (!isLast) {
      place = child;
      continue;
    }
    if (action === "add" || chosen === undefined) {
      const plain = { value, enumerable: true, configurable: true, writable: true };
      if (Array.isArray(place)) place.push(value);
      else Object.defineProperty(place, key, plain);
    } else if (action === "remove") delete inside[chosen];
    else if (action === "double" && Array.isArray(place)) place.push(child);
    else inside[chosen] = value;
    return copy;
  }
  return copy;
}

const image = sampleImage();
const oci = ociImage(image);
const parse = (bytes: Buffer) => JSON.parse(bytes.toString()) as Json;
const samples: readonly Json[] = [
  parse(image.config),
  parse(oci.manifest),
  parse(indexOf([oci.descriptor])),
  [{ Config: "a.json", RepoTags: ["demo:1"], Layers: ["a.tar"], LayerSources: {} }],
  { demo: { "1": "0".repeat(64) } },
  { imageLayoutVersion: "1.0.0" },
];

const parsers = [
  parseImageConfig,
  parseManifestOrIndex,
  parseIndex,
  parseOciLayout,
  parseArchiveManifest,
  parseRepositories,
  compactRawJson,
] as const;

const damage = fc.record({
  changes: fc.array(change, { minLength: 1, maxLength: 4 }),
  bytes: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 2 }),
});

function damaged(
  document: Json,
  { changes, bytes }: typeof damage extends fc.Arbitrary<infer T> ? T : never,
): Buffer {
  const text = Buffer.from(JSON.stringify(changes.reduce(changed, document)));
  for (const [at, value] of bytes) text[at % text.length] = value;
  return text;
}

export const documentsTarget: FuzzTarget = {
  name: "documents",
  open: async () => ({
    property: fc.property(fc.constantFrom(...samples), damage, (document, how) => {
      const bytes = damaged(document, how);
      for (const one of parsers) outcome(() => one(bytes, "document"));
      assert.equal(({} as { polluted?: unknown }).polluted, undefined);
      assert.deepEqual(Object.keys(Object.prototype), []);
    }),
  }),
};

const editors: readonly ((how: Parameters<typeof damaged>[1]) => Buffer)[] = [
  (how) => dockerEdited({ config: (config) => damaged(config as Json, how) }),
  (how) => dockerEdited({ manifest: (items) => damaged(items as Json, how) }),
  (how) => ociEdited({ config: (config) => damaged(config as Json, how) }),
  (how) => ociEdited({ manifest: (manifest) => damaged(manifest as Json, how) }),
  (how) => ociEdited({ index: (index) => damaged(index as Json, how) }),
];

const whole = [docker25().archive, containerdSingle().archive];

const archive = fc.oneof(
  fc.tuple(fc.constantFrom(...editors), damage).map(([edit, how]) => edit(how)),
  fc
    .tuple(fc.constantFrom(...whole), fc.array(mutation, { minLength: 1, maxLength: 4 }))
    .map(([bytes, mutations]) => mutated(bytes, mutations)),
);

/** Loads change nothing when they fail, and leave a sound store when they don't. */
export const archivesTarget: FuzzTarget = {
  name: "archives, listed and loaded",
  divisor: 10,
  open: async () => {
    const store = await openTestStore();
    const path = join(store.folder, "image.tar");
    let runs = 0;
    return {
      property: fc.asyncProperty(archive, async (bytes) => {
        fs.writeFileSync(path, bytes);
        await outcomeOf(() => listArchive(path));
        const before = storeState(store);
        const result = await outcomeOf(() => loadImages(store.engine, { path }));
        if (typeof result === "string") assert.deepEqual(storeState(store), before);
        if (++runs % 200 === 0) await verifyStore(store);
      }),
      async close() {
        await verifyStore(store);
        await store[Symbol.asyncDispose]();
        return [];
      },
    };
  },
};
