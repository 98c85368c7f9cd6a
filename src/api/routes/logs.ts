// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../../base/errors.ts";
import { logDecorator } from "../../engine/log-format.ts";
import { openLogs } from "../../engine/logs.ts";
import { goQuote } from "../../spec/go-quote.ts";
import type { Answer } from "../answer.ts";
import { type Call, param } from "../call.ts";
import { Batcher, frame, streamType } from "../frames.ts";
import type { Route } from "../route.ts";

const fractionDigits = 9;

/** `SECONDS[.NANOSECONDS]`; the client has made that of what its user gave. */
function readTime(call: Call, name: string): bigint | undefined {
  const text = call.query.text(name);
  if (text === "" || text === "0") return undefined;
  const match = /^([+-]?\d{1,12})(?:\.(\d{0,20}))?$/.exec(text);
  if (match === null) {
    const invalid = `invalid timestamp ${goQuote(text)}`;
    throw new LadeError("API_INVALID", `invalid value for "${name}": ${invalid}`);
  }
  const [, seconds = "0", fraction = ""] = match;
  const digits = fraction.slice(0, fractionDigits).padEnd(fractionDigits, "0");
  return BigInt(seconds) * 1_000_000_000n + BigInt(digits);
}

/** What is no number, and what is below zero, stands for all lines. */
function readTail(text: string): number | undefined {
  return /^\+?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

async function logs(call: Call): Promise<Answer> {
  const { query, signal } = call;
  const stdout = query.bool("stdout");
  const stderr = query.bool("stderr");
  if (!stdout && !stderr) {
    throw new LadeError("API_INVALID", "Bad parameters: you must choose at least one stream");
  }
  const { hasTerminal, records } = await openLogs(call.engine, param(call, "id"), {
    follow: query.bool("follow"),
    stdout,
    stderr,
    sinceNs: readTime(call, "since"),
    untilNs: readTime(call, "until"),
    tail: readTail(query.text("tail")),
    signal,
  });
  const decorate = logDecorator({
    timestamps: query.bool("timestamps"),
    details: query.bool("details"),
  });
  return {
    type: "stream",
    contentType: streamType(call.version, hasTerminal),
    async send(sink) {
      sink.start();
      const batcher = new Batcher((bytes) => sink.write(bytes));
      for await (const record of records) {
        const bytes = decorate(record);
        await batcher.add(hasTerminal ? bytes : frame(record.stream, bytes));
      }
      await batcher.flush();
    },
  };
}

export const logRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/containers/{id}/logs",
    isWatching: true,
    summary: "Show what a container wrote",
    support: { is: "works" },
    handle: logs,
  },
];
