// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { busyboxArchive } from "../e2e/side-by-side.ts";
import { type Dockerd, startDockerd } from "../helpers/dockerd.ts";
import { type LadeServe, startLadeServe } from "../helpers/lade-serve.ts";
import { type RunResult, run, shellQuote } from "../helpers/tools.ts";

/** A line that is given to the same client on both engines, `%` standing for the client. */
interface Line {
  readonly line: string;
  /** Why their outputs may differ; exit codes are compared all the same. */
  readonly differs?: string;
}

const later = "the words of later versions of Docker";
const ownWords = "each has its own words for what is wrong with a file";
const digests = "lade's archives have manifests, whose digests are names, too";
const noRegistry = "Docker looks for a registry, which lade has no access to";

const lines: readonly (string | Line)[] = [
  "% images",
  "% images -a --digests --format '{{.Repository}} {{.Tag}} {{.Digest}} {{.ID}} {{.Size}}'",
  "% images -q --no-trunc",
  "% images --filter reference='b*' -q",
  "% images --filter dangling=true -q",
  "% images --filter label=nosuch -q",
  "% images nosuch",
  { line: "% images --filter nosuch=1", differs: later },
  "% history box",
  "% history -q --no-trunc box",
  "% history --format '{{.ID}} {{.CreatedBy}} {{.Size}} {{.Comment}}' box",
  "% history nosuch",
  "% image inspect -f '{{.Id}} {{.RepoTags}} {{.Comment}} {{.Os}} {{.Architecture}} {{.Size}}' box",
  "% inspect -f '{{json .Config.Env}} {{json .Config.Cmd}} {{json .Config.Volumes}} {{.Created}}' box",
  "% inspect -f '{{json .RootFS}} {{.Parent}} {{.Author}} {{.DockerVersion}}' box",
  "% inspect nosuch",
  { line: "% image inspect nosuch", differs: later },
  { line: "% inspect --type image -f '{{.Id}}' box nosuch", differs: later },
  "% save box -o box.tar && % load -i box.tar",
  "% load -q < box.tar",
  "% save box | gzip | % load",
  "% save box | xz -0 | % load",
  "% save nosuch",
  "% save box nosuch > x.tar; echo $?",
  "% load -i nosuch.tar",
  { line: "head -c 2000 box.tar | % load", differs: ownWords },
  { line: "echo garbage | % load", differs: ownWords },
  "% tag box a/b:1 && % tag box:latest localhost:5000/c:2 && % images --format '{{.Repository}}:{{.Tag}}' | sort",
  "% tag nosuch x:1",
  "% tag box BAD:1",
  "% tag box sha256:1",
  "% save a/b localhost:5000/c:2 -o both.tar && % rmi a/b:1 localhost:5000/c:2 && % load -i both.tar",
  { line: "% rmi a/b:1", differs: digests },
  { line: "% rmi localhost:5000/c:2 nosuch", differs: digests },
  "% rmi -f nosuch",
  "% rmi nosuch:1",
  "mkdir -p t && echo one > t/f && tar --numeric-owner -C t -cf t.tar .",
  "% import -m words -c 'CMD [\"x\"]' -c 'ENV A=1' -c 'LABEL l=m' t.tar imp:1 | cut -c1-7",
  "cat t.tar | % import - imp:2 | cut -c1-7",
  "gzip -kf t.tar; % import t.tar.gz imp:3 | cut -c1-7",
  "% inspect -f '{{json .Config.Cmd}} {{.Config.Env}} {{.Config.Labels}} {{.Comment}} {{.Size}}' imp:1",
  "% inspect -f '{{.RootFS.Layers}}' imp:1 imp:2 imp:3 | sort -u",
  "% images --filter label=l=m --format '{{.Repository}}:{{.Tag}}' | sort",
  "% history --format '{{.Comment}} {{.Size}}' imp:1",
  { line: "% import -c 'BOGUS x' t.tar", differs: later },
  { line: "% import -c 'ENV' t.tar", differs: later },
  "% import t.tar BAD",
  "% import nosuch.tar",
  "% import t.tar imp:1 | cut -c1-7",
  "% images --filter dangling=true -q | wc -l",
  "% image prune -f | grep -c '^deleted: sha256'; % images --filter dangling=true -q | wc -l",
  "% image prune -f",
  { line: "% image prune -f --filter nosuch=1", differs: later },
  "% image prune -f --filter until=1h",
  "% create --name c1 --network none box echo hello | wc -c",
  "% commit -a me -m words -c 'ENV B=2' -c 'CMD [\"y\"]' c1 com:1 | cut -c1-7",
  "% inspect -f '{{.Config.Env}} {{.Config.Cmd}} {{.Author}} {{.Comment}} {{.Size}}' com:1",
  "% inspect -f '{{len .RootFS.Layers}}' com:1",
  "% history --format '{{.CreatedBy}} {{.Size}} {{.Comment}}' com:1",
  "% commit nosuch x:1",
  "% commit c1 BAD",
  "% commit c1 | cut -c1-7",
  "% rmi box 2>&1 | sed 's/container [0-9a-f]*/container/'",
  "% rm c1 && % image prune -af | grep untagged | grep -v @ | sort",
  "% images -q | wc -l",
  "% load -q -i box.tar && % images --format '{{.Repository}}:{{.Tag}} {{.ID}}'",
  "% info --format '{{.OSType}} {{.Architecture}} {{.NCPU}} {{.MemTotal}} {{.Images}}'",
  "% info --format '{{.CgroupDriver}} {{.CgroupVersion}} {{.KernelVersion}} {{.OperatingSystem}}'",
  "% info --format '{{.Swarm.LocalNodeState}} {{.SecurityOptions}} {{.DefaultRuntime}} {{.Warnings}}'",
  "% info --format '{{.Containers}} {{.LoggingDriver}} {{.Name}} {{.ExperimentalBuild}}'",
  "% version --format '{{.Client.Version}} {{.Server.Os}} {{.Server.Arch}} {{.Server.KernelVersion}}'",
  "% system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'",
  "% system prune -f",
  { line: "% pull nosuch", differs: noRegistry },
  { line: "% push box", differs: noRegistry },
  { line: "% search box", differs: noRegistry },
];

