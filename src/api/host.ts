// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";

/** Where to listen, as `-H` says it. */
export type Host =
  | { readonly type: "unix"; readonly path: string }
  /** A socket that a service manager passed: by name, by number from 3 on, or each of them (`*`). */
  | { readonly type: "fd"; readonly name: string }
  | { readonly type: "tcp"; readonly address: string; readonly port: number };

/** Docker's port for TLS. */
const usualPort = 2376;
const mostPort = 65_535;

/**
 * Reads a `-H`.
 *
 * @throws LadeError USAGE
 */
export function parseHost(text: string): Host {
  const [, scheme = "", rest = ""] = /^([a-z]+):\/\/(.*)$/s.exec(text) ?? [];
  switch (scheme) {
    case "unix":
      if (!rest.startsWith("/")) throw invalid(text, "the path of a socket must be absolute");
      return { type: "unix", path: rest };
    case "fd":
      return { type: "fd", name: rest === "" ? "*" : rest };
    case "tcp":
      return parseTcp(text, rest);
    default:
      throw invalid(text, "must be unix:///PATH, fd:// or tcp://HOST:PORT");
  }
}

function parseTcp(text: string, rest: string): Host {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:/[\]]*))(?::(\d{1,5}))?$/.exec(rest);
  if (match === null) throw invalid(text, "must be tcp://HOST:PORT");
  const [, ipv6, name, digits] = match;
  const port = digits === undefined ? usualPort : Number(digits);
  if (port > mostPort) throw invalid(text, `no port is above ${mostPort}`);
  // As at Docker's: without a port nobody meant all addresses.
  const address = ipv6 ?? (name === "" && digits === undefined ? "localhost" : (name ?? ""));
  return { type: "tcp", address, port };
}

function invalid(text: string, why: string): LadeError {
  return new LadeError("USAGE", `invalid bind address (${text}): ${why}`);
}
