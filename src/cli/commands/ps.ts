// SPDX-License-Identifier: Apache-2.0

import { messageOf } from "../../base/errors.ts";
import type { ContainerSummary } from "../../engine/container-types.ts";
import { utc } from "../../sys/local-time.ts";
import { defineCommand } from "../command.ts";
import { ExitStatus } from "../exit-status.ts";
import { parseFilters } from "../filters.ts";
import { containerView } from "../format/container-view.ts";
import { writeList } from "../format/list.ts";
import type { ListView } from "../format/list-view.ts";
import { openEngine } from "../open-engine.ts";
import { listFormat, noTrunc } from "../option-specs.ts";
import { intOption } from "../value-options.ts";

const filters = [
  "ancestor",
  "before",
  "exited",
  "expose",
  "health",
  "id",
  "is-task",
  "label",
  "name",
  "network",
  "publish",
  "since",
  "status",
  "volume",
];

const states = ["created", "dead", "exited", "paused", "removing", "restarting", "running"];

export const command = defineCommand({
  summary: "List containers",
  usage: "[OPTIONS]",
  operands: { min: 0, max: 0 },
  options: {
    all: {
      type: "bool",
      short: "a",
      summary: "Show all containers (default shows just running)",
    },
    filter: {
      type: "filter",
      short: "f",
      summary: `Show only containers that match: ${filters.join(", ")}`,
      completion: [
        ...filters.filter((name) => name !== "status").map((name) => `${name}=`),
        ...states.map((state) => `status=${state}`),
      ],
    },
    format: listFormat,
    last: intOption({
      short: "n",
      initial: -1,
      summary: "Show n last created containers (includes all states)",
    }),
    latest: {
      type: "bool",
      short: "l",
      summary: "Show the latest created container (includes all states)",
    },
    "no-trunc": noTrunc,
    quiet: { type: "bool", short: "q", summary: "Only display container IDs" },
    size: { type: "bool", short: "s", summary: "Display total file sizes" },
  },
  async run(context, { options, globals, isGiven }) {
    const { quiet } = options;
    if (quiet && options.format !== "") {
      context.stderr.write(
        "WARNING: Ignoring custom format, because both --format and --quiet are set.\n",
      );
    }
    const namesSize = await tryFormat(options.format);
    const size = options.size || (namesSize && !quiet && !isGiven("size"));
    await using engine = await openEngine(context, globals);
    const containers = await context.useCases.listContainers(engine, {
      all: options.all,
      limit: options.latest && options.last === -1 ? 1 : options.last,
      size,
      filters: parseFilters(options.filter),
    });
    const view = containerView({
      isTruncated: !options["no-trunc"],
      hasSize: size,
      nowMs: context.now(),
      zoneAt: context.zoneAt,
    });
    const format = quiet ? "" : options.format;
    await writeList(context.stdout, containers, { view, format, isQuiet: quiet });
  },
});

/**
 * Runs a template on no container, so that a bad one fails at once.
 *
 * @returns whether it names the size, which takes time to find out
 */
async function tryFormat(format: string): Promise<boolean> {
  if (format === "") return false;
  const { parseListTemplate, renderList } = await import("../format/list-template.ts");
  try {
    parseListTemplate(format);
  } catch (error) {
    throw asFormatError(error, "failed to parse template");
  }
  let namesSize = false;
  const view = containerView({ isTruncated: true, hasSize: false, nowMs: 0, zoneAt: () => utc });
  const watched: ListView<ContainerSummary> = {
    ...view,
    fields: {
      ...view.fields,
      Size() {
        namesSize = true;
        return "";
      },
    },
  };
  try {
    renderList([nothing], { view: watched, format, clean: String });
  } catch (error) {
    throw asFormatError(error, "failed to execute template");
  }
  return namesSize;
}

function asFormatError(error: unknown, prefix: string): unknown {
  if (!(error instanceof ExitStatus)) return error;
  const text = messageOf(error).replace(/^template parsing error: /, "");
  return new ExitStatus(`${prefix}: ${text}`, undefined, error);
}

const nothing: ContainerSummary = {
  Id: "",
  Names: [],
  Image: "",
  ImageID: "sha256:",
  Command: "",
  Created: 0,
  Ports: [],
  Labels: {},
  State: "created",
  Status: "",
  HostConfig: { NetworkMode: "" },
  NetworkSettings: { Networks: {} },
  Mounts: [],
};
