// SPDX-License-Identifier: Apache-2.0

/** Images as the versions of Docker's API show them. */

import type { ImageFacts } from "../engine/image-facts.ts";
import type { ImageDocument } from "../engine/inspect.ts";
import type { HistoryItem, ImageSummary, RemovedItem } from "../engine/types.ts";
import { ZERO_TIME } from "../spec/go-time.ts";

/** What a list needs to know beside the images. */
export interface ListContext {
  /** Minor part of the API's version. */
  readonly version: number;
  readonly facts: ReadonlyMap<string, ImageFacts>;
  /** Undefined where sizes that images share are not asked for. */
  readonly sharedSizes: ReadonlyMap<string, number> | undefined;
  /** How many containers were made from each is told in any version. */
  readonly countsContainers: boolean;
}

/** Versions from which on members are there, or are no longer. */
const since = {
  emptyNames: 43,
  noVirtualSize: 44,
  noContainerConfig: 45,
  descriptor: 48,
  plainConfig: 50,
  containers: 51,
};

/** One image of `GET /images/json` and `GET /system/df`. */
export function imageItem(image: ImageSummary, context: ListContext) {
  const { version, facts, sharedSizes } = context;
  const own = facts.get(image.id);
  const labels = own?.labels ?? {};
  const countsContainers = context.countsContainers || version >= since.containers;
  return {
    Containers: countsContainers ? (own?.containers ?? 0) : -1,
    Created: secondsOf(image.created, version),
    Id: image.id,
    Labels: Object.keys(labels).length === 0 ? null : labels,
    ParentId: own?.parent ?? "",
    ...namesOf(image, version),
    SharedSize: sharedSizes === undefined ? -1 : (sharedSizes.get(image.id) ?? 0),
    Size: image.size,
    ...(version < since.noVirtualSize && { VirtualSize: image.size }),
  };
}

/** Older versions have words for no name at all. */
function namesOf({ repoTags, repoDigests }: ImageSummary, version: number) {
  if (version >= since.emptyNames || repoTags.length + repoDigests.length > 0) {
    return { RepoDigests: repoDigests, RepoTags: repoTags };
  }
  return { RepoDigests: ["<none>@<none>"], RepoTags: ["<none>:<none>"] };
}

/** A time that there is none of: Go's zero time up to Docker 24, zero from 25 on. */
function secondsOf(created: string, version: number): number {
  const timeMs = Date.parse(created || (version < since.noVirtualSize ? ZERO_TIME : ""));
  return Number.isNaN(timeMs) ? 0 : Math.floor(timeMs / 1000);
}

/** Of a container, not of an image: up to version 1.49 they were shown all the same. */
const containerMembers = new Set([
  ...["Hostname", "Domainname", "AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin"],
  ...["StdinOnce", "Image", "NetworkDisabled", "MacAddress", "StopTimeout"],
]);

/**
 * `GET /images/{name}/json`.
 *
 * Source: `getImagesByName` of moby (daemon/server/router/image/image_routes.go).
 */
export function imageDocument(document: ImageDocument, version: number): object {
  const { VirtualSize, Container, ContainerConfig, Descriptor, Config, Created, ...rest } =
    document;
  const config =
    version < since.plainConfig
      ? Config
      : Object.fromEntries(Object.entries(Config).filter(([name]) => !containerMembers.has(name)));
  const hasTime = Created !== ZERO_TIME || version < since.noVirtualSize;
  return {
    ...rest,
    ...(hasTime && { Created }),
    ...(version < since.noVirtualSize && { VirtualSize }),
    ...(version < since.noContainerConfig && { Container, ContainerConfig }),
    Config: config,
    ...(version >= since.descriptor && Descriptor !== undefined && { Descriptor }),
  };
}

/** One step of `GET /images/{name}/history`. */
export function historyItem(item: HistoryItem, version: number) {
  return {
    Comment: item.comment,
    Created: secondsOf(item.created, version),
    CreatedBy: item.createdBy,
    Id: item.id,
    Size: item.size,
    Tags: item.tags.length === 0 ? null : item.tags,
  };
}

/** One line of what `DELETE /images/{name}` and `POST /images/prune` did. */
export function removedItem(item: RemovedItem) {
  return item.type === "untagged" ? { Untagged: item.reference } : { Deleted: item.id };
}
