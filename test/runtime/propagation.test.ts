// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canFollowHost, checkPropagation } from "../../src/runtime/propagation.ts";

const mountInfo = `21 1 254:0 / / rw,relatime - ext4 /dev/vda rw
22 21 0:20 / /usr rw shared:5 - tmpfs x rw
23 21 0:21 / /etc rw master:6 propagate_from:2 - tmpfs x rw
24 21 0:22 / /root\\040x rw - tmpfs x rw
`;

function check(source: string, propagation: string): void {
  const mount = { type: "bind", source, destination: "/x", propagation } as const;
  checkPropagation([mount], () => mountInfo);
}

describe("checkPropagation", () => {
  it("lets pass what the source can do", () => {
    check("/", "rprivate");
    check("/", "");
    check("/usr", "shared");
    check("/usr/bin", "rslave");
    check("/etc/passwd", "slave");
  });

  it("refuses the rest in Docker's words", () => {
    for (const [source, propagation, message] of [
      ["/", "rshared", "path / is mounted on / but it is not a shared mount"],
      ["/etc", "shared", "path /etc is mounted on /etc but it is not a shared mount"],
      ["/proc", "rslave", "path /proc is mounted on / but it is not a shared or slave mount"],
    ] as const) {
      assert.throws(() => check(source, propagation), { code: "CONTAINER_INVALID", message });
    }
  });
});

describe("canFollowHost", () => {
  it("is true below mounts that are shared or slaves", () => {
    const paths = ["/", "/proc", "/usr/bin", "/etc"];
    const can = paths.filter((path) => canFollowHost(path, () => mountInfo));
    assert.deepEqual(can, ["/usr/bin", "/etc"]);
  });
});
