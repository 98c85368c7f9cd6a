// SPDX-License-Identifier: Apache-2.0

import { followStats, statsContainer } from "../../engine/stats.ts";
import { type Answer, json } from "../answer.ts";
import { type Call, param } from "../call.ts";
import type { Route } from "../route.ts";
import { toJson } from "../send.ts";

/** Since when one sample can be asked for. */
const oneShotVersion = 41;

async function stats(call: Call): Promise<Answer> {
  const { engine, query, signal, version } = call;
  const id = param(call, "id");
  if (query.bool("stream", true)) {
    return {
      type: "stream",
      contentType: "application/json",
      async send(sink) {
        for await (const sample of followStats(engine, id, { signal })) {
          await sink.write(Buffer.from(toJson(sample)));
        }
      },
    };
  }
  const first = await statsContainer(engine, id);
  const isOneShot = version >= oneShotVersion && query.bool("one-shot");
  if (isOneShot || first.pids_stats.current === undefined) return json(first);
  return json(await secondSample(call, first.id));
}

/** A share of the CPU comes from two samples. */
async function secondSample({ engine, signal }: Call, id: string): Promise<unknown> {
  let last: unknown;
  let count = 0;
  for await (const sample of followStats(engine, id, { signal })) {
    last = sample;
    count++;
    if (count === 2) break;
  }
  return last;
}

export const statsRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/containers/{id}/stats",
    isWatching: true,
    summary: "Show what a container uses",
    support: { is: "works" },
    handle: stats,
  },
];
