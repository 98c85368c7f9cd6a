// SPDX-License-Identifier: Apache-2.0

/** Rolling back, judged by what docker's builders had at each step. */

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readDocument } from "../../src/content/blobs.ts";
import { loadImages } from "../../src/engine/load.ts";
import { rollbackImage } from "../../src/engine/rollback.ts";
import type { Digest } from "../../src/spec/digest.ts";
import { openTestStore } from "../helpers/store.ts";
import { dockerApi } from "./facts.ts";
import type { Lab } from "./lab.ts";
import { treeLab } from "./tree-lab.ts";

/** Every instruction, most of them again after another layer. */
const dockerfile = `
FROM BASE
ENV A=1 B="two words" C=x=y
LABEL one=1 two="a b c"
CMD ["bash", "-c", "echo \\"quoted\\""]
COPY file-1 /
EXPOSE 80 53/udp
VOLUME /data
WORKDIR /srv
USER 1000:1000
STOPSIGNAL SIGINT
HEALTHCHECK --interval=30s --retries=3 CMD curl -f "http://localhost" || exit 1
ONBUILD RUN make
COPY file-2 /
ENV A=2 D=$B
LABEL two=z
EXPOSE 443
VOLUME ["/third", "/fourth"]
WORKDIR sub
USER root
SHELL ["/bin/sh", "-e", "-c"]
COPY file-3 /
STOPSIGNAL SIGTERM
HEALTHCHECK NONE
ENTRYPOINT ["/bin/true"]
CMD ["late"]
COPY file-4 /
`;

interface DockerHistory {
  readonly Id: string;
  readonly CreatedBy: string;
}

/** What an image starts with, without what a builder's own container left in it. */
function settings(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { Hostname: _, Image: __, ...rest } = config;
  const kept = Object.entries(rest).filter(([, value]) => {
    const isEmpty = value === null || value === "" || value === false;
    return !isEmpty && Object.keys(value as object).length > 0;
  });
  return Object.fromEntries(kept);
}

async function build(lab: Lab, name: string, buildkit: boolean): Promise<void> {
  const folder = lab.path(`build-${name.replace(":", "-")}`);
  mkdirSync(folder);
  for (const index of [1, 2, 3, 4]) writeFileSync(join(folder, `file-${index}`), `${index}`);
  writeFileSync(join(folder, "Dockerfile"), dockerfile.replace("BASE", "base:1"));
  await lab.dockerWith(
    { env: { DOCKER_BUILDKIT: buildkit ? "1" : "0" } },
    ...["build", "--network", "none", "--tag", name, folder],
  );
}

async function dockerConfigOf(lab: Lab, id: string): Promise<Record<string, unknown>> {
  const document = (await dockerApi(lab, `/images/${id}/json`)) as {
    Config: Record<string, unknown>;
  };
  return settings(document.Config);
}

/** What the classic builder leaves of an earlier healthcheck in one that is none means nothing. */
function withoutRemains(section: Record<string, unknown>): Record<string, unknown> {
  const { Healthcheck: healthcheck, OnBuild: _, ...rest } = section;
  const { Test } = (healthcheck ?? {}) as { Test?: readonly string[] };
  if (healthcheck === undefined) return rest;
  return { ...rest, Healthcheck: Test?.[0] === "NONE" ? { Test } : healthcheck };
}

interface Step {
  readonly empty_layer?: boolean;
  readonly created_by?: string;
}

for (const buildkit of [false, true]) {
  const builder = buildkit ? "BuildKit" : "the classic builder";
  test(`rollback: gives what ${builder} had after each layer`, async () => {
    const { lab } = await treeLab();
    const name = buildkit ? "steps:buildkit" : "steps:classic";
    await build(lab, name, buildkit);
    // BuildKit keeps no images between: those of the classic builder say what is right.
    if (buildkit) await build(lab, "steps:judge", false);
    const judge = buildkit ? "steps:judge" : name;
    const judged = ((await dockerApi(lab, `/images/${judge}/history`)) as DockerHistory[])
      .toReversed()
      // This BuildKit leaves ONBUILD out of the history.
      .filter(({ CreatedBy }) => !buildkit || !CreatedBy.includes("ONBUILD"));
    await using store = await openTestStore();
    const path = lab.path("steps.tar");
    await lab.docker("save", "--output", path, name);
    await loadImages(store.engine, { path });
    const [row] = store.engine.store.database.all<{ id: Digest }>("SELECT id FROM image");
    const whole = JSON.parse(readDocument(store.engine.store, row?.id as Digest).toString());
    const steps = whole.history as Step[];
    assert.equal(steps.length, judged.length);
    const layers = steps.flatMap((step, index) => (step.empty_layer === true ? [] : [index]));
    assert.ok(layers.length >= 5);
    for (const [place, index] of layers.entries()) {
      const count = place + 1;
      const last = (layers[count] ?? steps.length) - 1;
      const wanted = await dockerConfigOf(lab, judged[last]?.Id ?? "");
      const result = await rollbackImage(store.engine, { image: name, to: String(count) });
      const bytes = readDocument(store.engine.store, result.id as Digest);
      const config = JSON.parse(bytes.toString()).config as Record<string, unknown>;
      const after = `after ${steps[index]?.created_by}`;
      if (!buildkit) {
        assert.deepEqual(settings(config), wanted, after);
        continue;
      }
      assert.deepEqual(withoutRemains(settings(config)), withoutRemains(wanted), after);
    }
  });
}
