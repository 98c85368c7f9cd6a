// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { chooseAddress, firstGateway, toPrefix } from "../../src/content/address-pools.ts";
import {
  formatIpAddress,
  lastAddress,
  maskedPrefix,
  parseIpAddress,
  prefixContains,
} from "../../src/spec/ip-address.ts";

const pool = (subnet: string, ipRange?: string, gateway?: string) => ({
  subnet,
  ipRange,
  gateway: gateway ?? firstGateway(toPrefix(subnet), ipRange ? toPrefix(ipRange) : undefined),
  isChosen: false,
});

test("addresses are given in Docker's order: the gateway first, then the first that is free", () => {
  const network = pool("172.17.0.0/16");
  assert.equal(network.gateway, "172.17.0.1");
  const used = new Set<string>();
  const take = () => {
    const address = chooseAddress({ pool: network, used });
    if (address !== undefined) used.add(address);
    return address;
  };
  assert.deepEqual([take(), take(), take()], ["172.17.0.2", "172.17.0.3", "172.17.0.4"]);
  used.delete("172.17.0.3");
  assert.equal(take(), "172.17.0.3");
  assert.equal(chooseAddress({ pool: network, used, asked: "172.17.3.9" }), "172.17.3.9");
  for (const asked of ["172.17.0.1", "172.17.0.0", "172.17.255.255", "172.17.0.4"]) {
    const call = () => chooseAddress({ pool: network, used, asked });
    assert.throws(call, { code: "NETWORK_IN_USE", message: "Address already in use" }, asked);
  }
  // Docker's gateway of a range is its first address, even one that ends in 0.
  assert.equal(pool("172.28.0.0/16", "172.28.5.0/24").gateway, "172.28.5.0");
  assert.equal(pool("fd00:1::/64").gateway, "fd00:1::1");
});

test("a pool gives every usable address once, and then no more", () => {
  const small = fc.record({
    bits: fc.integer({ min: 26, max: 30 }),
    base: fc.ipV4(),
    auxiliary: fc.integer({ min: 1, max: 60 }),
  });
  fc.assert(
    fc.property(small, fc.boolean(), ({ bits, base, auxiliary }, hasAuxiliary) => {
      const prefix = maskedPrefix(toPrefix(`${base}/${bits}`));
      const { family, value } = prefix.address;
      const text = `${formatIpAddress(prefix.address)}/${bits}`;
      const spare = formatIpAddress({ family, value: value + BigInt(auxiliary) });
      const network = {
        ...pool(text),
        ...(hasAuxiliary && { auxiliary: { spare } }),
      };
      const used = new Set<string>();
      for (;;) {
        const address = chooseAddress({ pool: network, used });
        if (address === undefined) break;
        assert.equal(used.has(address), false);
        used.add(address);
      }
      const reserved = new Set([
        formatIpAddress(prefix.address),
        formatIpAddress(lastAddress(prefix)),
        network.gateway,
      ]);
      const parsed = parseIpAddress(spare);
      if (hasAuxiliary && parsed && prefixContains(prefix, parsed)) reserved.add(spare);
      assert.equal(used.size, 2 ** (32 - bits) - reserved.size);
      for (const address of reserved) assert.equal(used.has(address), false);
    }),
  );
});
