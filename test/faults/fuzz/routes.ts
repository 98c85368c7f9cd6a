// SPDX-License-Identifier: Apache-2.0

/** Random requests to one server: each is answered, none shows a bug, and the server lives on. */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import fc from "fast-check";
import { routes } from "../../../src/api/routes.ts";
import { dir, file, symlink } from "../../fixtures/sample-image.ts";
import { tar } from "../../fixtures/tar-builder.ts";
import { type LadeServe, startLadeServe } from "../../helpers/lade-serve.ts";
import { openFiles } from "../../helpers/serve-process.ts";
import { run } from "../../helpers/tools.ts";
import type { FuzzRun, FuzzTarget } from "./target.ts";

/** What waits for something that may never come is left after this long. */
const patienceMs = 200;
const answerMs = 15_000;
/** Kilobytes. */
const largestMemory = 600 * 1024;

const names = ["box:1", "box", "c1", "c2", "v1", "net1", "none", "host", "bridge", "nothing"];
const value = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...names) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...["..", ".", "/", "..%2f..%2fetc", "%00", "%", "%zz", "%ff", "a%0ab", "x".repeat(3000)],
      ...["sha256:", `sha256:${"0".repeat(64)}`, "é", "1", "0", "-1", "true", "false", "null"],
      ...["99999999999999999999", "1e5", "json", "/data", "/etc/../..", "/proc/self/fd", "[]"],
      ...["{}", '{"label":["a"]}', '{"label":{"a":true}}', '{"until":{"0":true}}', '{"id":[1]}'],
      ...["{", '{"__proto__":{"a":true}}', "linux/amd64", '{"os":5}', "SIGKILL", "2024", "15m"],
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 8 }).map(encodeSafely) },
);

/** No line ends, which no client can put into a path. */
function encodeSafely(text: string): string {
  return encodeURI(text.toWellFormed());
}

const keys = [
  ...["all", "filters", "names", "repo", "tag", "fromSrc", "fromImage", "force", "noprune", "q"],
  ...["path", "size", "name", "stdout", "stderr", "follow", "tail", "since", "until", "timestamps"],
  ...["stream", "one-shot", "signal", "t", "v", "link", "platform", "changes", "message", "quiet"],
  ...["noOverwriteDirNonDir", "copyUIDGID", "container", "comment", "author", "pause", "limit"],
  ...["before", "digests", "manifests", "shared-size", "condition", "detachKeys", "h", "w", "type"],
  ...["verbose", "scope", "ps_args", "logs", "stdin", "dangling", "__proto__", ""],
];
const query = fc
  .array(fc.tuple(fc.constantFrom(...keys), value), { maxLength: 3 })
  .map((pairs) => pairs.map(([key, text]) => `${key}=${text.replaceAll(/[&#?]/g, "")}`).join("&"));

const path = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom(...routes), fc.array(value, { minLength: 2, maxLength: 2 }))
      .map(([route, params]) => ({
        method: route.method as string,
        path: route.path.replace(/\{\w+\}/g, () => params.shift() ?? "x"),
      })),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      method: fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"),
      path: fc.array(value, { maxLength: 4 }).map((parts) => `/${parts.join("/")}`),
    }),
  },
);

const version = fc.constantFrom(
  ...["", "", "", "/v1.24", "/v1.41", "/v1.43", "/v1.47", "/v1.0", "/v9.9", "/v", "/v1.x", "//"],
);

