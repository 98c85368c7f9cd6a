// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../../base/errors.ts";
import type { PathStat } from "../../engine/container-types.ts";
import { getArchive, putArchive, statArchive } from "../../engine/copy-container.ts";
import { formatGoJson } from "../../spec/go-json.ts";
import { type Answer, empty } from "../answer.ts";
import { type Call, param } from "../call.ts";
import type { Route } from "../route.ts";

/** @throws LadeError API_INVALID */
function pathOf({ query }: Call): string {
  const path = query.text("path");
  if (path !== "") return path;
  throw new LadeError("API_INVALID", "bad parameter: path cannot be empty");
}

function statHeader(stat: PathStat): Record<string, string> {
  const document = Buffer.from(formatGoJson({ ...stat }));
  return { "X-Docker-Container-Path-Stat": document.toString("base64") };
}

async function stat(call: Call): Promise<Answer> {
  const found = await statArchive(call.engine, param(call, "id"), pathOf(call));
  return { type: "empty", status: 200, headers: statHeader(found) };
}

async function get(call: Call): Promise<Answer> {
  const { engine, signal } = call;
  const path = pathOf(call);
  const headers: Record<string, string> = {};
  return {
    type: "stream",
    contentType: "application/x-tar",
    headers,
    async send(sink) {
      await getArchive(
        engine,
        param(call, "id"),
        path,
        async (chunk) => {
          signal.throwIfAborted();
          await sink.write(chunk);
        },
        // The same look at the path: what is told of it is true of the tar.
        { onStat: (found) => Object.assign(headers, statHeader(found)) },
      );
    },
  };
}

async function put(call: Call): Promise<Answer> {
  const { engine, query, body, signal } = call;
  await putArchive(engine, param(call, "id"), pathOf(call), body, {
    noOverwriteDirNonDir: query.bool("noOverwriteDirNonDir"),
    copyUidGid: query.bool("copyUIDGID"),
    signal,
  });
  return empty(200);
}

const path = "/containers/{id}/archive";
const support = { is: "works" } as const;

/** Files into and out of containers. */
export const archiveRoutes: readonly Route[] = [
  { method: "HEAD", path, summary: "Tell what a path in a container is", support, handle: stat },
  { method: "GET", path, summary: "Send a path of a container as a tar", support, handle: get },
  { method: "PUT", path, summary: "Extract a tar in a container", support, handle: put },
];
