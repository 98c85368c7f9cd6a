// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { readDocument } from "../../src/content/blobs.ts";
import { importImage } from "../../src/engine/import.ts";
import { saveImages } from "../../src/engine/save.ts";
import type { Digest } from "../../src/spec/digest.ts";
import { dir, file } from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { sampleChunks, sparseMember } from "../fixtures/tar-sparse.ts";
import { openTestStore, type TestStore, verifyStore } from "../helpers/store.ts";
import { requireTool, runOrThrow } from "../helpers/tools.ts";
import { dockerFacts, ladeFacts } from "./facts.ts";
import { asFlags, changes, oddTar } from "./images.ts";
import { type SharedLab, sharedLab } from "./shared-lab.ts";

interface Import {
  readonly changes?: readonly string[];
  readonly message?: string;
}

/** What each import says of itself, and no other can say. */
const ownMembers = {
  /** When it was made. */
  created: undefined,
  history: undefined,
  /** The version of docker's daemon; lade is none. */
  docker_version: undefined,
  /** The ID of a container, which an import has none of. */
  container: undefined,
};

/** Imports a tar into docker and into lade, and asserts that both have made the same of it. */
async function assertSameImport(
  { lab }: SharedLab,
  store: TestStore,
  { path, ...options }: Import & { readonly path: string },
): Promise<void> {
  const message = options.message === undefined ? [] : ["--message", options.message];
  const flags = [...asFlags(options.changes ?? []), ...message];
  const dockerId = await lab.docker("import", ...flags, path);
  const { id } = await importImage(store.engine, { source: path, ...options });
  const docker = await dockerFacts(lab, dockerId);
  const lade = await ladeFacts(store, id);
  assert.deepEqual(lade.diffIds, docker.diffIds);
  assert.equal(lade.size, docker.size);
  const configs = [
    readDocument(store.engine.store, id as Digest).toString(),
    await dockerConfig(lab, dockerId),
  ].map((text) => JSON.parse(text) as Record<string, unknown> & { history: [object] });
  const [ladeConfig, wanted] = configs as [(typeof configs)[0], (typeof configs)[0]];
  assert.deepEqual({ ...ladeConfig, ...ownMembers }, { ...wanted, ...ownMembers });
  assert.deepEqual(
    ladeConfig.history.map((entry) => ({ ...entry, created: undefined })),
    wanted.history.map((entry) => ({ ...entry, created: undefined })),
  );
  // The order of members and their zero values are part of the bytes.
  const bare = (config: object) =>
    JSON.stringify({ ...config, docker_version: undefined, created: "", history: [] });
  assert.equal(bare(ladeConfig), bare(wanted));
}

/** The config's bytes, which docker shows only in an archive. */
async function dockerConfig(lab: SharedLab["lab"], id: string): Promise<string> {
  const path = lab.path("docker.tar");
  await lab.docker("save", "--output", path, id);
  const name = `${id.slice("sha256:".length)}.json`;
  return (await runOrThrow("tar", ["--extract", "--to-stdout", "--file", path, name])).stdout;
}

/** Each kind of change by itself, in its forms. */
const singleChanges: readonly (readonly string[])[] = [
  [],
  ["CMD echo a && echo b"],
  ['CMD ["echo", "<a&b>"]'],
  ["CMD []"],
  ['ENTRYPOINT ["/bin/sh", "-c"]', "CMD true"],
  ["ENTRYPOINT []"],
  ["ENV A=1 B='two words' C=$A", "ENV A=3"],
  ["EXPOSE 80/tcp 53/udp", "EXPOSE 9000-9002"],
  ["LABEL a=b", 'LABEL "with space"="ü" empty='],
  ["ONBUILD COPY . /src", "ONBUILD RUN make"],
  ["USER nobody"],
  ["VOLUME /a /b", 'VOLUME ["/c d"]'],
  ["WORKDIR relative", "WORKDIR ../up"],
  ["HEALTHCHECK NONE"],
  ["HEALTHCHECK --interval=1m30s --timeout=3s --start-period=5s --retries=3 CMD curl -f x"],
  ['HEALTHCHECK CMD ["true"]'],
  ["cmd lower case"],
];

