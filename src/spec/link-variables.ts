// SPDX-License-Identifier: Apache-2.0

/** The container that a link leads to. */
export interface LinkedContainer {
  /** The link's own name: `/web/db` where the container `web` knows it as `db`. */
  readonly name: string;
  readonly address: string;
  /** Such as `80/tcp`. */
  readonly ports: readonly string[];
  /** `NAME=VALUE`. */
  readonly environment: readonly string[];
}

interface Port {
  readonly number: number;
  readonly protocol: string;
}

/** What a builder sets for itself says nothing of the container. */
const ownVariables: ReadonlySet<string> = new Set(["HOME", "PATH"]);

/**
 * The variables by which a container that has a link on Docker's default network finds the other:
 * `DB_PORT=tcp://172.17.0.2:5432`, `DB_NAME=/web/db`, `DB_ENV_USER=me` and so on.
 *
 * Source: `Link.ToEnv` of moby 28 (daemon/links).
 */
export function linkVariables(linked: LinkedContainer): string[] {
  const { name, address, environment } = linked;
  const alias = name
    .slice(name.lastIndexOf("/") + 1)
    .toUpperCase()
    .replaceAll("-", "_");
  const ports = linked.ports.map(parsePort).sort(byProtocol);
  const url = ({ number, protocol }: Port) => `${protocol}://${address}:${number}`;
  const prefix = ({ number, protocol }: Port) =>
    `${alias}_PORT_${number}_${protocol.toUpperCase()}`;
  return [
    ...ports.slice(0, 1).map((port) => `${alias}_PORT=${url(port)}`),
    ...ports.flatMap((port) => [
      `${prefix(port)}=${url(port)}`,
      `${prefix(port)}_ADDR=${address}`,
      `${prefix(port)}_PORT=${port.number}`,
      `${prefix(port)}_PROTO=${port.protocol}`,
    ]),
    ...rangesOf(ports).flatMap(([first, last]) => [
      `${prefix(first)}_START=${url(first)}`,
      `${prefix(first)}_PORT_START=${first.number}`,
      `${prefix(first)}_END=${url(last)}`,
      `${prefix(first)}_PORT_END=${last.number}`,
    ]),
    `${alias}_NAME=${name}`,
    ...environment
      .filter((entry) => entry.includes("=") && !ownVariables.has(entry.split("=", 1)[0] ?? ""))
      .map((entry) => `${alias}_ENV_${entry}`),
  ];
}

function parsePort(text: string): Port {
  const [number = "", protocol = "tcp"] = text.split("/");
  return { number: Number(number), protocol };
}

/** TCP first. */
function byProtocol(a: Port, b: Port): number {
  if (a.protocol === b.protocol) return a.number - b.number;
  if (a.protocol === "tcp") return -1;
  if (b.protocol === "tcp") return 1;
  return a.protocol < b.protocol ? -1 : 1;
}

/** Ports of one protocol that follow on each other. */
function rangesOf(ports: readonly Port[]): (readonly [first: Port, last: Port])[] {
  const ranges: [Port, Port][] = [];
  for (const port of ports) {
    const last = ranges.at(-1);
    const isNext = last?.[1].number === port.number - 1 && last[1].protocol === port.protocol;
    if (isNext) last[1] = port;
    else ranges.push([port, port]);
  }
  return ranges.filter(([first, last]) => first !== last);
}
