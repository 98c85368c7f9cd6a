// SPDX-License-Identifier: Apache-2.0

import type { ApiRequest } from "../helpers/lade-serve.ts";

/** A request that is sent to lade and to Docker. */
export interface ParityRequest {
  readonly send: string;
  readonly options?: ApiRequest;
  /** lade's own answer where it has another one than Docker 20.10, which must be an error, too. */
  readonly lade?: readonly [status: number, message: RegExp];
  readonly why?: string;
}

const none = { NetworkMode: "none" };

function make(body: object, query = ""): Pick<ParityRequest, "send" | "options"> {
  return { send: `POST /containers/create${query}`, options: { body } };
}

/** `create` of what has this host config. */
function host(hostConfig: object): Pick<ParityRequest, "send" | "options"> {
  return make({ Image: "box", HostConfig: hostConfig });
}

function text(send: string, body: string, type = "application/json"): ParityRequest {
  return { send, options: { body: Buffer.from(body), headers: { "Content-Type": type } } };
}

function filters(value: object): string {
  return encodeURIComponent(JSON.stringify(value));
}

const statusOfLater = "later versions answer 400";
const wordsOfLater = "the words of later versions of Docker";

export const createRequests: readonly ParityRequest[] = [
  make({ Image: "box", Cmd: ["sleep", "1000"], HostConfig: none }, "?name=one"),
  make({ Image: "box", HostConfig: none }, "?name=one"),
  make({ Image: "box", HostConfig: none }, "?name=.bad"),
  make({ Image: "box", HostConfig: none }, "?name=a%2Fb"),
  make({ Image: "nosuch:1", HostConfig: none }),
  { ...make({ Image: "" }), lade: [400, /^invalid reference format$/], why: "it looks first" },
  make({ HostConfig: {} }),
  make({}),
  text("POST /containers/create", "null"),
  {
    send: "POST /containers/create",
    lade: [400, /^invalid JSON: got EOF while reading request body$/],
    why: statusOfLater,
  },
  { ...text("POST /containers/create", "{"), lade: [400, /^invalid JSON: /], why: statusOfLater },
  {
    ...text("POST /containers/create", "{} {}"),
    lade: [400, /^unexpected content after JSON$/],
    why: wordsOfLater,
  },
  { ...text("POST /containers/create", "[]"), lade: [400, /expected object/], why: statusOfLater },
  text("POST /containers/create", "{}", "text/plain"),
  {
    ...make({ Image: "box", Cmd: {} }),
    lade: [400, /^request body: Cmd: expected array of strings, got object$/],
    why: statusOfLater,
  },
  {
    ...host({ Memory: "1" }),
    lade: [400, /^request body: HostConfig\.Memory: expected number, got string$/],
    why: statusOfLater,
  },
  host({ Memory: -5 }),
  host({ Memory: 5 }),
  host({ ShmSize: -5 }),
  host({ PortBindings: { abc: [{}] } }),
  host({ PortBindings: { "80/tcp": [{ HostPort: "99999" }] } }),
  host({ PortBindings: { "80/tcp": [{ HostPort: "x" }] } }),
  { ...host({ Binds: ["a"] }), lade: [400, /must be absolute$/], why: statusOfLater },
  { ...host({ Binds: ["/a:b"] }), lade: [400, /must be absolute$/], why: statusOfLater },
  host({ Mounts: [{ Type: "nix", Target: "/a" }] }),
  host({ Mounts: [{ Type: "bind", Source: "/nosuch", Target: "/a" }] }),
  {
    ...host({ RestartPolicy: { Name: "x" } }),
    lade: [400, /unknown policy 'x'/],
    why: wordsOfLater,
  },
  {
    ...host({ LogConfig: { Type: "x" } }),
    lade: [400, /^error looking up logging plugin x: plugin "x" not found$/],
    why: wordsOfLater,
  },
  host({ Runtime: "x" }),
  host({ CapAdd: ["x"] }),
  host({ AutoRemove: true, RestartPolicy: { Name: "always" } }),
  host({ ...none, VolumesFrom: ["nosuch"] }),
  make({ Image: "box", WorkingDir: "a" }),
  make({ Image: "box", Env: ["=x"] }),
  make({ Image: "box", StopSignal: "x" }),
  {
    ...make({ Image: "box", HostConfig: none }, "?platform=bogus/x"),
    lade: [404, /does not match the specified platform/],
    why: wordsOfLater,
  },
  make({ Image: "box", HostConfig: none }, "?platform=a/b/c/d"),
];

const anyPath = "bad parameter: path cannot be empty";

