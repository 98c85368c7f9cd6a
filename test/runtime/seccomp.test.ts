// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultCapabilities, knownCapabilities } from "../../src/runtime/spec/capabilities.ts";
import { buildSeccomp, type SeccompContext } from "../../src/runtime/spec/seccomp.ts";

const context: SeccompContext = {
  capabilities: defaultCapabilities,
  architecture: "amd64",
  kernel: { major: 6, minor: 1 },
};

function rulesOf(name: string, more: Partial<SeccompContext> = {}) {
  const rules = buildSeccomp(undefined, { ...context, ...more })?.syscalls ?? [];
  return rules
    .filter(({ names }) => names.includes(name))
    .map(({ action, args = [] }) =>
      [action, ...args.map(({ op, value }) => `${op} ${value}`)].join(),
    );
}

describe("the default profile", () => {
  it("names each call once for each condition", () => {
    for (const capabilities of [defaultCapabilities, []]) {
      const rules = buildSeccomp(undefined, { ...context, capabilities })?.syscalls ?? [];
      const seen = rules.flatMap(({ names, args }) =>
        names.map((name) => name + JSON.stringify(args)),
      );
      assert.equal(new Set(seen).size, seen.length);
    }
  });

  it("depends on capabilities", () => {
    assert.deepEqual(rulesOf("mount"), []);
    assert.deepEqual(rulesOf("mount", { capabilities: knownCapabilities }), ["SCMP_ACT_ALLOW"]);
    assert.deepEqual(rulesOf("chroot"), ["SCMP_ACT_ALLOW"]);
    assert.deepEqual(rulesOf("chroot", { capabilities: [] }), []);
    assert.deepEqual(rulesOf("clone3"), ["SCMP_ACT_ERRNO"]);
    assert.deepEqual(rulesOf("clone"), ["SCMP_ACT_ALLOW,SCMP_CMP_MASKED_EQ 2114060288"]);
    const admin = { capabilities: ["CAP_SYS_ADMIN"] };
    assert.deepEqual(rulesOf("clone", admin), ["SCMP_ACT_ALLOW"]);
    assert.deepEqual(rulesOf("clone3", admin), ["SCMP_ACT_ALLOW"]);
  });

  it("depends on the machine", () => {
    assert.deepEqual(rulesOf("ptrace"), ["SCMP_ACT_ALLOW"]);
    assert.deepEqual(rulesOf("ptrace", { kernel: { major: 4, minor: 7 } }), []);
    assert.deepEqual(rulesOf("arch_prctl"), ["SCMP_ACT_ALLOW"]);
    assert.deepEqual(rulesOf("arch_prctl", { architecture: "arm64" }), []);
    assert.equal(rulesOf("set_tls", { architecture: "arm64" }).length, 1);
    const architectures = (architecture: string) =>
      buildSeccomp(undefined, { ...context, architecture })?.architectures;
    assert.deepEqual(architectures("amd64"), [
      "SCMP_ARCH_X86_64",
      "SCMP_ARCH_X86",
      "SCMP_ARCH_X32",
    ]);
    assert.deepEqual(architectures("arm64"), ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]);
    assert.equal(architectures("ppc64le"), undefined);
  });

  it("lets no socket be made that passes the network namespace", () => {
    assert.deepEqual(rulesOf("socket"), [
      "SCMP_ACT_ALLOW,SCMP_CMP_LT 38",
      "SCMP_ACT_ALLOW,SCMP_CMP_EQ 39",
      "SCMP_ACT_ALLOW,SCMP_CMP_GT 40",
    ]);
  });
});

describe("a profile of the user's", () => {
  const build = (profile: unknown) => buildSeccomp(JSON.stringify(profile), context);

  it("is read with its conditions", () => {
    const seccomp = build({
      defaultAction: "SCMP_ACT_ALLOW",
      defaultErrnoRet: 1,
      archMap: [{ architecture: "SCMP_ARCH_X86_64", subArchitectures: null }],
      syscalls: [
        { name: "mkdir", action: "SCMP_ACT_ERRNO", errnoRet: 5 },
        { names: ["a"], action: "SCMP_ACT_ERRNO", includes: { caps: ["CAP_SYS_ADMIN"] } },
        { names: ["b"], action: "SCMP_ACT_ERRNO", excludes: { minKernel: "5.0" } },
        {
          names: ["c"],
          action: "SCMP_ACT_ERRNO",
          args: [{ index: 0, value: 1, op: "SCMP_CMP_EQ" }],
          comment: "x",
        },
      ],
    });
    assert.deepEqual(seccomp, {
      defaultAction: "SCMP_ACT_ALLOW",
      defaultErrnoRet: 1,
      architectures: ["SCMP_ARCH_X86_64"],
      syscalls: [
        { names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 5 },
        {
          names: ["c"],
          action: "SCMP_ACT_ERRNO",
          args: [{ index: 0, value: 1, op: "SCMP_CMP_EQ" }],
        },
      ],
    });
  });

  it("may say nothing", () => {
    assert.equal(build({}), undefined);
    assert.equal(buildSeccomp("unconfined", context), undefined);
    assert.deepEqual(buildSeccomp("builtin", context), buildSeccomp(undefined, context));
  });

  it("is refused where it is none", () => {
    for (const [profile, message] of [
      ["", /Decoding seccomp profile failed/],
      ["{", /Decoding seccomp profile failed/],
      ["[]", /Decoding seccomp profile failed/],
      ['{"syscalls":[{"names":[1],"action":"x"}]}', /syscalls\.0\.names\.0/],
      [
        '{"defaultAction":"a","syscalls":[{"name":"x","names":["y"],"action":"z"}]}',
        /use either 'name'/,
      ],
      [
        '{"defaultAction":"a","architectures":["x"],"archMap":[{"architecture":"y"}]}',
        /use either/,
      ],
      [
        '{"defaultAction":"a","syscalls":[{"names":["x"],"action":"a","includes":{"minKernel":"five"}}]}',
        /minKernel/,
      ],
    ] as const) {
      assert.throws(() => buildSeccomp(profile, context), { code: "CONTAINER_INVALID", message });
    }
    assert.throws(() => build({ defaultAction: "a", listenerPath: "/x" }), { code: "UNSUPPORTED" });
  });
});
