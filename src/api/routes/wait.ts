// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../../base/errors.ts";
import type { WaitCondition } from "../../engine/container-types.ts";
import { waitContainer } from "../../engine/wait.ts";
import { goQuote } from "../../spec/go-quote.ts";
import type { Answer } from "../answer.ts";
import { type Call, param } from "../call.ts";
import type { Route } from "../route.ts";
import { toJson } from "../send.ts";

/** Since when there are conditions, and headers come before the end. */
const conditionVersion = 30;
/** Before it, an answer had an error in it also where there was none. */
const noErrorVersion = 42;

function readCondition({ query, version }: Call): WaitCondition {
  const text = version < conditionVersion ? "" : query.text("condition");
  switch (text) {
    case "":
      return "not-running";
    case "not-running":
    case "next-exit":
    case "removed":
      return text;
    default:
      throw new LadeError("API_INVALID", `invalid condition: ${goQuote(text)}`);
  }
}

async function wait(call: Call): Promise<Answer> {
  const { engine, signal, version } = call;
  const condition = readCondition(call);
  const id = param(call, "id");
  return {
    type: "stream",
    contentType: "application/json",
    async send(sink) {
      const { exitCode, error } = await waitContainer(engine, id, condition, {
        signal,
        // `docker run` starts the container once it knows that somebody waits.
        onFound: () => version >= conditionVersion && sink.start(),
      });
      const body = {
        ...(error === undefined
          ? version < noErrorVersion && { Error: null }
          : { Error: { Message: error } }),
        StatusCode: exitCode,
      };
      await sink.write(Buffer.from(toJson(body)));
    },
  };
}

export const waitRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/containers/{id}/wait",
    isWatching: true,
    summary: "Wait for a container's end",
    support: { is: "works" },
    handle: wait,
  },
];