export const containerRequests: readonly ParityRequest[] = [
  { send: "GET /containers/json" },
  {
    send: "GET /containers/json?limit=x",
    lade: [400, /^strconv\.Atoi: parsing "x": invalid syntax$/],
    why: statusOfLater,
  },
  { send: "GET /containers/json?filters=x", lade: [400, /^invalid filter$/], why: statusOfLater },
  { send: `GET /containers/json?filters=${filters({ nosuch: ["a"] })}` },
  {
    send: `GET /containers/json?filters=${filters({ status: ["a"] })}`,
    lade: [400, /^invalid filter 'status=a': invalid value for state \(a\)/],
    why: wordsOfLater,
  },
  {
    send: `GET /containers/json?filters=${filters({ since: ["zzz"] })}`,
    lade: [404, /^No such container: zzz$/],
    why: "later versions answer 404",
  },
  { send: "GET /containers/json?all=1&limit=-1" },
  { send: "GET /containers/json?all=1&size=1" },
  { send: "GET /containers/one/json?size=1" },
  { send: "GET /containers/nosuch/json" },
  { send: "GET /containers/a%00b/json" },
  { send: "GET /containers/a/b/json" },
  { send: "GET /containers/%20/json" },
  { send: "POST /containers/one/start", options: { body: { a: 12345 } } },
  { send: "POST /containers/one/pause" },
  {
    send: "POST /containers/one/unpause",
    lade: [409, /^Container ID is not paused$/],
    why: "it is a conflict as the other way round",
  },
  { send: "POST /containers/one/kill" },
  { send: "POST /containers/one/stop" },
  { send: "GET /containers/one/top" },
  { send: "POST /containers/nosuch/start" },
  { send: "POST /containers/one/start" },
  { send: "POST /containers/one/start" },
  { send: "GET /containers/one/top" },
  { send: "GET /containers/one/top?ps_args=-o+pid,cmd" },
  {
    send: "GET /containers/one/top?ps_args=nonsense",
    lade: [400, /^ps: error/],
    why: "what the client gave is to blame",
  },
  { send: "GET /containers/one/json" },
  { send: "GET /containers/json" },
  { send: "POST /containers/one/pause" },
  { send: "POST /containers/one/pause" },
  { send: "POST /containers/one/start" },
  { send: "GET /containers/json" },
  {
    send: "DELETE /containers/one",
    lade: [409, /^cannot remove container "one": container is paused and must be unpaused first$/],
    why: wordsOfLater,
  },
  { send: "POST /containers/one/unpause" },
  {
    send: "POST /containers/one/kill?signal=NOSUCH",
    lade: [400, /Invalid signal: NOSUCH$/],
    why: wordsOfLater,
  },
  { send: "POST /containers/one/kill?signal=USR1" },
  { send: "POST /containers/nosuch/kill" },
  { send: "POST /containers/one/stop?t=x", lade: [400, /^strconv\.Atoi/], why: statusOfLater },
  { send: "POST /containers/one/restart?t=x", lade: [400, /^strconv\.Atoi/], why: statusOfLater },
  { send: "POST /containers/one/restart?t=0" },
  {
    send: "DELETE /containers/one",
    lade: [409, /: container is running: stop the container before removing or force remove$/],
    why: wordsOfLater,
  },
  { send: "DELETE /containers/nosuch" },
  { send: "DELETE /containers/nosuch?force=1" },
  { send: "POST /containers/one/rename?name=two" },
  { send: "POST /containers/two/rename?name=two" },
  { send: "POST /containers/two/rename?name=" },
  { send: "POST /containers/two/rename" },
  { send: "POST /containers/nosuch/rename?name=q" },
  { send: "POST /containers/two/rename?name=one" },
  { send: "POST /containers/one/update", options: { body: {} } },
  {
    send: "POST /containers/one/update",
    options: { body: { Memory: 67108864, MemorySwap: -1, PidsLimit: -5 } },
  },
  { send: "POST /containers/one/update", options: { body: { Memory: 5 } } },
  { send: "POST /containers/one/update", options: { body: { CpusetCpus: "999" } } },
  { send: "POST /containers/nosuch/update", options: { body: { Memory: 67108864 } } },
  { send: "GET /containers/one/changes" },
  { send: "GET /containers/nosuch/changes" },
  { send: "GET /containers/nosuch/export" },
  { send: "HEAD /containers/one/archive?path=/etc/passwd" },
  { send: "HEAD /containers/one/archive?path=/nosuch" },
  { send: "HEAD /containers/one/archive" },
  { send: "GET /containers/one/archive", lade: [400, new RegExp(`^${anyPath}$`)], why: "a typo" },
  { send: "GET /containers/one/archive?path=/nosuch" },
  { send: "GET /containers/nosuch/archive?path=/nosuch" },
  { send: "PUT /containers/one/archive?path=/nosuch", options: { body: Buffer.alloc(1024) } },
  {
    send: "PUT /containers/one/archive?path=/etc/passwd",
    options: { body: Buffer.alloc(1024) },
    lade: [400, /^extraction point is not a directory$/],
    why: statusOfLater,
  },
  { send: "PUT /containers/one/archive?path=/tmp", options: { body: Buffer.alloc(1024) } },
  { send: "PUT /containers/one/archive?path=/tmp" },
  {
    send: "PUT /containers/one/archive?path=/tmp",
    options: { body: Buffer.alloc(2048, "nonsense") },
    lade: [400, /invalid tar header/],
    why: "what the client gave is to blame",
  },
  { send: "POST /containers/one/stop?t=0" },
  { send: "POST /containers/one/stop?t=0" },
  { send: "GET /containers/one/json" },
  { send: "POST /containers/prune?filters=x", lade: [400, /^invalid filter$/], why: wordsOfLater },
  { send: `POST /containers/prune?filters=${filters({ x: ["a"] })}` },
  { send: `POST /containers/prune?filters=${filters({ label: ["a"] })}` },
  { send: "DELETE /containers/one?v=1" },
  { send: "GET /containers/one/json" },
];