const json = fc.jsonValue({ maxDepth: 3 });
/** Nothing that runs here does anything, or sees anything of the machine. */
const containerBody = fc.record(
  {
    Image: fc.constantFrom<unknown>("box:1", "box:1", "nothing", "", 5),
    Cmd: fc.constantFrom<unknown>(["true"], ["sleep", "0.1"], [], "true", null, ["not-there"], [1]),
    Env: fc.constantFrom<unknown>(["a=b"], ["a"], ["="], ["a=\0"], null, {}, ["x".repeat(100_000)]),
    User: fc.constantFrom<unknown>("", "0", "-1", "2147483648", "nobody", "a:b:c", 5),
    WorkingDir: fc.constantFrom<unknown>("", "/data", "../..", "/proc/self/fd/7", "x"),
    StopSignal: fc.constantFrom<unknown>("SIGTERM", "nope", "99", ""),
    Volumes: fc.constantFrom<unknown>({}, { "/data": {} }, { "../../x": {} }, [], null),
    Labels: fc.dictionary(fc.string(), fc.oneof(fc.string(), json)),
    Healthcheck: json,
    ExposedPorts: fc.oneof(json, fc.constant({ "80/tcp": {} }), fc.constant({ "99999/x": {} })),
    HostConfig: fc.record(
      {
        NetworkMode: fc.constantFrom<unknown>("none", "none", "none", "nope", "container:x"),
        Binds: fc.constantFrom<unknown>(["v1:/data"], ["v1"], ["a:b:c:d"], [], null, [5]),
        Memory: fc.constantFrom<unknown>(0, -1, 1, 2 ** 53, "1"),
        Tmpfs: fc.constantFrom<unknown>({ "/tmp": "size=1m" }, { x: "nope" }, null),
        LogConfig: fc.oneof(fc.constant({ Type: "json-file" }), json),
        RestartPolicy: fc.oneof(fc.constant({ Name: "no" }), fc.constant({ Name: "nope" })),
        AutoRemove: fc.boolean(),
        Ulimits: json,
        Sysctls: json,
        ExtraHosts: json,
        Mounts: json,
      },
      { requiredKeys: ["NetworkMode"] },
    ),
    NetworkingConfig: json,
  },
  { requiredKeys: ["Image", "HostConfig"] },
);

const members = tar([
  dir("d/"),
  file("d/f", "text"),
  symlink("l", "/etc"),
  file("l/passwd", "x"),
  file("../x", "x"),
]);
const jsonBytes = (body: unknown) => Buffer.from(JSON.stringify(body) ?? "null");
const body = fc.oneof(
  fc.constant(undefined),
  containerBody.map(jsonBytes),
  fc.record({ Name: value, Driver: value, Labels: json, Options: json, IPAM: json }).map(jsonBytes),
  fc
    .record({ Cmd: json, AttachStdout: json, Detach: fc.constant(true), User: value, Tty: json })
    .map(jsonBytes),
  json.map(jsonBytes),
  fc.constant(Buffer.from("[".repeat(100_000))),
  fc.constant(members),
  fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
  fc.nat({ max: members.length }).map((size) => members.subarray(0, size)),
);

const headers = fc.dictionary(
  fc.constantFrom(
    ...["Content-Type", "X-Registry-Auth", "Accept", "Range", "If-None-Match", "Expect", "Origin"],
    ...["Authorization", "Accept-Encoding", "X-Registry-Config", "User-Agent", "Cookie"],
  ),
  fc.constantFrom(
    ...[
      "application/json",
      "application/x-tar",
      "text/plain; charset=x",
      "",
      "e30=",
      "*/*",
      "gzip",
    ],
    ...[
      "application/vnd.docker.raw-stream",
      "100-continue",
      "bytes=0-",
      "\u00ff",
      "x".repeat(2000),
    ],
  ),
  { maxKeys: 3 },
);

const waits = /\/(?:events|wait|attach|attach\/ws|logs|stats|start)(?:\?|$)/;

interface Ask {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

type Reply = { readonly status: number; readonly text: string };

/** @returns undefined where the client left first, as it does with what may wait for ever */
function ask(socketPath: string, { method, path, headers, body }: Ask): Promise<Reply | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply | undefined>();
  const mayWait = waits.test(path);
  // Node leaves it out with GET and DELETE, and the body would be garbage behind the request.
  const all = { ...headers, ...(body && { "Content-Length": body.length }) };
  const sent = request({ socketPath, method, path, headers: all, agent: false }, (response) => {
    const parts: Buffer[] = [];
    response.on("data", (part: Buffer) => parts.push(part));
    const end = () =>
      resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() });
    response.once("end", end).once("error", end);
  });
  const timer = setTimeout(
    () => {
      sent.destroy();
      if (mayWait) resolve(undefined);
      else reject(new Error(`no answer within ${answerMs} ms`));
    },
    mayWait ? patienceMs : answerMs,
  );
  // An answer may come, and the connection end, before all of the body is sent. What is no HTTP is
  // answered before its method is known: HEAD gets a body, too.
  sent.once("error", (error: NodeJS.ErrnoException) => {
    const { code = "" } = error;
    const isHead = method === "HEAD" && code.startsWith("HPE_");
    if (isHead || ["EPIPE", "ECONNRESET"].includes(code)) resolve(undefined);
    else reject(error);
  });
  sent.once("upgrade", (response, socket) => {
    socket.destroy();
    resolve({ status: response.statusCode ?? 0, text: "" });
  });
  sent.end(body);
  return promise.finally(() => clearTimeout(timer));
}

