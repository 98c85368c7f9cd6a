// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dockerd, startDockerd } from "../helpers/dockerd.ts";
import { unmountBelow } from "../helpers/mounts.ts";
import { type RunResult, requireTool, run, runOrThrow, shellQuote } from "../helpers/tools.ts";

/** lade and Debian's Docker with the same image in both, for commands that are given to both. */
export interface SideBySide extends AsyncDisposable {
  readonly folder: string;
  readonly dockerd: Dockerd;
  /** Runs a line of a shell in which `%` stands for the program, in a folder of its own. */
  lade(line: string): Promise<RunResult>;
  docker(line: string): Promise<RunResult>;
}

const entry = join(import.meta.dirname, "../../bin/main.ts");
const timeoutMs = 120_000;

/** @param image the name under which busybox is there in both */
export async function openSideBySide(image: string): Promise<SideBySide> {
  const folder = mkdtempSync(join(tmpdir(), "lade-e2e-"));
  const runRoot = join(folder, "run");
  const words = {
    lade: [process.execPath, "--disable-warning=ExperimentalWarning", entry]
      .concat("--root", join(folder, "store"))
      .map(shellQuote)
      .join(" "),
  };
  const cleanUp = () => {
    unmountBelow(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  process.on("exit", cleanUp);
  const dockerd = await startDockerd();
  const docker = dockerd.command.map(shellQuote).join(" ");
  const shell = (cwd: string, words: string) => (line: string) => {
    mkdirSync(join(folder, cwd), { recursive: true });
    return run("/bin/bash", ["-o", "pipefail", "-c", line.replaceAll("%", words)], {
      cwd: join(folder, cwd),
      env: { LADE_RUN_ROOT: runRoot, LC_ALL: "C", TZ: "UTC" },
      timeoutMs,
    });
  };
  const both: SideBySide = {
    folder,
    dockerd,
    lade: shell("lade", words.lade),
    docker: shell("docker", docker),
    async [Symbol.asyncDispose]() {
      await both.lade('ids=$(% ps -aq); [ -z "$ids" ] || % rm -f $ids');
      await dockerd[Symbol.asyncDispose]();
      process.off("exit", cleanUp);
      cleanUp();
    },
  };
  const archive = await busyboxArchive(folder, image, docker);
  await runOrThrow("/bin/bash", ["-c", `${words.lade} load -q -i ${shellQuote(archive)}`], {
    env: { LADE_RUN_ROOT: runRoot },
    timeoutMs,
  });
  return both;
}

/** Imports busybox to Docker, and saves it from there, so that both have the very same image. */
export async function busyboxArchive(
  folder: string,
  image: string,
  docker: string,
): Promise<string> {
  const busybox = shellQuote(requireTool("busybox", "busybox-static"));
  const archive = join(folder, "busybox.tar");
  const lines = [
    `cd ${shellQuote(folder)}`,
    "mkdir -p rootfs/bin rootfs/etc rootfs/tmp rootfs/root rootfs/data",
    `cp ${busybox} rootfs/bin/busybox`,
    "for name in $(rootfs/bin/busybox --list | grep -vx busybox); do ln -s busybox rootfs/bin/$name; done",
    "printf 'root:x:0:0:root:/root:/bin/sh\\nuser:x:1000:1000::/:/bin/sh\\n' > rootfs/etc/passwd",
    "printf 'root:x:0:\\nuser:x:1000:\\nextra:x:2000:user\\n' > rootfs/etc/group",
    "echo content > rootfs/data/file",
    "chmod 1777 rootfs/tmp",
    "tar --numeric-owner --owner=0 --group=0 -C rootfs -cf rootfs.tar .",
    `${docker} import -c 'CMD ["sh"]' -c 'ENV A=1' -c 'VOLUME /vol' rootfs.tar ${image}`,
    `${docker} save -o ${shellQuote(archive)} ${image}`,
  ];
  await runOrThrow("/bin/bash", ["-ec", lines.join("\n")], { timeoutMs });
  return archive;
}
