// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { imageHistory } from "../../src/engine/history.ts";
import { type ImageDocument, inspectImage } from "../../src/engine/inspect.ts";
import type { TestStore } from "../helpers/store.ts";
import { dockerApi } from "./facts.ts";
import type { Lab } from "./lab.ts";

/** Members that are not about the image: they differ, or only one side has them. */
const notTheImage = {
  /** Where the layers lie on this machine. */
  GraphDriver: undefined,
  /** When the image got its names here. */
  Metadata: undefined,
  /** Docker 20.10 forgets manifests, lade keeps those that come. */
  RepoDigests: undefined,
  /** The manifest, which Docker 28 added to its answer. */
  Descriptor: undefined,
};

type ApiHistory = readonly {
  readonly Id: string;
  /** Seconds since 1970. */
  readonly Created: number;
  readonly CreatedBy: string;
  readonly Size: number;
  readonly Comment: string;
  readonly Tags: readonly string[] | null;
}[];

/** Asserts that docker and lade, which loaded an image from one archive, say the same of it. */
export async function assertSameDocuments(lab: Lab, store: TestStore, id: string): Promise<void> {
  const docker = (await dockerApi(lab, `/images/${id}/json`)) as ImageDocument;
  const lade = await inspectImage(store.engine, id);
  assert.deepEqual(aboutImage(lade), aboutImage(docker));
  // Scripts compare texts, and so see the order of members.
  assert.equal(JSON.stringify(aboutImage(lade)), JSON.stringify(aboutImage(docker)));
  assert.deepEqual(await ladeHistory(store, id), await dockerHistory(lab, id));
}

/** A document without what is not about the image. */
export function aboutImage(document: ImageDocument): unknown {
  return JSON.parse(
    JSON.stringify({
      ...document,
      ...notTheImage,
      // Docker lists names in the order in which it got them.
      RepoTags: document.RepoTags.toSorted(),
    }),
  );
}

/** The steps of an image as docker's API has them, tags sorted. */
export function dockerHistory(lab: Lab, id: string): Promise<ApiHistory> {
  return dockerApi(lab, `/images/${id}/history`).then((answer) =>
    (answer as ApiHistory).map((step) => ({ ...step, Tags: (step.Tags ?? []).toSorted() })),
  );
}

/** The steps of an image in lade as docker's API would have them. */
export async function ladeHistory(store: TestStore, id: string): Promise<ApiHistory> {
  const items = await imageHistory(store.engine, id);
  return items.map((item) => ({
    Comment: item.comment,
    Created: Math.floor(Date.parse(item.created) / 1000),
    CreatedBy: item.createdBy,
    Id: item.id,
    Size: item.size,
    Tags: item.tags.toSorted(),
  }));
}
