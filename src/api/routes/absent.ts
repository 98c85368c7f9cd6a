// SPDX-License-Identifier: Apache-2.0

import type { Method, Route } from "../route.ts";

type Endpoint = readonly [method: Method, path: string, summary: string];

/** Endpoints that are answered with 501 and a sentence. */
export function absent(reason: string, ...endpoints: readonly Endpoint[]): Route[] {
  return endpoints.map(([method, path, summary]) => ({
    method,
    path,
    summary,
    support: { is: "absent", reason },
    handle: () => Promise.reject(new Error("absent endpoints have no handler")),
  }));
}

/** Objects of a swarm that are listed, made, inspected, changed and removed alike. */
function swarmObjects(path: string, name: string): Endpoint[] {
  return [
    ["GET", `/${path}`, `List ${path}`],
    ["POST", `/${path}/create`, `Make a ${name}`],
    ["GET", `/${path}/{id}`, `Inspect a ${name}`],
    ["DELETE", `/${path}/{id}`, `Remove a ${name}`],
    ["POST", `/${path}/{id}/update`, `Change a ${name}`],
  ];
}

const noSwarm = "swarm mode is not supported by lade";

// The docker command goes on to the next kind of object only where an error says "not supported".
const noPlugins = "plugins are not supported by lade";

/** What Docker's API has and lade does not: each says so, rather than that there is no such page. */
export const absentRoutes: readonly Route[] = [
  ...absent(
    "lade does not build images",
    ["POST", "/build", "Build an image"],
    ["POST", "/build/cancel", "Cancel a build"],
    ["POST", "/session", "Talk to a builder"],
    ["POST", "/grpc", "Talk to a builder"],
  ),
  ...absent(
    "lade has no registry access",
    ["POST", "/auth", "Log in to a registry"],
    ["GET", "/distribution/{name}/json", "Inspect an image in a registry"],
  ),
  ...absent(
    noSwarm,
    ["GET", "/swarm", "Inspect the swarm"],
    ["POST", "/swarm/init", "Make a swarm"],
    ["POST", "/swarm/join", "Join a swarm"],
    ["POST", "/swarm/update", "Change the swarm"],
    ["GET", "/swarm/unlockkey", "Get the key that unlocks a swarm"],
    ["POST", "/swarm/unlock", "Unlock a swarm"],
    ["GET", "/nodes", "List nodes"],
    ["GET", "/nodes/{id}", "Inspect a node"],
    ["DELETE", "/nodes/{id}", "Remove a node"],
    ["POST", "/nodes/{id}/update", "Change a node"],
    ["GET", "/services/{id}/logs", "Logs of a service"],
    ["GET", "/tasks", "List tasks"],
    ["GET", "/tasks/{id}/logs", "Logs of a task"],
    ["GET", "/tasks/{id}", "Inspect a task"],
    ...swarmObjects("services", "service"),
    ...swarmObjects("secrets", "secret"),
    ...swarmObjects("configs", "config"),
    ["PUT", "/volumes/{name}", "Change a volume of a cluster"],
  ),
  ...absent(
    noPlugins,
    ["GET", "/plugins", "List plugins"],
    ["GET", "/plugins/privileges", "What a plugin may do"],
    ["POST", "/plugins/pull", "Install a plugin"],
    ["POST", "/plugins/create", "Make a plugin"],
    ["GET", "/plugins/{name}/json", "Inspect a plugin"],
    ["DELETE", "/plugins/{name}", "Remove a plugin"],
    ["POST", "/plugins/{name}/enable", "Enable a plugin"],
    ["POST", "/plugins/{name}/disable", "Disable a plugin"],
    ["POST", "/plugins/{name}/upgrade", "Upgrade a plugin"],
    ["POST", "/plugins/{name}/push", "Push a plugin"],
    ["POST", "/plugins/{name}/set", "Configure a plugin"],
  ),
];
