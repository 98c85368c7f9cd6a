// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeEngine, noSuchContainer } from "./fake-engine.ts";

test("what acts on several containers names each, and fails with the rest", async () => {
  const commands = [
    ["kill", "killContainer"],
    ["pause", "pauseContainer"],
    ["restart", "restartContainer"],
    ["rm", "removeContainer"],
    ["stop", "stopContainer"],
    ["unpause", "unpauseContainer"],
  ] as const;
  for (const [name, useCase] of commands) {
    for (const path of [[name], ["container", name]]) {
      const engine = fakeEngine({ [useCase]: undefined });
      const { code, stdout, stderr } = await engine.run([...path, "a", "nope", "b"]);
      assert.equal(stdout, "a\nb\n", name);
      assert.equal(stderr, noSuchContainer, name);
      assert.equal(code, 1);
      assert.deepEqual(
        engine.calls.map(([, container]) => container),
        ["a", "nope", "b"],
      );
    }
  }
});

test("containers are stopped side by side, and named in the order given", async () => {
  let waiting = 0;
  let most = 0;
  const engine = fakeEngine({
    async stopContainer(name: string) {
      most = Math.max(most, ++waiting);
      await new Promise((resolve) => setTimeout(resolve, name === "a" ? 20 : 1));
      waiting--;
    },
  });
  assert.equal((await engine.run(["stop", "a", "b", "c"])).stdout, "a\nb\nc\n");
  assert.equal(most, 3);
});

test("signals and times are handed on", async () => {
  const asked = async (...argv: string[]) => {
    const engine = fakeEngine({
      killContainer: undefined,
      stopContainer: undefined,
      restartContainer: undefined,
    });
    const result = await engine.run([...argv, "a"]);
    return { call: engine.calls[0]?.slice(2), ...result };
  };
  assert.deepEqual((await asked("kill")).call, [undefined]);
  assert.deepEqual((await asked("kill", "-s", "HUP")).call, ["HUP"]);
  const none = { signal: undefined, timeoutSeconds: undefined };
  for (const command of ["stop", "restart"]) {
    assert.deepEqual((await asked(command)).call, [none]);
    assert.deepEqual((await asked(command, "-t", "0")).call, [{ ...none, timeoutSeconds: 0 }]);
    assert.deepEqual((await asked(command, "-t", "-1")).call, [{ ...none, timeoutSeconds: -1 }]);
    assert.deepEqual((await asked(command, "-s", "INT")).call, [{ ...none, signal: "INT" }]);
    const old = await asked(command, "--time", "3");
    assert.deepEqual(old.call, [{ ...none, timeoutSeconds: 3 }]);
    assert.equal(old.stdout, "Flag --time has been deprecated, use --timeout instead\na\n");
    const both = await asked(command, "--time", "3", "-t", "4");
    assert.equal(both.stderr, "conflicting options: cannot specify both --timeout and --time\n");
  }
});

test("rm takes its options, and -f has nothing to do where nothing is", async () => {
  const engine = fakeEngine({ removeContainer: undefined });
  assert.equal((await engine.run(["rm", "-fvl", "/a/"])).stdout, "/a/\n");
  assert.deepEqual(engine.calls, [
    ["removeContainer", "a", { force: true, link: true, volumes: true }],
  ]);
  const forced = await engine.run(["container", "remove", "-f", "nope", "b"]);
  assert.equal(forced.stdout, "b\n");
  assert.equal(forced.stderr, noSuchContainer);
  assert.equal(forced.code, 0);
  const nameless = await engine.run(["rm", "/"]);
  assert.equal(nameless.stderr, "container name cannot be empty\n");
  assert.equal(nameless.code, 1);
});

test("wait prints exit codes", async () => {
  const engine = fakeEngine({ waitContainer: (name: string) => ({ exitCode: name.length }) });
  const { stdout, stderr, code } = await engine.run(["wait", "abc", "nope", "abcd"]);
  assert.equal(stdout, "3\n4\n");
  assert.equal(stderr, noSuchContainer);
  assert.equal(code, 1);
});

test("start starts all it can", async () => {
  const engine = fakeEngine({ startContainer: { warnings: ["careful"] } });
  const { stdout, stderr, code } = await engine.run(["start", "a", "nope", "b"]);
  assert.equal(stdout, "a\nb\n");
  assert.equal(
    stderr,
    `WARNING: careful\n${noSuchContainer}WARNING: careful\nfailed to start containers: nope\n`,
  );
  assert.equal(code, 1);
  const many = await engine.run(["start", "-a", "a", "b"]);
  assert.equal(many.stderr, "you cannot start and attach multiple containers at once\n");
  const refused = await engine.run(["start", "--checkpoint", "x", "a"]);
  assert.equal(refused.code, 125);
  assert.match(refused.stderr, /^flag is not supported: --checkpoint: /);
});

