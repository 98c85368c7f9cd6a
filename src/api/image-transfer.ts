// SPDX-License-Identifier: Apache-2.0

/** Images that come and go as archives. */

import { LadeError } from "../base/errors.ts";
import { importImage } from "../engine/import.ts";
import { loadImages } from "../engine/load.ts";
import { saveImages } from "../engine/save.ts";
import type { LoadedImage } from "../engine/types.ts";
import { parsePlatform } from "../spec/platform.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./call.ts";
import { nameOf, platformOf } from "./image-names.ts";
import { errorMessage, type JsonStream, jsonStream, layerProgress } from "./json-stream.ts";

/** Version from which on `save` and `load` take a platform. */
const platformSince = 48;

/** @throws LadeError API_INVALID */
function platformsOf({ query, version }: Call): string[] {
  const given = version < platformSince ? [] : query.list("platform");
  if (given.length > 1) {
    throw new LadeError(
      "API_INVALID",
      "multiple platform parameters are not supported in this API version; use API version 1.52 or later",
    );
  }
  return given.map(platformOf);
}

/** `GET /images/get` and `GET /images/{name}/get`. */
export function answerSave(call: Call, names: readonly string[]): Answer {
  const { engine, signal } = call;
  const platforms = platformsOf(call);
  return {
    type: "stream",
    contentType: "application/x-tar",
    send: (sink) => saveImages(engine, { names, platforms, write: sink.write, signal }),
  };
}

/**
 * `POST /images/load`. Docker answers 200 whatever comes of it: errors are messages, too, and so
 * clients look for them there.
 */
export function answerLoad(call: Call): Answer {
  const { engine, query, body, signal } = call;
  const platforms = platformsOf(call);
  return {
    type: "stream",
    contentType: "application/json",
    async send(sink) {
      const stream = jsonStream(sink);
      const onProgress = query.bool("quiet", true)
        ? undefined
        : layerProgress(stream, "Loading layer");
      await orErrorMessage(stream, signal, async () => {
        const loaded = await loadImages(engine, { source: body, platforms, onProgress, signal });
        for (const image of loaded.images) await tellLoaded(stream, image);
        for (const warning of loaded.warnings) await tell(stream, `WARNING: ${warning}`);
      });
    },
  };
}

function tell(stream: JsonStream, line: string): Promise<void> {
  return stream.send({ stream: `${line}\n` });
}

async function tellLoaded(stream: JsonStream, image: LoadedImage): Promise<void> {
  const { id, reference, replacedId } = image;
  if (reference === undefined) return await tell(stream, `Loaded image ID: ${id}`);
  if (replacedId !== undefined) {
    await tell(
      stream,
      `The image ${reference} already exists, renaming the old one with ID ${replacedId} to empty string`,
    );
  }
  await tell(stream, `Loaded image: ${reference}`);
}

/** Tells of an error in the stream; who has left gets no message, and no end of the stream either. */
async function orErrorMessage(
  stream: JsonStream,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (signal.aborted || !(error instanceof LadeError) || error.code === "PIPE_CLOSED")
      throw error;
    await stream.send(errorMessage(error));
  }
}

/**
 * `POST /images/create` with `fromSrc`: `-` is the body, all else a URL. No path of the host is
 * ever read: whoever may use the API through a proxy need not be one who may read its files.
 *
 * @throws LadeError what is wrong with the parameters
 */
export function answerImport(call: Call): Answer {
  const { engine, query, version, signal } = call;
  const from = query.text("fromSrc");
  const url = from === "-" ? undefined : urlOf(from);
  const reference = nameOf(query.text("repo"), query.text("tag"));
  const platform = version >= 32 && query.text("platform") ? query.text("platform") : undefined;
  if (platform !== undefined) parsePlatform(platform);
  const options = {
    source: url ?? call.body,
    reference,
    message: query.text("message") || `Imported from ${from}`,
    changes: query.list("changes"),
    platform,
    signal,
  };
  return {
    type: "stream",
    contentType: "application/json",
    async send(sink) {
      const stream = jsonStream(sink);
      if (url === undefined) {
        const { id } = await importImage(engine, options);
        return await stream.send({ status: id });
      }
      await stream.send({ status: `Downloading from ${url}` });
      await orErrorMessage(stream, signal, async () => {
        const onProgress = layerProgress(stream, "Importing");
        const { id } = await importImage(engine, { ...options, onProgress });
        await stream.send({ status: id });
      });
    },
  };
}

/** @throws LadeError API_INVALID for what is no URL that can be downloaded from */
function urlOf(text: string): string {
  const url = text.includes("://") ? text : `http://${text}`;
  const scheme = url.slice(0, url.indexOf("://"));
  if (!/^https?$/i.test(scheme)) {
    throw new LadeError("API_INVALID", `Get "${url}": unsupported protocol scheme "${scheme}"`);
  }
  if (!URL.canParse(url)) throw new LadeError("API_INVALID", `Get "${url}": invalid URL`);
  return url;
}
