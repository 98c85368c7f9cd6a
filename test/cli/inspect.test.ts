// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, LadeError } from "../../src/base/errors.ts";
import { idA, run } from "./fake-context.ts";

const document = {
  Id: idA,
  RepoTags: ["hello:v1"],
  RepoDigests: [],
  Comment: "",
  Created: "2026-11-21T22:11:55.011847561Z",
  Config: { Cmd: ["sh", "-c", "a && b"], Labels: { a: "b" } },
  Architecture: "amd64",
  Os: "linux",
  Size: 1982256,
  RootFS: { Type: "layers", Layers: ["sha256:22"] },
};

const nothing = (code: ErrorCode, text: string) => async (_engine: unknown, name: string) => {
  throw new LadeError(code, text.replace("NAME", name));
};

const others = {
  inspectContainer: nothing("CONTAINER_NOT_FOUND", "No such container: NAME"),
  inspectNetwork: nothing("NETWORK_NOT_FOUND", "network NAME not found"),
  inspectVolume: nothing("VOLUME_NOT_FOUND", "get NAME: no such volume"),
};

const useCases = {
  ...others,
  async inspectImage(_engine: unknown, name: string) {
    if (name === "BAD::") throw new LadeError("REFERENCE_INVALID", "invalid reference format");
    if (name === "twice") throw new LadeError("IMAGE_AMBIGUOUS", "multiple IDs found: twice");
    if (name === "nope") throw new LadeError("IMAGE_NOT_FOUND", "No such image: nope:latest");
    return document;
  },
};

const inspect = (...argv: string[]) => run(["inspect", ...argv], { useCases });
const imageInspect = (...argv: string[]) => run(["image", "inspect", ...argv], { useCases });

test("inspect shows an array of documents, four spaces a level", async () => {
  const { code, stdout } = await inspect("hello");
  assert.equal(code, 0);
  assert.equal(stdout, `${JSON.stringify([document], undefined, 4)}\n`);
  assert.ok(stdout.includes('"RepoDigests": [],\n'));
  assert.ok(stdout.includes("a && b"));
  const two = await inspect("hello", "again");
  assert.equal(JSON.parse(two.stdout).length, 2);
});

test("inspect --format json is one line", async () => {
  assert.equal((await inspect("-f", "json", "x")).stdout, `${JSON.stringify([document])}\n`);
});

test("inspect of what is not there shows an empty array and fails", async () => {
  for (const name of ["nope", "BAD::"]) {
    const { code, stdout, stderr } = await inspect(name);
    assert.equal(stdout, "[]\n");
    assert.equal(stderr, `error: no such object: ${name}\n`);
    assert.equal(code, 1);
  }
  const image = await imageInspect("nope");
  assert.equal(image.stdout, "[]\n");
  assert.equal(image.stderr, "Error response from daemon: No such image: nope:latest\n");
  assert.equal(image.code, 1);
  const ambiguous = await inspect("twice");
  assert.equal(ambiguous.stderr, "Error response from daemon: multiple IDs found: twice\n");
});

test("inspect shows what it finds and fails with the rest", async () => {
  const { code, stdout, stderr } = await imageInspect("-f", "{{.Os}}", "a", "nope", "b");
  assert.equal(stdout, "linux\nlinux\n");
  assert.equal(stderr, "Error response from daemon: No such image: nope:latest\n");
  assert.equal(code, 1);
  const none = await inspect("-f", "{{.Os}}", "nope");
  assert.equal(none.stdout, "\n");
});