const each = 500;

class Served {
  readonly #serve: LadeServe;
  readonly #victim: string;
  #runs = 0;
  #seenOutput = 0;

  constructor(serve: LadeServe, victim: string) {
    this.#serve = serve;
    this.#victim = victim;
  }

  async check(request: Ask): Promise<void> {
    const reply = await ask(this.#serve.socket, request);
    const fresh = this.#serve.output().slice(this.#seenOutput);
    this.#seenOutput += fresh.length;
    // The log has a stack for what is no LadeError.
    assert.ok(!fresh.includes('"stack"'), fresh.slice(0, 3000));
    // 417 has no body in Go's server either.
    const hasBody = request.method !== "HEAD" && reply?.status !== 417;
    if (reply !== undefined && reply.status >= 400 && hasBody) {
      assert.equal(typeof JSON.parse(reply.text).message, "string", reply.text);
    }
    if (++this.#runs % each === 0) await this.#tidy();
  }

  /** What came to be goes again, and the server must be as it was. */
  async #tidy(): Promise<void> {
    const { stdout } = await this.#serve.lade("ps", "-aq");
    const ids = stdout.split("\n").filter((id) => id !== "");
    for (let at = 0; at < ids.length; at += 20) {
      await this.#serve.lade("rm", "-f", "-v", ...ids.slice(at, at + 20));
    }
    await this.#serve.lade("volume", "prune", "-af");
    await this.#serve.lade("network", "prune", "-f");
    assert.deepEqual(this.problems(), []);
    const images = await this.#serve.request("GET", "/images/json");
    assert.equal(images.status, 200);
    await prepare(this.#serve);
  }

  problems(): string[] {
    const found: string[] = [];
    const status = fs.readFileSync(`/proc/${this.#serve.pid}/status`, "utf8");
    const size = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
    if (!(size < largestMemory)) found.push(`the server has ${size} kB of memory`);
    const open = openFiles(this.#serve.pid);
    if (open > 200) found.push(`the server has ${open} open files`);
    if (fs.readFileSync(this.#victim, "utf8") !== "untouched") found.push("a file outside changed");
    return found;
  }
}

/** An image without programs: what is started fails to, which is an answer, too. */
async function prepare(serve: LadeServe): Promise<void> {
  const root = tar([
    dir("data/"),
    file("data/file", "text"),
    file("etc/passwd", "root:x:0:0::/:/\n"),
  ]);
  await serve.request("POST", "/images/create?fromSrc=-&repo=box&tag=1", { body: root });
  for (const name of ["c1", "c2"]) {
    const body = { Image: "box:1", Cmd: ["true"], HostConfig: { NetworkMode: "none" } };
    await serve.request("POST", `/containers/create?name=${name}`, { body });
  }
}

export const routesTarget: FuzzTarget = {
  name: "HTTP routes",
  async open(): Promise<FuzzRun> {
    const serve = await startLadeServe();
    await run("ip", ["link", "set", "lo", "up"]);
    const victim = join(serve.folder, "victim");
    fs.writeFileSync(victim, "untouched");
    await prepare(serve);
    const served = new Served(serve, victim);
    return {
      property: fc.asyncProperty(
        fc.record({ place: path, version, query, headers, body }),
        async ({ place, version, query, headers, body }) => {
          const all = `${version}${place.path}${query === "" ? "" : `?${query}`}`;
          // Node's client refuses what no line of a request can have.
          const clean = all.replaceAll(/[^\x21-\x7e\xa1-\xff]/g, "");
          await served.check({ method: place.method, path: clean, headers, body });
        },
      ),
      async close() {
        const found = served.problems();
        const { status } = await serve.request("GET", "/_ping");
        await serve[Symbol.asyncDispose]();
        return status === 200 ? found : [...found, `ping: ${status}`];
      },
    };
  },
};
