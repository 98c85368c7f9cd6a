// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { type ImageDocument, inspectImage } from "../../src/engine/inspect.ts";
import { loadImages } from "../../src/engine/load.ts";
import { openTestStore, type TestStore } from "../helpers/store.ts";
import { runOrThrow } from "../helpers/tools.ts";
import { dockerApi } from "./facts.ts";
import { ladeCommand } from "./lade-command.ts";
import { aboutImage, assertSameDocuments, dockerHistory, ladeHistory } from "./same-documents.ts";
import { type SharedLab, sharedLab } from "./shared-lab.ts";

/** A store with all of docker's images. */
async function openFullStore({ lab, dockerArchive, images }: SharedLab): Promise<TestStore> {
  const store = await openTestStore();
  const path = lab.path("nameless.tar");
  await lab.docker("save", "--output", path, images.nameless.id);
  for (const archive of [dockerArchive, path]) await loadImages(store.engine, { path: archive });
  return store;
}

test("documents: inspect and history say of an image what docker says that made it", async () => {
  const shared = await sharedLab();
  await using store = await openFullStore(shared);
  const { many, nameless, ...whole } = shared.images;
  for (const { id } of Object.values(whole)) await assertSameDocuments(shared.lab, store, id);
  for (const { id } of [many, nameless]) {
    const docker = (await dockerApi(shared.lab, `/images/${id}/json`)) as ImageDocument;
    const lade = await inspectImage(store.engine, id);
    // The parents, steps of a build or of another archive, did not come along.
    assert.deepEqual(aboutImage(lade), aboutImage({ ...docker, Parent: "" }));
    const steps = await ladeHistory(store, id);
    const parents = steps.slice(1);
    assert.ok(parents.every((step) => step.Id === "<missing>"));
    const wanted = await dockerHistory(shared.lab, id);
    assert.deepEqual(
      steps,
      wanted.map((step, index) => (index === 0 ? step : { ...step, Id: "<missing>", Tags: [] })),
    );
  }
});

test("documents: `images` prints names, IDs and sizes as docker does", async () => {
  const shared = await sharedLab();
  await using store = await openFullStore(shared);
  const formats = [
    "{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}} {{.CreatedAt}}",
    "{{json .Repository}} {{.VirtualSize}} {{.Digest}} {{.SharedSize}} {{.Containers}}",
  ];
  for (const format of formats) {
    for (const flags of [[], ["--no-trunc", "--digests"], ["--filter", "dangling=true"]]) {
      const words = ["images", ...flags, "--format", format];
      assert.equal(await bothPrint(shared, store, words), "the same");
    }
  }
});

test("documents: `history` prints steps and sizes as docker does", async () => {
  const shared = await sharedLab();
  await using store = await openFullStore(shared);
  const format = "{{.ID}}|{{.CreatedAt}}|{{.CreatedBy}}|{{.Size}}|{{.Comment}}";
  for (const flags of [[], ["--no-trunc"], ["--no-trunc", "--human=false"], ["--quiet"]]) {
    const words = ["history", ...flags, "--format", format, "changed:1"];
    assert.equal(await bothPrint(shared, store, words), "the same");
  }
  for (const name of ["base:1", "child:1", "odd:1"]) {
    const words = ["history", "--no-trunc", "--format", format, name];
    assert.equal(await bothPrint(shared, store, words), "the same");
  }
});

test("documents: `inspect --format` prints what docker prints", async () => {
  const shared = await sharedLab();
  await using store = await openFullStore(shared);
  const formats = [
    "{{.Id}} {{.Size}} {{.VirtualSize}} {{.Os}}/{{.Architecture}} {{.Created}} {{.Author}}",
    "{{.Config.Env}} {{.Config.Cmd}} {{.Config.Entrypoint}} {{.Config.User}}",
    "{{json .Config}}",
    "{{json .ContainerConfig}}",
    "{{json .RootFS}}",
    "{{range .RootFS.Layers}}{{println .}}{{end}}",
    '{{index .RepoTags 0}} {{len .Config.ExposedPorts}} {{.Config.Labels}} {{join .RepoTags ","}}',
    "{{range $port, $set := .Config.ExposedPorts}}{{$port}} {{end}}{{.Config.Volumes}}",
    "{{.Comment}} {{.Parent}} {{.DockerVersion}} {{.Container}}",
    "{{if .Config.Healthcheck}}{{json .Config.Healthcheck}}{{else}}none{{end}}",
  ];
  for (const format of formats) {
    const words = ["image", "inspect", "--format", format, "base:1", "child:1", "changed:1"];
    assert.equal(await bothPrint(shared, store, words), "the same");
  }
});

/** Runs a command in docker and in lade; compares the lines that they print, in any order. */
async function bothPrint(
  { lab }: SharedLab,
  store: TestStore,
  words: readonly string[],
): Promise<"the same"> {
  const env = { TZ: "UTC", LC_ALL: "C" };
  const docker = await lab.dockerWith({ env }, ...words);
  const [command, ...rest] = ladeCommand(store);
  const { stdout } = await runOrThrow(command, [...rest, ...words], { env });
  // Images of one second have no order in docker.
  const lines = (text: string) => text.trim().split("\n").toSorted();
  assert.deepEqual(lines(stdout), lines(docker), words.join(" "));
  return "the same";
}
