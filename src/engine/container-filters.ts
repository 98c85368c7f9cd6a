// SPDX-License-Identifier: Apache-2.0

import { isLadeError, LadeError } from "../base/errors.ts";
import { type ContainerRow, isRunning } from "../content/containers.ts";
import type { Store } from "../content/store.ts";
import type { Digest } from "../spec/digest.ts";
import type { Engine } from "./engine.ts";
import { booleanFilter, collectFilters, type FilterValues, matchesLabels } from "./filters.ts";
import { findContainer } from "./find-container.ts";
import { findImage } from "./find-image.ts";
import { matchesText } from "./match-text.ts";
import { type EndpointDocuments, publishedPorts } from "./network-documents.ts";
import type { Filter } from "./types.ts";

/** The filters of `ps` (daemon/list.go of moby). */
const filterNames = [
  ...["ancestor", "before", "exited", "expose", "health", "id", "is-task", "isolation", "label"],
  ...["name", "network", "publish", "since", "status", "volume"],
] as const;

const statuses = ["created", "dead", "exited", "paused", "removing", "restarting", "running"];
const healths = ["starting", "healthy", "unhealthy", "none"];

export interface ContainersFilter {
  /** Asks for containers by their state, so also for those that don't run. */
  readonly isForAll: boolean;
  matches(row: ContainerRow, networks: EndpointDocuments): boolean;
}

/**
 * @param rows all containers, newest first
 * @throws LadeError FILTER_INVALID, CONTAINER_NOT_FOUND
 */
export function containersFilter(
  engine: Engine,
  rows: readonly ContainerRow[],
  filters: readonly Filter[],
): ContainersFilter {
  if (filters.length === 0) return { isForAll: false, matches: () => true };
  const values = collectFilters(filters, filterNames);
  checkWords(values, "status", statuses);
  checkWords(values, "health", healths);
  const tests = [
    ...identityTests(values),
    ...stateTests(values),
    ...relationTests(engine.store, values),
    ...orderTests(engine.store, rows, values),
    ...portTests(values),
  ];
  return {
    isForAll: values.has("status"),
    matches: (row, networks) => tests.every((test) => test(row, networks)),
  };
}

type Test = (row: ContainerRow, networks: EndpointDocuments) => boolean;

function checkWords(values: FilterValues, key: string, words: readonly string[]): void {
  for (const value of values.get(key) ?? []) {
    if (words.includes(value)) continue;
    const known = words.map((word) => `'${word}'`).join(", ");
    const text = key === "status" ? "invalid value for state" : "invalid value for health status";
    throw new LadeError(
      "FILTER_INVALID",
      `invalid filter '${key}=${value}': ${text} (${value}): must be one of ${known}`,
    );
  }
}

function identityTests(values: FilterValues): Test[] {
  const names = values.get("name") ?? [];
  const ids = values.get("id") ?? [];
  const labels = values.get("label") ?? [];
  const tests: Test[] = [({ definition }) => matchesLabels(definition.config.Labels ?? {}, labels)];
  if (names.length > 0) {
    tests.push(({ name }) =>
      names.some((wanted) => matchesText(wanted, name) || matchesText(wanted, `/${name}`)),
    );
  }
  if (ids.length > 0) tests.push(({ id }) => ids.some((wanted) => id.startsWith(wanted)));
  return tests;
}

function stateTests(values: FilterValues): Test[] {
  const wanted = values.get("status");
  const codes = values.get("exited")?.map(exitCode);
  const health = values.get("health");
  // There are no tasks of a swarm.
  const isTask = values.has("is-task") && booleanFilter(values, "is-task");
  const isolation = values.get("isolation");
  return [
    ({ state }) => wanted === undefined || wanted.includes(state.status),
    ({ state }) =>
      codes === undefined ||
      (codes.includes(state.exitCode) && !isRunning(state) && state.startedAt !== ""),
    ({ state }) => health === undefined || health.includes(state.health?.status ?? "none"),
    () => isTask !== true,
    ({ definition }) =>
      isolation === undefined || isolation.includes(definition.hostConfig.Isolation || "default"),
  ];
}

function exitCode(text: string): number {
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw new LadeError(
    "FILTER_INVALID",
    `invalid filter 'exited=${text}': strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
  );
}

function relationTests(store: Store, values: FilterValues): Test[] {
  const ancestors = values.get("ancestor");
  const images = ancestors && descendants(store, ancestors);
  const volumes = values.get("volume");
  const networks = values.get("network");
  return [
    ({ image }) => images === undefined || images.has(image),
    ({ definition }) =>
      volumes === undefined ||
      definition.mounts.some(({ Name: name, Source: source, Destination: target }) =>
        volumes.some((volume) => volume === (name ?? source) || volume === target),
      ),
    (_, endpoints) =>
      networks === undefined ||
      Object.entries(endpoints).some(([name, { NetworkID: id }]) =>
        networks.some((network) => network === name || (id !== "" && id.startsWith(network))),
      ),
  ];
}

/** The images that these names stand for, and all that were made from them. */
function descendants(store: Store, names: readonly string[]): Set<Digest> {
  const found = new Set<Digest>();
  const pending = names.flatMap((name) => imageOf(store, name) ?? []);
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    const children = store.database.all<{ id: Digest }>(
      "SELECT id FROM image WHERE parent = ?",
      id,
    );
    pending.push(...children.map((child) => child.id));
  }
  return found;
}

function imageOf(store: Store, name: string): Digest | undefined {
  try {
    return findImage(store, name);
  } catch (error) {
    if (isLadeError(error)) return undefined;
    throw error;
  }
}

/** Only those made before, or after, a container. */
function orderTests(store: Store, rows: readonly ContainerRow[], values: FilterValues): Test[] {
  const places = new Map(rows.map(({ id }, index) => [id, index]));
  const placeOf = (name: string) => places.get(findContainer(store, name).id) ?? 0;
  const place = ({ id }: ContainerRow) => places.get(id) ?? 0;
  // Of several the last one counts, as in Docker.
  const before = values.get("before")?.map(placeOf).at(-1);
  const since = values.get("since")?.map(placeOf).at(-1);
  return [
    (row) => before === undefined || place(row) > before,
    (row) => since === undefined || place(row) < since,
  ];
}

function portTests(values: FilterValues): Test[] {
  const published = values.get("publish")?.flatMap((text) => portsIn("publish", text));
  const exposed = values.get("expose")?.flatMap((text) => portsIn("expose", text));
  if (published === undefined && exposed === undefined) return [];
  return [
    (row) =>
      publishedPorts(row).some(
        ({ PublicPort: onHost, PrivatePort: inside, Type: type }) =>
          published?.includes(`${onHost}/${type}`) === true ||
          exposed?.includes(`${inside}/${type}`) === true,
      ),
  ];
}

/** `80`, `8000-8010/udp` */
function portsIn(key: string, text: string): string[] {
  if (text.includes(":")) {
    throw new LadeError("FILTER_INVALID", `filter for '${key}' should not contain ':': ${text}`);
  }
  const [, first, last = first, protocol = "tcp"] =
    /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(text) ?? [];
  const [start, end] = [Number(first), Number(last)];
  if (first === undefined || start > end || end > 65535) {
    throw new LadeError(
      "FILTER_INVALID",
      `error while looking up for ${key} ${text}: invalid port range ${JSON.stringify(text)}`,
    );
  }
  return Array.from({ length: end - start + 1 }, (_, index) => `${start + index}/${protocol}`);
}