test("rename needs both names", async () => {
  const engine = fakeEngine({ renameContainer: undefined });
  assert.deepEqual((await engine.run(["rename", " a ", "b"])).code, 0);
  assert.deepEqual(engine.calls, [["renameContainer", "a", "b"]]);
  assert.equal(
    (await engine.run(["rename", "a", ""])).stderr,
    "Error: Neither old nor new names may be empty\n",
  );
  assert.equal(
    (await engine.run(["rename", "nope", "b"])).stderr,
    `${noSuchContainer}Error: failed to rename container named nope\n`,
  );
});

test("update changes what is given", async () => {
  const engine = fakeEngine({ updateContainer: { warnings: ["w1"] } });
  const { stdout, code } = await engine.run([
    "update",
    ...["-m", "5m", "--cpus", "1.5", "--restart", "on-failure:3", "--pids-limit", "-1"],
    ...["a", "b"],
  ]);
  assert.equal(stdout, "a\nb\nw1\nw1\n");
  assert.equal(code, 0);
  assert.deepEqual(engine.calls[0], [
    "updateContainer",
    "a",
    {
      Memory: 5 * 1024 * 1024,
      NanoCpus: 1.5e9,
      PidsLimit: -1,
      RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
    },
  ]);
  assert.equal(
    (await engine.run(["update", "a"])).stderr,
    "you must provide one or more flags when using this command\n",
  );
  assert.equal(
    (await engine.run(["update", "--restart", "a:b", "x"])).stderr,
    "invalid restart policy format: maximum retry count must be an integer\n",
  );
  const failed = await engine.run(["update", "-m", "5m", "nope"]);
  assert.equal(failed.stderr, noSuchContainer);
  assert.equal(failed.code, 1);
});

test("prune asks first, then tells what went", async () => {
  const engine = fakeEngine({
    pruneContainers: { containersDeleted: ["a", "b"], spaceReclaimed: 1234 },
    pruneVolumes: { volumesDeleted: ["v"], spaceReclaimed: 5 },
    pruneNetworks: { networksDeleted: ["n1"] },
    pruneImages: { removed: [{ type: "deleted", id: "sha256:1" }], spaceReclaimed: 1 },
  });
  const containers = "Deleted Containers:\na\nb\n\n";
  assert.equal(
    (await engine.run(["container", "prune", "-f"])).stdout,
    `${containers}Total reclaimed space: 1.234kB\n`,
  );
  assert.equal(
    (await engine.run(["volume", "prune", "-f"])).stdout,
    "Deleted Volumes:\nv\n\nTotal reclaimed space: 5B\n",
  );
  assert.equal((await engine.run(["network", "prune", "-f"])).stdout, "Deleted Networks:\nn1\n\n");
  assert.equal(
    (await engine.run(["system", "prune", "-f", "--volumes"])).stdout,
    `${containers}Deleted Networks:\nn1\n\nDeleted Volumes:\nv\n\n` +
      "Deleted Images:\ndeleted: sha256:1\n\nTotal reclaimed space: 1.24kB\n",
  );
  engine.calls.length = 0;
  const declined = await engine.run(["container", "prune"], { stdin: { lines: ["n"] } });
  assert.equal(
    declined.stdout,
    "WARNING! This will remove all stopped containers.\n" +
      "Are you sure you want to continue? [y/N] ",
  );
  assert.equal(declined.code, 0);
  assert.deepEqual(engine.calls, []);
  const asked = await engine.run(["system", "prune", "-a", "--filter", "label=x"], {
    stdin: { lines: ["y"] },
  });
  assert.ok(
    asked.stdout.startsWith(
      "WARNING! This will remove:\n" +
        "  - all stopped containers\n" +
        "  - all networks not used by at least one container\n" +
        "  - all images without at least one container associated to them\n" +
        "\n  Items to be pruned will be filtered with:\n  - label=x\n\n" +
        "Are you sure you want to continue? [y/N] Deleted",
    ),
    asked.stdout,
  );
  await engine.run(["volume", "prune", "-af"]);
  assert.deepEqual(engine.calls.at(-1), ["pruneVolumes", [{ key: "all", value: "true" }]]);
});
