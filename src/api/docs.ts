// SPDX-License-Identifier: Apache-2.0

import { newestVersion, oldestVersion } from "./api-version.ts";
import type { Route, Support } from "./route.ts";
import { routes } from "./routes.ts";

function verdict(support: Support): string {
  switch (support.is) {
    case "works":
      return "works";
    case "partly":
      return `works partly: ${support.missing}`;
    case "absent":
      return `501: ${support.reason}`;
  }
}

function table(rows: readonly Route[]): string {
  const lines = rows.map(
    ({ method, path, summary, support }) =>
      `| \`${method}\` | \`${path}\` | ${summary} | ${verdict(support)} |`,
  );
  return ["| method | path | | lade |", "|---|---|---|---|", ...lines].join("\n");
}

/** The page with every endpoint of the API, as the table of routes has them. */
export function renderApiDocs(): string {
  const present = routes.filter(({ support }) => support.is !== "absent");
  const absent = routes.filter(({ support }) => support.is === "absent");
  return `# Docker's Engine API

\`lade serve\` answers versions 1.${oldestVersion} to 1.${newestVersion} of Docker's Engine API; the version may stand before each path.
How it is run is in [serve.md](serve.md).

## Endpoints

${table(present)}

## Not there

Each answers 501 with the sentence.

${table(absent)}
`;
}
