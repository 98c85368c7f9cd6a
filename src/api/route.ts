// SPDX-License-Identifier: Apache-2.0

import type { Answer } from "./answer.ts";
import type { Call } from "./call.ts";

/** How much of an endpoint there is; the table in the docs is made from it. */
export type Support =
  | { readonly is: "works" }
  /** `missing`: what of Docker's endpoint is not carried out, in a few words. */
  | { readonly is: "partly"; readonly missing: string }
  /** Answered with 501 and this sentence. */
  | { readonly is: "absent"; readonly reason: string };

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "OPTIONS";

/** One endpoint of Docker's Engine API. */
export interface Route {
  readonly method: Method;
  /** As Docker's reference writes it: `/images/{name}/json`. A parameter may hold slashes. */
  readonly path: string;
  readonly summary: string;
  readonly support: Support;
  /** It lasts as long as what it watches: it ends at once when the server stops; others may finish. */
  readonly isWatching?: boolean;
  handle(call: Call): Promise<Answer>;
}

export interface MatchedRoute {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

interface CompiledRoute {
  readonly route: Route;
  readonly pattern: RegExp;
}

function compile(route: Route): CompiledRoute {
  const source = route.path
    .split(/(\{\w+\})/)
    .map((part) =>
      part.startsWith("{")
        ? `(?<${part.slice(1, -1)}>.+)`
        : part.replace(/[.*+?^$()[\]\\|]/g, "\\$&"),
    )
    .join("");
  return { route, pattern: new RegExp(`^${source}$`, "s") };
}

/**
 * Makes what finds a request's route: the first in the table that has its method and path, as Docker's
 * router does it.
 *
 * @returns undefined where no route has both
 */
export function compileRoutes(
  routes: readonly Route[],
): (method: string, path: string) => MatchedRoute | undefined {
  const byMethod = Map.groupBy(routes.map(compile), ({ route }) => route.method as string);
  return (method, path) => {
    for (const { route, pattern } of byMethod.get(method) ?? []) {
      const match = pattern.exec(path);
      if (match !== null) return { route, params: { ...match.groups } };
    }
    return undefined;
  };
}
