// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import type { StatsDocument } from "../../../src/cli/format/stats-view.ts";
import { containerId, summary } from "./documents.ts";
import { fakeEngine, noSuchContainer } from "./fake-engine.ts";

const MiB = 1024 * 1024;

/** A sample after so many seconds of a container that takes half of one of two CPUs. */
function sampleAfter(seconds: number): StatsDocument {
  return {
    id: containerId,
    name: "/web",
    cpu_stats: {
      cpu_usage: { total_usage: seconds * 0.5e9 },
      system_cpu_usage: seconds * 2e9,
      online_cpus: 2,
    },
    memory_stats: {
      usage: 12 * MiB,
      limit: 1024 * MiB,
      stats: { total_inactive_file: 2 * MiB },
    },
    blkio_stats: {
      io_service_bytes_recursive: [
        { op: "Read", value: 1_000_000 },
        { op: "write", value: 500 },
        { op: "Sync", value: 7 },
      ],
    },
    pids_stats: { current: 3 },
    networks: {
      eth0: { rx_bytes: 1000, tx_bytes: 2 },
      eth1: { rx_bytes: 500, tx_bytes: 3 },
    },
  };
}

function engineWithSamples() {
  let seconds = 1;
  return fakeEngine({
    listContainers: [summary],
    statsContainer: () => sampleAfter(seconds++),
  });
}

const table =
  "CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT   MEM %     NET I/O        BLOCK I/O    PIDS\n" +
  "0123456789ab   web       50.00%    10MiB / 1GiB        0.98%     1.5kB / 5B     1MB / 500B   3\n";

test("stats --no-stream shows what containers use in Docker's table", async () => {
  const engine = engineWithSamples();
  const { stdout, code } = await engine.run(["stats", "--no-stream"]);
  assert.equal(stdout.replaceAll(/ +/g, " "), table.replaceAll(/ +/g, " "));
  assert.equal(code, 0);
  assert.deepEqual(engine.calls[0], ["listContainers", { all: false }]);
  assert.deepEqual(engine.calls[1], ["statsContainer", "0123456789ab"]);
});

test("stats takes names and templates", async () => {
  const format =
    "{{.Container}} {{.Name}} {{.ID}} {{.CPUPerc}} {{.MemUsage}} {{.MemPerc}} {{.NetIO}} " +
    "{{.BlockIO}} {{.PIDs}}";
  const { stdout } = await engineWithSamples().run([
    ...["stats", "--no-stream", "--no-trunc", "--format", format, "web", "web"],
  ]);
  assert.equal(
    stdout,
    `web web ${containerId} 50.00% 10MiB / 1GiB 0.98% 1.5kB / 5B 1MB / 500B 3\n`,
  );
  const json = await engineWithSamples().run(["stats", "--no-stream", "--format", "json", "web"]);
  assert.equal(
    json.stdout,
    '{"BlockIO":"1MB / 500B","CPUPerc":"50.00%","Container":"web","ID":"0123456789ab",' +
      '"MemPerc":"0.98%","MemUsage":"10MiB / 1GiB","Name":"web","NetIO":"1.5kB / 5B","PIDs":"3"}\n',
  );
});

test("stats of what is not there fails, of what goes away shows dashes", async () => {
  const missing = await engineWithSamples().run(["stats", "--no-stream", "nope"]);
  assert.equal(missing.stderr, noSuchContainer);
  assert.equal(missing.code, 1);
  let asked = 0;
  const { LadeError } = await import("../../../src/base/errors.ts");
  const engine = fakeEngine({
    statsContainer() {
      if (asked++ === 0) return sampleAfter(1);
      throw new LadeError("CONTAINER_NOT_FOUND", "gone");
    },
  });
  const format = "{{.Container}}|{{.Name}}|{{.ID}}|{{.CPUPerc}}|{{.MemUsage}}|{{.PIDs}}";
  const { stdout, code } = await engine.run(["stats", "--no-stream", "--format", format, "web"]);
  assert.equal(stdout, "web|--||--|-- / --|--\n");
  assert.equal(code, 0);
});

test("stats draws over itself until it is interrupted", async () => {
  const controller = new AbortController();
  let samples = 0;
  const engine = fakeEngine({
    statsContainer() {
      if (++samples === 3) controller.abort();
      return sampleAfter(samples);
    },
  });
  const { stdout, code } = await engine.run(["stats", "--format", "{{.CPUPerc}}", "web"], {
    interrupt: { controller, signalNumber: 2 },
  });
  assert.equal(stdout, "\u001b[H50.00%\u001b[K\n\u001b[J".repeat(2));
  assert.equal(code, 130);
});

test("a bad template fails before anything is asked", async () => {
  const engine = engineWithSamples();
  assert.equal((await engine.run(["stats", "--format", "{{"])).code, 64);
  assert.deepEqual(engine.calls, []);
});
