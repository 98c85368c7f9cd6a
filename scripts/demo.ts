// SPDX-License-Identifier: Apache-2.0

/**
 * Shows lade's main job on real input, in a folder of its own and with stores of its own.
 *
 * Each command is printed as a user would type it, and run by `sh` just so, with `lade` on PATH.
 * `--keep` leaves the folder there.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const projectRoot = join(import.meta.dirname, "..");

interface Chapter {
  readonly title: string;
  readonly commands: readonly string[];
}

/** The whole demo: a chapter for each thing shown, in order, all in one folder. */
const chapters: readonly Chapter[] = [
  {
    title: "A root file system, from Debian's busybox",
    commands: [
      "mkdir -p rootfs/bin rootfs/etc",
      'cp "$(command -v busybox)" rootfs/bin/busybox',
      "for name in $(busybox --list | grep -vx busybox); do ln -s busybox rootfs/bin/$name; done",
      "echo 'root:x:0:0:root:/root:/bin/sh' > rootfs/etc/passwd",
      "printf '#!/bin/sh\\necho Hello from a container\\n' > rootfs/hello; chmod +x rootfs/hello",
      "tar --numeric-owner --owner=0 --group=0 -C rootfs -cf rootfs.tar .",
    ],
  },
  {
    title: "Import it as an image, and give it a second name",
    commands: [
      `lade import -c 'CMD ["/hello"]' rootfs.tar hello-docker`,
      "lade tag hello-docker hello-docker:1.0",
      "lade images",
    ],
  },
  {
    title: "Save it with all its names to one file",
    commands: ["lade save -o hello.tar hello-docker", "ls -l hello.tar", "lade ls hello.tar"],
  },
  {
    title: "Load it where nothing is there yet: a second, empty store",
    commands: [
      "LADE_ROOT=second lade load -i hello.tar",
      "LADE_ROOT=second lade images",
      "LADE_ROOT=second lade history hello-docker",
    ],
  },
];

const closing =
  "Shown: a file system became an image, the image a file, and the file the same image elsewhere,\n" +
  "without a daemon and without a registry. Read on in README.md; `lade help` lists the commands.";

/** Runs one command line; false where it failed. */
function runCommand(command: string, folder: string): boolean {
  console.log(`$ ${command}`);
  const { status, error } = spawnSync("sh", ["-c", command], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      PATH: `${join(projectRoot, "bin")}${delimiter}${process.env.PATH}`,
      LADE_ROOT: "first",
    },
  });
  if (status !== 0) {
    console.error(`\ndemo: stopped: ${error?.message ?? `the last command ended with ${status}`}`);
  }
  return status === 0;
}

function runDemo(folder: string): boolean {
  if (spawnSync("busybox", ["true"]).status !== 0) {
    console.error("demo: needs busybox: install Debian's package busybox-static");
    return false;
  }
  console.log(`$ cd ${folder}\n$ export LADE_ROOT=first`);
  for (const { title, commands } of chapters) {
    console.log(`\n# ${title}`);
    if (!commands.every((command) => runCommand(command, folder))) return false;
  }
  console.log(`\n${closing}`);
  return true;
}

const folder = mkdtempSync(join(tmpdir(), "lade-demo-"));
try {
  process.exitCode = runDemo(folder) ? 0 : 1;
} finally {
  if (!process.argv.includes("--keep")) rmSync(folder, { recursive: true });
}