/** What is chance, and the words of 20.10 where later ones differ in case or place only. */
function plain(text: string): string {
  return text
    .replaceAll(/(?:Less than )?(?:an?|\d+) (?:second|minute)s? ago/g, "a while ago")
    .replaceAll(/CREATED +/g, "CREATED ");
}

function outcome({ stdout, stderr, code }: RunResult, { differs }: Line): object {
  return differs === undefined ? { code, stdout: plain(stdout), stderr: plain(stderr) } : { code };
}

/** Debian's, and the newer one where there is one. */
const clients = ["/usr/bin/docker", "/usr/local/bin/docker"].filter(existsSync);

for (const client of clients) {
  describe(`${client} with images of lade and of dockerd`, () => {
    let folder: string;
    let dockerd: Dockerd;
    let serve: LadeServe;
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), "lade-images-"));
      dockerd = await startDockerd();
      serve = await startLadeServe();
      const words = dockerd.command.map(shellQuote).join(" ");
      const archive = await busyboxArchive(folder, "box", words);
      const loaded = await serve.docker("load", "-q", "-i", archive);
      assert.equal(loaded.code, 0, loaded.stderr);
    });
    after(async () => {
      await serve[Symbol.asyncDispose]();
      await dockerd[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    });

    function on(engine: "lade" | "docker", host: string, { line }: Line): Promise<RunResult> {
      const cwd = join(folder, engine);
      mkdirSync(cwd, { recursive: true });
      const words = `${client} -H ${shellQuote(host)}`;
      return run("/bin/bash", ["-o", "pipefail", "-c", line.replaceAll("%", words)], {
        cwd,
        env: { LC_ALL: "C", TZ: "UTC", DOCKER_CONFIG: join(folder, "config") },
        timeoutMs: 120_000,
      });
    }

    for (const entry of lines) {
      const line: Line = typeof entry === "string" ? { line: entry } : entry;
      it(line.line, async () => {
        const [docker, lade] = await Promise.all([
          on("docker", dockerd.host, line),
          on("lade", serve.host, line),
        ]);
        assert.deepEqual(outcome(lade, line), outcome(docker, line));
      });
    }
  });
}
