// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../../base/errors.ts";
import { commitContainer } from "../../engine/commit.ts";
import { imageHistory } from "../../engine/history.ts";
import { imageFacts, sharedImageSizes } from "../../engine/image-facts.ts";
import { inspectImage } from "../../engine/inspect.ts";
import { listImages } from "../../engine/list.ts";
import { pruneImages } from "../../engine/prune.ts";
import { removeImage } from "../../engine/remove.ts";
import { tagImage } from "../../engine/tag.ts";
import type { Filter } from "../../engine/types.ts";
import { commitBody } from "../../spec/container-body.ts";
import { familiarString, parseReference } from "../../spec/reference.ts";
import { type Answer, empty, json } from "../answer.ts";
import { type Call, param } from "../call.ts";
import { historyItem, imageDocument, imageItem, removedItem } from "../image-documents.ts";
import { nameOf, platformOf } from "../image-names.ts";
import { answerImport, answerLoad, answerSave } from "../image-transfer.ts";
import type { Route } from "../route.ts";
import { absent } from "./absent.ts";

const works = { is: "works" } as const;

async function list(call: Call): Promise<Answer> {
  const { engine, query, version } = call;
  const images = await listImages(engine, {
    all: query.bool("all"),
    filters: [...query.filters(), ...oldNameFilter(call)],
  });
  const wantsShared = version >= 42 && query.bool("shared-size");
  const context = {
    version,
    facts: imageFacts(engine),
    sharedSizes: wantsShared ? sharedImageSizes(engine) : undefined,
    countsContainers: false,
  };
  return json(images.map((image) => imageItem(image, context)));
}

/** A parameter of its own before there was the filter `reference`. */
function oldNameFilter({ query, version }: Call): readonly Filter[] {
  const value = query.text("filter");
  return version < 25 && value !== "" ? [{ key: "reference", value }] : [];
}

/** A JSON platform, from the version on that has the parameter. */
function platformChoice({ query, version }: Call, since: number): { readonly platform?: string } {
  const text = version < since ? "" : query.text("platform");
  return text === "" ? {} : { platform: platformOf(text) };
}

async function inspect(call: Call): Promise<Answer> {
  const { engine, query } = call;
  const choice = platformChoice(call, 49);
  if (choice.platform !== undefined && query.bool("manifests")) {
    throw new LadeError(
      "API_INVALID",
      "conflicting options: manifests and platform options cannot both be set",
    );
  }
  const document = await inspectImage(engine, param(call, "name"), choice);
  return json(imageDocument(document, documentVersion(call)));
}

/**
 * docker-compose 1.29 agrees on the newest version and yet reads `ContainerConfig`, which went in
 * 1.45, where it makes a container anew: it ends with a KeyError on Docker from 25 on. Here it gets
 * the document that it knows.
 */
function documentVersion({ headers, version }: Call): number {
  const isOldCompose = /^docker-compose\/1\./.test(headers["user-agent"] ?? "");
  return isOldCompose ? Math.min(version, 44) : version;
}

async function history(call: Call): Promise<Answer> {
  const { engine, version } = call;
  const items = await imageHistory(engine, param(call, "name"), platformChoice(call, 48));
  return json(items.map((item) => historyItem(item, version)));
}

async function tag(call: Call): Promise<Answer> {
  const { engine, query } = call;
  const name = nameOf(query.text("repo"), query.text("tag"));
  if (name === undefined) throw new LadeError("REFERENCE_INVALID", "invalid reference format");
  await tagImage(engine, param(call, "name"), name);
  return empty(201);
}

async function remove(call: Call): Promise<Answer> {
  const { engine, query, version } = call;
  const name = param(call, "name");
  if (name.trim() === "") throw new LadeError("API_INVALID", "image name cannot be blank");
  const removed = await removeImage(engine, {
    name,
    force: query.bool("force"),
    noPrune: query.bool("noprune"),
    platforms: version < 50 ? [] : query.list("platforms").map(platformOf),
  });
  return json(removed.map(removedItem));
}

async function prune({ engine, query }: Call): Promise<Answer> {
  const { removed, spaceReclaimed } = await pruneImages(engine, { filters: query.filters() });
  const items = removed.map(removedItem);
  return json({
    ImagesDeleted: items.length === 0 ? null : items,
    SpaceReclaimed: spaceReclaimed,
  });
}

/** As people write it; a tag may be a digest. */
function shownName(image: string, tagText: string): string {
  const name = tagText === "" ? image : `${image}${tagText.includes(":") ? "@" : ":"}${tagText}`;
  return familiarString(parseReference(name));
}

async function create(call: Call): Promise<Answer> {
  const { query } = call;
  const wanted = query.text("fromImage");
  if (wanted === "") return answerImport(call);
  const name = shownName(wanted, query.text("tag"));
  // Clients take it for an image that nobody has, as they do when a registry lacks it.
  throw new LadeError(
    "IMAGE_NOT_FOUND",
    `${name} can't be pulled: lade has no registry access, load it from an archive`,
  );
}

async function commit(call: Call): Promise<Answer> {
  const { engine, query, signal } = call;
  const config = await call.json(commitBody);
  const { id } = await commitContainer(engine, {
    container: query.text("container"),
    reference: nameOf(query.text("repo"), query.text("tag")),
    author: query.text("author") || undefined,
    message: query.text("comment") || undefined,
    changes: query.list("changes"),
    config: Object.keys(config).length === 0 ? undefined : config,
    pause: query.bool("pause", true),
    signal,
  });
  return json({ Id: id }, 201);
}

/** Images; fixed paths come before names. */
export const imageRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/images/json",
    summary: "List images",
    support: works,
    handle: list,
  },
  {
    method: "GET",
    path: "/images/get",
    summary: "Save images to one archive",
    support: works,
    handle: async (call) => answerSave(call, call.query.list("names")),
  },
  ...absent("lade has no registry access", ["GET", "/images/search", "Search a registry"]),
  {
    method: "POST",
    path: "/images/load",
    summary: "Load images from an archive",
    support: works,
    handle: async (call) => answerLoad(call),
  },
  {
    method: "POST",
    path: "/images/create",
    summary: "Import a file system, or pull an image",
    support: { is: "partly", missing: "`fromImage` is answered with 404: there is no registry" },
    handle: create,
  },
  {
    method: "POST",
    path: "/images/prune",
    summary: "Remove unused images",
    support: works,
    handle: prune,
  },
  {
    method: "POST",
    path: "/commit",
    summary: "Make an image of a container",
    support: works,
    handle: commit,
  },
  {
    method: "GET",
    path: "/images/{name}/get",
    summary: "Save one image to an archive",
    support: works,
    handle: async (call) => answerSave(call, [param(call, "name")]),
  },
  {
    method: "GET",
    path: "/images/{name}/json",
    summary: "Inspect an image",
    support: works,
    handle: inspect,
  },
  {
    method: "GET",
    path: "/images/{name}/history",
    summary: "The steps by which an image was made",
    support: works,
    handle: history,
  },
  ...absent("lade has no registry access", ["POST", "/images/{name}/push", "Push to a registry"]),
  {
    method: "POST",
    path: "/images/{name}/tag",
    summary: "Give an image another name",
    support: works,
    handle: tag,
  },
  {
    method: "DELETE",
    path: "/images/{name}",
    summary: "Remove a name, and an image with its last one",
    support: works,
    handle: remove,
  },
];