for (const set of singleChanges) {
  test(`imports: docker and lade make the same of ${JSON.stringify(set)}`, async () => {
    const shared = await sharedLab();
    await using store = await openTestStore();
    const path = shared.lab.path("small.tar");
    writeFileSync(path, tar([dir("bin/"), file("bin/true", "#!/bin/sh\n", { mode: 0o755 })]));
    await assertSameImport(shared, store, { path, changes: set });
  });
}

test("imports: docker and lade make the same of all changes and a message", async () => {
  const shared = await sharedLab();
  await using store = await openTestStore();
  const message = 'from "elsewhere" <&>';
  await assertSameImport(shared, store, { path: shared.rootTar, changes, message });
  await verifyStore(store);
});

test("imports: docker and lade make the same of a tar of all sorts", async () => {
  const shared = await sharedLab();
  await using store = await openTestStore();
  const path = shared.lab.path("odd.tar");
  writeFileSync(path, oddTar());
  await assertSameImport(shared, store, { path });
});

test("imports: a sparse file has the size for docker that it has for lade", async () => {
  const { lab } = await sharedLab();
  await using store = await openTestStore();
  const path = lab.path("sparse.tar");
  const sparse = { realSize: 100_000, chunks: sampleChunks() };
  writeFileSync(
    path,
    tar([
      sparseMember({ ...sparse, name: "one", form: "pax-0.1" }),
      sparseMember({ ...sparse, name: "two", form: "pax-1.0" }),
    ]),
  );
  // Docker takes it in but can't save it, so its config stays unseen.
  const docker = await dockerFacts(lab, await lab.docker("import", path));
  const { id } = await importImage(store.engine, { source: path });
  const lade = await ladeFacts(store, id);
  assert.deepEqual(lade.diffIds, docker.diffIds);
  assert.equal(lade.size, docker.size);
  assert.equal(lade.size, 200_000);
});

for (const [command, debianPackage] of [
  ["gzip", "gzip"],
  ["bzip2", "bzip2"],
  ["xz", "xz-utils"],
] as const) {
  test(`imports: docker and lade make the same of a tar that ${command} packed`, async () => {
    const shared = await sharedLab();
    await using store = await openTestStore();
    const path = shared.lab.path(`root.tar.${command}`);
    const files = { stdinFile: shared.rootTar, stdoutFile: path };
    await runOrThrow(requireTool(command, debianPackage), ["-c"], files);
    await assertSameImport(shared, store, { path });
  });
}

test("imports: docker export, lade import, lade save, docker load, docker run", async () => {
  const shared = await sharedLab();
  const { lab } = shared;
  const container = await lab.docker("create", "--network", "none", "changed:1", "sh");
  const path = lab.path("export.tar");
  await lab.docker("export", "--output", path, container);
  await lab.docker("rm", container);
  await using store = await openTestStore();
  await assertSameImport(shared, store, { path, changes: ["CMD cat /opt/old/new"] });
  const options = { source: path, reference: "flat:1", changes: ['ENTRYPOINT ["/bin/busybox"]'] };
  const { id } = await importImage(store.engine, options);
  const saved = lab.path("flat.tar");
  await saveImages(store.engine, { names: ["flat:1"], path: saved });
  assert.equal(await lab.docker("load", "--input", saved, "--quiet"), "Loaded image: flat:1");
  assert.equal((await dockerFacts(lab, "flat:1")).id, id);
  const run = ["run", "--rm", "--network", "none", "flat:1", "cat", "/opt/old/new"];
  assert.equal(await lab.docker(...run), "new");
  await verifyStore(store);
});
