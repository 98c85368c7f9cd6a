// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type ApiPair, openApiPair } from "../helpers/api-pair.ts";
import type { ApiAnswer, ApiRequest } from "../helpers/lade-serve.ts";
import {
  containerRequests,
  createRequests,
  networkRequests,
  type ParityRequest,
  volumeRequests,
} from "./parity-requests.ts";

/** Where the words of Docker 20.10 differ from those of later versions, which lade has. */
const wording: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{64}/g, "ID"],
  [/^Config cannot/, "config cannot"],
  [/^Invalid filter/, "invalid filter"],
  [/^Unknown runtime specified/, "unknown or invalid runtime name:"],
  [/^Cannot kill/, "cannot kill"],
  [/\bContainer ID is (not running|already paused)/, "container ID is $1"],
  [
    /^Content-Type specified \((.*)\) must be 'application\/json'$/,
    "unsupported Content-Type header ($1): must be 'application/json'",
  ],
  [/^invalid pool request: Pool/, "Pool"],
  [/ network $/, " network"],
  [/Invalid container name \(\//, "Invalid container name ("],
];

function messageOf({ status, json }: ApiAnswer): string {
  if (typeof json !== "object" || json === null || !("message" in json)) {
    throw new Error(`an answer of ${status} without a message`);
  }
  return wording.reduce(
    (text, [from, to]) => text.replaceAll(globally(from), to),
    String(json.message),
  );
}

function globally(pattern: RegExp): RegExp {
  return new RegExp(pattern.source, "g");
}

/** What either has for a reason. */
const ofOne: readonly RegExp[] = [
  // Since API 1.44.
  /\.DNSNames\b/,
  // lade has no folder of a lower layer: layers are mounted as they lie.
  /\.GraphDriver\.Data\.LowerDir:/,
  // Later versions mark anonymous volumes, and tell a gateway that they chose.
  /\.Labels\.com\.docker\.volume\.anonymous:/,
  /\.IPAM\.Config\[\]\.Gateway:/,
  // Docker counts the size of a container that nothing was written to as 0 and leaves it out.
  /\.SizeRw:/,
];

/** The names and types of a document's members; what is empty in one way or another is the same. */
function shape(value: unknown, place = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => shape(item, `${place}[]`));
  if (typeof value !== "object" || value === null) {
    return value === null ? [] : [`${place}:${typeof value}`];
  }
  return Object.entries(value).flatMap(([name, member]) =>
    shape(member, `${place}.${name.replaceAll(/[0-9a-f]{64}/g, "ID")}`),
  );
}

function membersOf(answer: ApiAnswer): string[] {
  if (answer.body.length === 0) return [];
  const members = shape(answer.json).filter(
    (member) => !ofOne.some((pattern) => pattern.test(member)),
  );
  return [...new Set(members)].sort();
}

/** Networks of both are on one machine. */
function ownSubnet(options: ApiRequest | undefined): ApiRequest | undefined {
  if (options?.body === undefined || options.body instanceof Uint8Array) return options;
  return {
    ...options,
    body: JSON.parse(JSON.stringify(options.body).replaceAll("10.99.", "10.98.")),
  };
}

function compare(lade: ApiAnswer, docker: ApiAnswer, request: ParityRequest): void {
  if (request.lade !== undefined) {
    const [status, message] = request.lade;
    assert.equal(lade.status, status);
    assert.match(messageOf(lade), message);
    assert.ok(docker.status >= 400, `Docker answers ${docker.status}`);
    return;
  }
  const isError = docker.status >= 400 && docker.body.length > 0;
  assert.deepEqual(
    [lade.status, isError ? messageOf(lade) : ""],
    [docker.status, isError ? messageOf(docker) : ""],
  );
  assert.equal(lade.headers["content-type"], docker.headers["content-type"]);
  if (!isError) assert.deepEqual(membersOf(lade), membersOf(docker));
}

describe("requests to lade and to Docker", () => {
  let pair: ApiPair;
  before(async () => {
    pair = await openApiPair("box");
  });
  after(() => pair[Symbol.asyncDispose]());

  const tables = { createRequests, containerRequests, volumeRequests, networkRequests };
  for (const [title, requests] of Object.entries(tables)) {
    describe(title, () => {
      for (const request of requests) {
        const [method = "", path = ""] = request.send.split(" ");
        const { body } = request.options ?? {};
        const shown =
          body instanceof Uint8Array ? body.toString().slice(0, 8) : JSON.stringify(body);
        it(`${request.send} ${shown ?? ""}`, async () => {
          const [lade, docker] = await Promise.all([
            pair.lade(method, `/v1.41${path}`, ownSubnet(request.options)),
            pair.docker(method, `/v1.41${path}`, request.options),
          ]);
          compare(lade, docker, request);
        });
      }
    });
  }
});
