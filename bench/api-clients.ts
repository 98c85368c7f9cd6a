// SPDX-License-Identifier: Apache-2.0
import { Agent, request } from "node:http";
import type { ApiProgram } from "./api-programs.ts";
import type { ClientsMeasurement, ClientsResult } from "./results.ts";

const CLIENTS = 50;
const SECONDS = 20;
const QUICK_SECONDS = 1;
/** Each engine's part of the time comes in turns, so that a slow minute of the machine hits both. */
const TURNS = 4;

interface Kind {
  readonly id: string;
  readonly title: string;
  /** @param turn counts up for each request */
  request(turn: number): { readonly method: string; readonly path: string };
}

/** @param image an image that both engines have; `container` one that both have */
function kindsOf(image: string, container: string): readonly Kind[] {
  const get = (path: string) => () => ({ method: "GET", path });
  return [
    { id: "api-list-images", title: "list images", request: get("/v1.41/images/json") },
    {
      id: "api-list-containers",
      title: "list containers",
      request: get("/v1.41/containers/json?all=1"),
    },
    {
      id: "api-inspect-image",
      title: "inspect an image",
      request: get(`/v1.41/images/${image}/json`),
    },
    {
      id: "api-inspect-container",
      title: "inspect a container",
      request: get(`/v1.41/containers/${container}/json`),
    },
    {
      id: "api-tag",
      title: "tag an image",
      request: (turn) => ({
        method: "POST",
        path: `/v1.41/images/${image}/tag?repo=lade-bench-tag&tag=t${turn % 100}`,
      }),
    },
  ];
}

export interface ClientsInput {
  readonly programs: readonly ApiProgram[];
  readonly image: string;
  readonly container: string;
  readonly quick: boolean;
  readonly report: (line: string) => void;
}

/** Sends requests of each kind by many clients at once, to each engine in turns. */
export async function measureClients(input: ClientsInput): Promise<ClientsResult[]> {
  const seconds = (input.quick ? QUICK_SECONDS : SECONDS) / TURNS;
  const results: ClientsResult[] = [];
  for (const kind of kindsOf(input.image, input.container)) {
    const taken = new Map(input.programs.map(({ name }) => [name, [] as Turn[]]));
    for (let turn = 0; turn < TURNS; turn++) {
      for (const program of input.programs) {
        input.report(`${kind.id}: ${program.name}, turn ${turn + 1} of ${TURNS}`);
        taken.get(program.name)?.push(await takeTurn(program.socket, kind, seconds));
      }
    }
    const { id, title } = kind;
    const measurements = [...taken].map(([contender, turns]) => summary(contender, turns));
    results.push({ id, title, clients: CLIENTS, measurements });
  }
  return results;
}

interface Turn {
  readonly latencies: number[];
  readonly failures: number;
  readonly seconds: number;
}

async function takeTurn(socketPath: string, kind: Kind, seconds: number): Promise<Turn> {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const latencies: number[] = [];
  let failures = 0;
  let turn = 0;
  const started = performance.now();
  const end = started + seconds * 1000;
  const client = async (): Promise<void> => {
    while (performance.now() < end) {
      const sent = performance.now();
      const status = await ask({ socketPath, agent, ...kind.request(turn++) });
      if (status < 200 || status > 299) failures++;
      latencies.push((performance.now() - sent) / 1000);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  agent.destroy();
  return { latencies, failures, seconds: (performance.now() - started) / 1000 };
}

function ask(options: {
  readonly socketPath: string;
  readonly agent: Agent;
  readonly method: string;
  readonly path: string;
}): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const sent = request(options, (response) => {
    response.resume();
    response.once("end", () => resolve(response.statusCode ?? 0));
    response.once("error", reject);
  });
  sent.once("error", reject);
  sent.end();
  return promise;
}

function summary(contender: string, turns: readonly Turn[]): ClientsMeasurement {
  const sorted = turns.flatMap(({ latencies }) => latencies).sort((a, b) => a - b);
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  return {
    contender,
    requests: sorted.length,
    seconds: turns.reduce((sum, { seconds }) => sum + seconds, 0),
    failures: turns.reduce((sum, { failures }) => sum + failures, 0),
    p50: at(0.5) ?? 0,
    p99: at(0.99) ?? 0,
  };
}
