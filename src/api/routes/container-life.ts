// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../../base/errors.ts";
import { killContainer } from "../../engine/kill.ts";
import { pauseContainer, unpauseContainer } from "../../engine/pause.ts";
import { startContainer } from "../../engine/start.ts";
import { restartContainer, stopContainer } from "../../engine/stop.ts";
import { type Answer, empty } from "../answer.ts";
import { type Call, param } from "../call.ts";
import type { Route } from "../route.ts";

/** Such a body, at least `{"a":1}`, was a host config before API 1.24. */
const longestEmptyBody = 7;

const notModified = 304;

async function start(call: Call): Promise<Answer> {
  const { headers, query } = call;
  const size = headers["content-length"];
  if (call.hasBody && (size === undefined || Number(size) > longestEmptyBody)) {
    throw new LadeError(
      "API_INVALID",
      "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
    );
  }
  for (const name of ["checkpoint", "checkpoint-dir"]) {
    if (query.text(name) !== "") {
      throw new LadeError("UNSUPPORTED", `${name}: lade has no checkpoints`);
    }
  }
  const { ranAlready } = await startContainer(call.engine, param(call, "id"));
  return empty(ranAlready === true ? notModified : undefined);
}

/** Until API 1.42 the signal was the container's own, whatever was asked. */
function stopOptions({ query, version }: Call) {
  return {
    signal: version >= 42 ? query.text("signal") : undefined,
    timeoutSeconds: query.integer("t"),
  };
}

async function stop(call: Call): Promise<Answer> {
  const ran = await stopContainer(call.engine, param(call, "id"), stopOptions(call));
  return empty(ran ? undefined : notModified);
}

/** Routes that do something to a container and have nothing to say of it. */
function action(name: string, summary: string, work: (call: Call, id: string) => Promise<unknown>) {
  return {
    method: "POST",
    path: `/containers/{id}/${name}`,
    summary,
    support: { is: "works" },
    handle: async (call: Call) => {
      await work(call, param(call, "id"));
      return empty();
    },
  } as const;
}

/** What begins and ends a container's process. */
export const lifeRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/containers/{id}/start",
    summary: "Start a container",
    support: { is: "partly", missing: "checkpoints" },
    handle: start,
  },
  {
    method: "POST",
    path: "/containers/{id}/stop",
    summary: "Stop a container",
    support: { is: "works" },
    handle: stop,
  },
  action("restart", "Restart a container", (call, id) =>
    restartContainer(call.engine, id, stopOptions(call)),
  ),
  action("kill", "Send a signal to a container", ({ engine, query }, id) =>
    killContainer(engine, id, query.text("signal")),
  ),
  action("pause", "Pause a container", ({ engine }, id) => pauseContainer(engine, id)),
  action("unpause", "Let a paused container go on", ({ engine }, id) =>
    unpauseContainer(engine, id),
  ),
];
