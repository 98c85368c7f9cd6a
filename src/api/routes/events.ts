// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../../base/errors.ts";
import { watchEvents } from "../../engine/events.ts";
import { goQuote } from "../../spec/go-quote.ts";
import type { Answer } from "../answer.ts";
import type { Call } from "../call.ts";
import type { Query } from "../query.ts";
import type { Route } from "../route.ts";
import { toJson } from "../send.ts";

/** What happens in the store, whichever process does it. */
export const eventRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/events",
    isWatching: true,
    summary: "Follow what happens",
    support: { is: "works" },
    handle: followEvents,
  },
];

async function followEvents({ engine, query, signal }: Call): Promise<Answer> {
  const sinceNs = readTime(query, "since");
  const untilNs = readTime(query, "until");
  if (sinceNs !== undefined && untilNs !== undefined && untilNs < sinceNs) {
    throw new LadeError(
      "API_INVALID",
      `\`since\` time (${query.text("since")}) cannot be after \`until\` time (${query.text("until")})`,
    );
  }
  // Asked for before the headers go out: who has them misses nothing.
  const events = watchEvents(engine, { sinceNs, untilNs, filters: query.filters(), signal });
  return {
    type: "stream",
    contentType: "application/json",
    async send(sink) {
      sink.start();
      try {
        for await (const event of events) await sink.write(Buffer.from(toJson(event)));
      } catch (error) {
        // A server that stops ends the stream as `until` does.
        if (!signal.aborted) throw error;
      }
    },
  };
}

const unixTime = /^([+-]?\d+)(?:\.(\d{0,20}))?$/;

/** Source: `ParseUnixTimestamp` of moby (daemon/internal/timestamp). */
function readTime(query: Query, name: "since" | "until"): bigint | undefined {
  const text = query.text(name);
  if (text === "") return undefined;
  const match = unixTime.exec(text);
  if (match === null) {
    throw new LadeError(
      "API_INVALID",
      `invalid value for '${name}': invalid timestamp ${goQuote(text)}: want seconds since 1970, with nanoseconds behind a point`,
    );
  }
  const [, seconds = "", fraction = ""] = match;
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
}