export const volumeRequests: readonly ParityRequest[] = [
  { send: "POST /volumes/create", options: { body: { Name: "vol", Labels: { a: "b" } } } },
  { send: "GET /volumes" },
  { send: "POST /volumes/create", options: { body: { Name: "vol" } } },
  { send: "POST /volumes/create", options: { body: { Name: "../x" } } },
  { send: "POST /volumes/create", options: { body: { Name: "x" } } },
  { send: "POST /volumes/create", options: { body: { Name: "dd", Driver: "nosuch" } } },
  { send: "POST /volumes/create", options: { body: { Name: "dd", DriverOpts: { x: "y" } } } },
  {
    send: "POST /volumes/create",
    options: { body: { Name: 5 } },
    lade: [400, /^request body: Name: expected string, got number$/],
    why: "words of Go",
  },
  text("POST /volumes/create", "{}", "text/plain"),
  { ...text("POST /volumes/create", "{"), lade: [400, /^invalid JSON: /], why: "words of Go" },
  { send: "GET /volumes/vol" },
  { send: "GET /volumes/nosuch" },
  { send: `GET /volumes?filters=${filters({ x: ["a"] })}` },
  { send: `GET /volumes?filters=${filters({ dangling: ["maybe"] })}` },
  { send: `GET /volumes?filters=${filters({ name: ["nosuch"] })}` },
  make({ Image: "box", HostConfig: { ...none, Binds: ["vol:/v"] } }, "?name=user"),
  { send: "DELETE /volumes/vol" },
  { send: "DELETE /volumes/nosuch" },
  { send: "DELETE /volumes/nosuch?force=1" },
  { send: "DELETE /containers/user?v=1" },
  { send: "POST /volumes/prune" },
  { send: "POST /volumes/prune" },
];

function network(body: object): Pick<ParityRequest, "send" | "options"> {
  return { send: "POST /networks/create", options: { body: { CheckDuplicate: true, ...body } } };
}

function onNetwork(action: string, container: string) {
  return { send: `POST /networks/${action}`, options: { body: { Container: container } } };
}

/** `10.99.` stands for a part of the address that each program has for itself. */
const net = { Name: "net", Internal: true, IPAM: { Config: [{ Subnet: "10.99.0.0/24" }] } };

export const networkRequests: readonly ParityRequest[] = [
  { send: "GET /networks/none" },
  { send: "GET /networks/nosuch" },
  { send: "GET /networks/none?verbose=x" },
  { send: "GET /networks/none?scope=swarm" },
  { send: `GET /networks?filters=${filters({ x: ["a"] })}` },
  {
    send: `GET /networks?filters=${filters({ type: ["a"] })}`,
    lade: [400, /^invalid filter: 'type'='a'$/],
    why: statusOfLater,
  },
  network(net),
  network(net),
  network({ ...net, Name: "net2" }),
  {
    ...network({ Name: "net3", IPAM: { Config: [{ Subnet: "x" }] } }),
    lade: [400, /invalid subnet x/],
    why: statusOfLater,
  },
  network({ Name: "bridge" }),
  network({ Name: "host" }),
  network({ Name: "q", Driver: "host" }),
  { ...network({ Name: "" }), lade: [400, /^invalid name: name is empty$/], why: statusOfLater },
  {
    ...network({ Name: "q", Driver: "nosuch" }),
    lade: [501, /^could not find plugin nosuch/],
    why: "drivers that Docker has are refused in the same words",
  },
  { send: "GET /networks/net" },
  { send: `GET /networks?filters=${filters({ name: ["net"] })}` },
  { send: "DELETE /networks/none" },
  { send: "DELETE /networks/nosuch" },
  make({ Image: "box", Cmd: ["sleep", "1000"], HostConfig: { NetworkMode: "net" } }, "?name=on"),
  { send: "POST /containers/on/start" },
  { send: "GET /containers/on/json" },
  { send: "GET /networks/net" },
  { send: "DELETE /networks/net" },
  onNetwork("net/connect", "on"),
  onNetwork("net/connect", "nosuch"),
  onNetwork("nosuch/connect", "on"),
  {
    ...onNetwork("host/connect", "on"),
    lade: [400, /^cannot connect container to host network/],
    why: wordsOfLater,
  },
  {
    ...onNetwork("none/disconnect", "on"),
    lade: [403, /^container ID is not connected to the network none$/],
    why: "it is in the way, as the other way round",
  },
  onNetwork("net/disconnect", "nosuch"),
  onNetwork("net/disconnect", "on"),
  { send: "DELETE /containers/on?force=1" },
  { send: "POST /networks/prune" },
  { send: "POST /networks/prune" },
  { send: `POST /networks/prune?filters=${filters({ x: ["a"] })}` },
];
