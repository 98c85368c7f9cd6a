// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import { request } from "node:http";
import { inspectImage } from "../../src/engine/inspect.ts";
import type { TestStore } from "../helpers/store.ts";
import type { Lab, Peers } from "./lab.ts";

/** What an image is, whoever has it. */
export interface ImageFacts {
  /** Digest of the config. */
  readonly id: string;
  /** Digests of the uncompressed layers, lowest first. */
  readonly diffIds: readonly string[];
  /** Familiar names with tags, sorted. */
  readonly names: readonly string[];
}

/** What docker's `inspect` says, as far as tests read it by name. */
export interface DockerDocument {
  readonly Id: string;
  readonly RepoTags: readonly string[];
  readonly Size: number;
  readonly RootFS: { readonly Layers: readonly string[] };
}

export interface DockerFacts extends ImageFacts {
  /** As docker counts it. */
  readonly size: number;
}

/** What docker has of an image. */
export async function dockerFacts(lab: Lab, name: string): Promise<DockerFacts> {
  const { Id, RepoTags, RootFS, Size } = await dockerDocument(lab, name);
  return { id: Id, diffIds: RootFS.Layers, names: RepoTags.toSorted(), size: Size };
}

export function dockerDocument(lab: Lab, name: string): Promise<DockerDocument> {
  return dockerApi(lab, `/images/${name}/json`) as Promise<DockerDocument>;
}

/** What the daemon answers to a GET, without its client in between. */
export function dockerApi(lab: Lab, path: string): Promise<unknown> {
  const socketPath = lab.dockerd.host.slice("unix://".length);
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path }, async (response) => {
      const chunks: Buffer[] = await response.toArray();
      const text = Buffer.concat(chunks).toString();
      if (response.statusCode === 200) resolve(JSON.parse(text));
      else reject(new Error(`dockerd: GET ${path}: ${response.statusCode} ${text}`));
    });
    sent.on("error", reject).end();
  });
}

/** What podman has of an image; its names as docker would write them. */
export async function podmanFacts(peers: Peers, name: string): Promise<ImageFacts> {
  const [document] = JSON.parse(await peers.peer("podman", "image", "inspect", name)) as [
    Omit<DockerDocument, "Size">,
  ];
  return {
    id: `sha256:${document.Id}`,
    diffIds: document.RootFS.Layers,
    names: document.RepoTags.map(withoutDefaultDomain).toSorted(),
  };
}

/** podman and buildah say `localhost/` or `docker.io/library/` where docker says nothing. */
export function withoutDefaultDomain(name: string): string {
  return name.replace(/^(?:localhost|docker\.io\/library)\//, "");
}

/** What buildah has of an image. */
export async function buildahFacts(peers: Peers, id: string): Promise<ImageFacts> {
  const document = JSON.parse(await peers.peer("buildah", "inspect", "--type", "image", id)) as {
    FromImageID: string;
    OCIv1: { rootfs: { diff_ids: string[] } };
  };
  const [listed] = JSON.parse(await peers.peer("buildah", "images", "--json", id)) as [
    { names: string[] | null },
  ];
  return {
    id: `sha256:${document.FromImageID}`,
    diffIds: document.OCIv1.rootfs.diff_ids,
    names: (listed.names ?? []).map(withoutDefaultDomain).toSorted(),
  };
}

/** What skopeo reads from an archive or folder, such as `oci-archive:FILE:TAG`. */
export interface SkopeoFacts extends Omit<ImageFacts, "names"> {
  readonly manifestDigest: string;
  /** Digests of the layers as they lie there, lowest first. */
  readonly layers: readonly string[];
  readonly layerTypes: readonly string[];
}

export async function skopeoFacts(peers: Peers, source: string): Promise<SkopeoFacts> {
  const raw = await peers.peerOutput("skopeo", "inspect", "--raw", source);
  const config = await peers.peer("skopeo", "inspect", "--raw", "--config", source);
  const manifest = JSON.parse(raw) as {
    config: { digest: string };
    layers: { digest: string; mediaType: string }[];
  };
  const { rootfs } = JSON.parse(config) as { rootfs: { diff_ids: string[] } };
  return {
    id: manifest.config.digest,
    diffIds: rootfs.diff_ids,
    manifestDigest: `sha256:${createHash("sha256").update(raw).digest("hex")}`,
    layers: manifest.layers.map(({ digest }) => digest),
    layerTypes: manifest.layers.map(({ mediaType }) => mediaType),
  };
}

/** What lade has of an image. */
export async function ladeFacts(store: TestStore, name: string): Promise<DockerFacts> {
  const { Id, RepoTags, RootFS, Size } = await inspectImage(store.engine, name);
  return { id: Id, diffIds: RootFS.Layers ?? [], names: RepoTags.toSorted(), size: Size };
}
