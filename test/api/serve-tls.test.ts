// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { serveFolder, startServe } from "../helpers/serve-process.ts";
import { requireTool, run } from "../helpers/tools.ts";

/** An authority, and a key and certificate for each name that it signed. */
async function makeCertificates(folder: string, authority: string, names: readonly string[]) {
  requireTool("openssl", "openssl");
  const at = (name: string) => join(folder, name);
  const openssl = async (...words: string[]) => {
    const { code, stderr } = await run("openssl", words);
    assert.equal(code, 0, stderr);
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const ca = ["-keyout", at(`${authority}.key`), "-out", at(`${authority}.pem`)];
  await openssl("req", "-x509", ...key, "-days", "2", "-subj", `/CN=${authority}`, ...ca);
  for (const name of names) {
    const request = ["-keyout", at(`${name}.key`), "-out", at(`${name}.csr`)];
    await openssl("req", "-new", ...key, "-subj", `/CN=${name}`, ...request);
    fs.writeFileSync(at("ext"), "subjectAltName=IP:127.0.0.1\n");
    const signer = [
      "-CA",
      at(`${authority}.pem`),
      "-CAkey",
      at(`${authority}.key`),
      "-CAcreateserial",
    ];
    const files = ["-in", at(`${name}.csr`), "-out", at(`${name}.pem`), "-extfile", at("ext")];
    await openssl("x509", "-req", "-days", "2", ...signer, ...files);
  }
}

test("TCP lets in who has a certificate of the authority's, and nobody else", async () => {
  using folder = serveFolder();
  const at = (name: string) => join(folder.path, name);
  await makeCertificates(folder.path, "ca", ["server", "client"]);
  await makeCertificates(folder.path, "evil", ["stranger"]);
  const tls = (name: string) => [
    ...["--tlsverify", `--tlscacert=${at("ca.pem")}`],
    ...[`--tlscert=${at(`${name}.pem`)}`, `--tlskey=${at(`${name}.key`)}`],
  ];
  await using serve = startServe(folder.env, "serve", "-H", "tcp://127.0.0.1:0", ...tls("server"));
  await serve.says("API listen on 127.0.0.1:");
  const host = /API listen on ([\d.:]+)/.exec(serve.output())?.[1] ?? "";
  const docker = (...words: string[]) =>
    run("/usr/bin/docker", ["-H", `tcp://${host}`, ...words, "version", "-f", "{{.Server.Os}}"]);
  const known = await docker(...tls("client"));
  assert.deepEqual([known.code, known.stdout], [0, "linux\n"], known.stderr);
  const stranger = await docker(...tls("stranger"));
  assert.deepEqual([stranger.code, stranger.stdout.trim()], [1, ""]);
  const bare = await docker("--tls", `--tlscacert=${at("ca.pem")}`);
  assert.equal(bare.code, 1);
  const plain = await docker();
  assert.equal(plain.code, 1);
  assert.equal((await docker(...tls("client"))).code, 0);
  serve.child.kill("SIGTERM");
  assert.equal(await serve.exit(), 0);
});

test("keys that do not belong to the certificate, and files that are not there", async () => {
  using folder = serveFolder();
  const at = (name: string) => join(folder.path, name);
  await makeCertificates(folder.path, "ca", ["server", "other"]);
  const host = ["serve", "-H", "tcp://127.0.0.1:0", "--tlsverify"];
  const ca = ["--tlscacert", at("ca.pem"), "--tlscert", at("server.pem")];
  await using wrong = startServe(folder.env, ...host, ...ca, "--tlskey", at("other.key"));
  assert.equal(await wrong.exit(), 1);
  assert.match(wrong.output(), /could not load X509 key pair/);
  await using missing = startServe(folder.env, ...host, ...ca, "--tlskey", at("no.key"));
  assert.equal(await missing.exit(), 1);
  assert.match(missing.output(), /could not read private key .*no\.key: no such file or directory/);
});
