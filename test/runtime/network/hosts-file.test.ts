// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import fc from "fast-check";
import {
  formatHosts,
  ownNames,
  updateNeighbours,
  withNeighbours,
} from "../../../src/runtime/network/hosts-file.ts";
import { formatResolvConf } from "../../../src/runtime/network/resolv-conf.ts";

test("hosts: Docker's lines for localhost, extra hosts, then the container's own", () => {
  const hosts = formatHosts({
    extra: [{ address: "10.0.0.1", names: ["somewhere"] }],
    own: [{ address: "172.17.0.2", names: ownNames("web.example", "") }],
    hasIpv6: true,
  });
  assert.equal(
    hosts,
    [
      "127.0.0.1\tlocalhost",
      "::1\tlocalhost ip6-localhost ip6-loopback",
      "fe00::\tip6-localnet",
      "ff00::\tip6-mcastprefix",
      "ff02::1\tip6-allnodes",
      "ff02::2\tip6-allrouters",
      "10.0.0.1\tsomewhere",
      "172.17.0.2\tweb.example web",
      "",
    ].join("\n"),
  );
  assert.deepEqual(ownNames("web", "example.org"), ["web.example.org", "web"]);
  assert.equal(formatHosts({ extra: [], own: [], hasIpv6: false }), "127.0.0.1\tlocalhost\n");
});

test("neighbours come and go, and what the container wrote around them stays", () => {
  const line = fc.stringMatching(/^[a-z0-9 .]{0,20}$/);
  const neighbours = fc.array(
    fc.record({ address: fc.ipV4(), names: fc.array(fc.constantFrom("a", "b"), { minLength: 1 }) }),
    { maxLength: 3 },
  );
  fc.assert(
    fc.property(fc.array(line), fc.array(line), neighbours, neighbours, (head, tail, one, two) => {
      const start = head.map((text) => `${text}\n`).join("");
      const end = tail.map((text) => `${text}\n`).join("");
      const first = withNeighbours(start, one) + end;
      assert.equal(withNeighbours(withNeighbours(first, two), []), start + end);
      for (const { address, names } of two) {
        const expected = `${address}\t${names.join(" ")}\n`;
        assert.equal(withNeighbours(first, two).includes(expected), true);
      }
    }),
  );
});

test("a hosts file is rewritten in place, and not at all where it is huge or gone", () => {
  const folder = mkdtempSync(join(tmpdir(), "lade-hosts-"));
  try {
    const path = join(folder, "hosts");
    const neighbours = [{ address: "10.0.0.2", names: ["db"] }];
    updateNeighbours(path, neighbours);
    assert.throws(() => readFileSync(path), { code: "ENOENT" });
    writeFileSync(path, "x".repeat(2 * 1024 * 1024));
    updateNeighbours(path, neighbours);
    assert.equal(readFileSync(path, "utf8").includes("db"), false);
    writeFileSync(path, "127.0.0.1\tlocalhost");
    updateNeighbours(path, neighbours);
    assert.match(
      readFileSync(path, "utf8"),
      /^127\.0\.0\.1\tlocalhost\n#.*\n10\.0\.0\.2\tdb\n#.*\n$/,
    );
    updateNeighbours(path, []);
    assert.equal(readFileSync(path, "utf8"), "127.0.0.1\tlocalhost\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const plain = {
  nameservers: [],
  search: [],
  options: [],
  isOwnNetwork: true,
  hasIpv6: false,
};

test("resolv.conf: the host's, without servers that a container can't reach", () => {
  const host = [
    "# made by hand",
    "nameserver 127.0.0.1",
    "nameserver 10.0.0.53",
    "nameserver fd00::53",
    "nameserver fe80::1%eth0",
    "domain old.example",
    "search example.com example.org",
    "options edns0",
    "options ndots:2",
    "sortlist 10.0.0.0",
    "",
  ].join("\n");
  assert.equal(
    formatResolvConf(host, plain),
    "nameserver 10.0.0.53\nsearch example.com example.org\noptions edns0 ndots:2\nsortlist 10.0.0.0\n",
  );
  assert.match(formatResolvConf(host, { ...plain, hasIpv6: true }), /^nameserver fd00::53$/m);
  assert.match(
    formatResolvConf(host, { ...plain, isOwnNetwork: false }),
    /^nameserver 127\.0\.0\.1$/m,
  );
  assert.equal(
    formatResolvConf("nameserver 127.0.0.53\n", plain),
    "nameserver 8.8.8.8\nnameserver 8.8.4.4\n",
  );
  const asked = { ...plain, nameservers: ["127.0.0.1"], search: ["."], options: ["rotate"] };
  assert.equal(
    formatResolvConf(host, asked),
    "nameserver 127.0.0.1\noptions rotate\nsortlist 10.0.0.0\n",
  );
});
