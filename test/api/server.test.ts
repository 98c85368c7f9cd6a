// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type LadeServe, startLadeServe } from "../helpers/lade-serve.ts";

describe("the API's common ground", () => {
  let serve: LadeServe;
  before(async () => {
    serve = await startLadeServe();
  });
  after(() => serve[Symbol.asyncDispose]());

  it("answers a ping with the headers that clients learn the version from", async () => {
    for (const path of ["/_ping", "/v1.24/_ping", "/v1.51/_ping"]) {
      const { status, headers, body } = await serve.request("GET", path);
      assert.equal(status, 200);
      assert.equal(body.toString(), "OK");
      assert.equal(headers["api-version"], "1.51");
      assert.equal(headers.ostype, "linux");
      assert.match(String(headers.server), /^lade\//);
    }
  });

  it("refuses versions that are not spoken, in Docker's words", async () => {
    for (const [path, message] of [
      ["/v1.52/_ping", "client version 1.52 is too new. Maximum supported API version is 1.51"],
      [
        "/v1.23/_ping",
        "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version",
      ],
    ] as const) {
      const { status, json } = await serve.request("GET", path);
      assert.deepEqual([status, json], [400, { message }]);
    }
  });

  it("tells what there is not from what nobody knows", async () => {
    const absent = await serve.request("POST", "/v1.41/build");
    assert.deepEqual(
      [absent.status, absent.json],
      [501, { message: "lade does not build images" }],
    );
    const unknown = await serve.request("GET", "/v1.41/nothing");
    assert.deepEqual([unknown.status, unknown.json], [404, { message: "page not found" }]);
  });
});
