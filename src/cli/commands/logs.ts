// SPDX-License-Identifier: Apache-2.0

import type { LogOptions } from "../../engine/container-types.ts";
import { logDecorator } from "../../engine/log-format.ts";
import { parseTimestamp } from "../../engine/timestamp.ts";
import { defineCommand } from "../command.ts";
import { bareErrorText } from "../error-text.ts";
import { ExitStatus } from "../exit-status.ts";
import { parseInteger } from "../go-numbers.ts";
import { InvalidValue } from "../invalid-value.ts";
import { openEngine } from "../open-engine.ts";

const timeForm = '(e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)';

export const command = defineCommand({
  summary: "Fetch the logs of a container",
  usage: "[OPTIONS] CONTAINER",
  operands: { min: 1, max: 1, completion: "container" },
  options: {
    details: { type: "bool", summary: "Show extra details provided to logs" },
    follow: { type: "bool", short: "f", summary: "Follow log output" },
    since: { type: "string", summary: `Show logs since timestamp ${timeForm}` },
    tail: {
      type: "string",
      short: "n",
      default: "all",
      summary: "Number of lines to show from the end of the logs",
    },
    timestamps: { type: "bool", short: "t", summary: "Show timestamps" },
    until: { type: "string", summary: `Show logs before a timestamp ${timeForm}` },
  },
  async run(context, { options, operands: [name = ""], globals }) {
    await using engine = await openEngine(context, globals);
    const container = await context.useCases.inspectContainer(engine, name);
    const request: LogOptions = {
      follow: options.follow,
      stdout: true,
      stderr: true,
      sinceNs: readTime("since", options.since, context.now()),
      untilNs: readTime("until", options.until, context.now()),
      tail: readTail(options.tail),
      signal: context.signal,
    };
    const { timestamps, details } = options;
    const decorate = logDecorator({ timestamps, details });
    for await (const record of context.useCases.containerLogs(engine, container.Id, request)) {
      await context[record.stream].writeBytes(decorate(record));
    }
  },
});

function readTime(name: string, text: string, nowMs: number): bigint | undefined {
  if (text === "") return undefined;
  try {
    return parseTimestamp(text, nowMs);
  } catch (error) {
    throw new ExitStatus(`invalid value for "${name}": ${bareErrorText(error)}`, undefined, error);
  }
}

/** What is no number stands for all lines, as in Docker. */
function readTail(text: string): number | undefined {
  try {
    const count = parseInteger(text, { bits: 64, isDecimal: true });
    return count < 0 ? undefined : count;
  } catch (error) {
    if (error instanceof InvalidValue) return undefined;
    throw error;
  }
}