test("templates see Go's names, else JSON's, but not both at once", async () => {
  const cases: [string, string][] = [
    ["{{.Id}}", idA],
    ["{{.ID}}", idA],
    ["{{.Size}}", "1982256"],
    ["{{.RepoTags}}", "[hello:v1]"],
    ["{{json .Config.Cmd}}", '["sh","-c","a && b"]'],
    ['{{index .Config.Labels "a"}}', "b"],
    ['{{index .Config.Labels "gone"}}', ""],
    ["{{.Config.Labels.gone}}", "<no value>"],
    ["{{.Author}}", ""],
    ["{{.Config.User}}", ""],
    ["{{len .Config.Env}}", "0"],
    ["{{range .RootFS.Layers}}{{.}};{{end}}", "sha256:22;"],
    ["{{with .Config.Healthcheck}}yes{{else}}no{{end}}", "no"],
    ["{{json .}}", JSON.stringify(document)],
    ["{{json .Config}}", JSON.stringify(document.Config)],
  ];
  for (const [template, text] of cases) {
    const { stdout, stderr } = await inspect("-f", template, "x");
    assert.equal(stdout + stderr, `${text}\n`, template);
  }
  const both = await inspect("-f", "{{.Id}} {{.ID}}", "x");
  assert.equal(both.stdout, "\n");
  assert.equal(
    both.stderr,
    'template parsing error: template: :1:10: executing "" at <.ID>: map has no entry for key "ID"\n',
  );
  assert.equal(both.code, 1);
});

test("a template that can't be parsed exits with 64, before anything is looked up", async () => {
  for (const execute of [inspect, imageInspect]) {
    const { code, stdout, stderr, opened } = await execute("-f", "{{", "nope");
    assert.equal(code, 64);
    assert.equal(stdout, "");
    assert.equal(stderr, "template parsing error: template: :1: unclosed action\n");
    assert.deepEqual(opened, []);
  }
});

test("inspect --type knows Docker's kinds of things, and has images", async () => {
  assert.equal((await inspect("--type", "image", "x")).code, 0);
  const daemon = "Error response from daemon: ";
  const cases: [string, string][] = [
    ["image", `${daemon}No such image: nope:latest`],
    ["container", `${daemon}No such container: nope`],
    ["volume", `${daemon}get nope: no such volume`],
    ["network", `${daemon}network nope not found`],
    ["plugin", `${daemon}plugin "nope" not found`],
    ["service", `${daemon}No such service: nope`],
  ];
  for (const [type, message] of cases) {
    const { code, stdout, stderr } = await inspect("--type", type, "nope");
    assert.equal(stdout, "[]\n");
    assert.equal(stderr, `${message}\n`);
    assert.equal(code, 1);
  }
  const all =
    'must be one of "config", "container", "image", "network", "node", "plugin", "secret", ' +
    '"service", "task", "volume"\n';
  assert.equal((await inspect("--type", "foo", "x")).stderr, `unknown type: "foo": ${all}`);
  assert.equal((await inspect("--type=", "x")).stderr, `type is empty: ${all}`);
});

test("inspect --size says that images have none", async () => {
  const { stderr, code } = await inspect("-s", "x");
  assert.equal(stderr, "WARNING: --size ignored for image\n");
  assert.equal(code, 0);
});

test("what an image says of itself can't drive the terminal", async () => {
  const evil = { ...document, Comment: "\u001b[2J\u009b" };
  const options = {
    useCases: { ...others, inspectImage: async () => evil },
    stdout: { isTerminal: true },
  };
  assert.equal(
    (await run(["inspect", "-f", "{{.Comment}}", "x"], options)).stdout,
    "\\x1b[2J\\x9b\n",
  );
  const { stdout } = await run(["inspect", "x"], options);
  assert.ok(!/(?!\n)\p{Cc}/u.test(stdout));
  assert.deepEqual(JSON.parse(stdout), [evil]);
});

test("json keeps the document's order of fields, and sorts maps", async () => {
  const config = { User: "", Env: null, Cmd: null, Labels: { b: "1", a: "2" } };
  const whole = { Id: idA, Container: "", ContainerConfig: config, Config: config, Size: 1 };
  const options = { useCases: { ...others, inspectImage: async () => whole } };
  const { stdout } = await run(["inspect", "-f", "{{json .}}", "x"], options);
  const sorted = { ...config, Labels: { a: "2", b: "1" } };
  assert.equal(
    stdout,
    `${JSON.stringify({ ...whole, ContainerConfig: sorted, Config: sorted })}\n`,
  );
});
