// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { isIPv4, isIPv6 } from "node:net";
import test from "node:test";
import fc from "fast-check";
import {
  formatIpAddress,
  formatIpPrefix,
  lastAddress,
  macOfAddress,
  maskedPrefix,
  parseIpAddress,
  parseIpPrefix,
  prefixContains,
  prefixesOverlap,
} from "../../src/spec/ip-address.ts";

test("addresses of both families survive a round trip", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const address = parseIpAddress(text);
      assert.ok(address, text);
      const shown = formatIpAddress(address);
      assert.equal(address.family === 4 ? isIPv4(shown) : isIPv6(shown), true);
      assert.deepEqual(parseIpAddress(shown), address);
    }),
  );
});

test("what Node takes for an address is one here, and nothing else", () => {
  const pieces = fc.constantFrom("0", "1", "255", "256", "01", "f", "ffff", "g", ".", ":", "::");
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 17 }), (words) => {
      const text = words.join("");
      assert.equal(parseIpAddress(text) !== undefined, isIPv4(text) || isIPv6(text), text);
    }),
    { numRuns: 2000 },
  );
});

test("IPv6 is written in its shortest form", () => {
  const shown = (text: string): string => {
    const address = parseIpAddress(text);
    assert.ok(address);
    return formatIpAddress(address);
  };
  assert.equal(shown("2001:DB8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
  assert.equal(shown("0:0:0:0:0:0:0:0"), "::");
  assert.equal(shown("1:0:2:3:4:5:6:7"), "1:0:2:3:4:5:6:7");
  assert.equal(shown("::ffff:10.0.0.1"), "::ffff:a00:1");
});

const prefix = (text: string) => {
  const parsed = parseIpPrefix(text);
  assert.ok(parsed, text);
  return parsed;
};
const address = (text: string) => {
  const parsed = parseIpAddress(text);
  assert.ok(parsed, text);
  return parsed;
};

test("prefixes: masks, ends, membership and overlap", () => {
  assert.equal(formatIpPrefix(maskedPrefix(prefix("172.17.3.4/16"))), "172.17.0.0/16");
  assert.equal(formatIpAddress(lastAddress(prefix("172.17.3.4/16"))), "172.17.255.255");
  assert.equal(prefixContains(prefix("10.0.0.0/24"), address("10.0.0.255")), true);
  assert.equal(prefixContains(prefix("10.0.0.0/24"), address("10.0.1.0")), false);
  assert.equal(prefixContains(prefix("0.0.0.0/0"), address("::1")), false);
  assert.equal(prefixesOverlap(prefix("172.16.0.0/12"), prefix("172.17.0.0/16")), true);
  assert.equal(prefixesOverlap(prefix("172.18.0.0/16"), prefix("172.17.0.0/16")), false);
  for (const text of ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/08", "10.0.0/24", "::/129", "/8"]) {
    assert.equal(parseIpPrefix(text), undefined, text);
  }
});

test("the MAC address of an endpoint is Docker's", () => {
  assert.equal(macOfAddress(address("172.17.0.2")), "02:42:ac:11:00:02");
});
