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
  /** Containers need root: mounts, namespaces, cgroups. */
  readonly needsRoot?: boolean;
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
  {
    title: "Run it, change a file in it, and keep the change as an image",
    needsRoot: true,
    commands: [
      "lade run --rm hello-docker",
      `lade run --name changed hello-docker sed -i 's/a container/a changed container/' /hello`,
      "lade ps -a",
      "lade diff changed",
      `lade commit -m 'Another greeting' -c 'CMD ["/hello"]' changed hello-docker:2.0`,
      "lade history hello-docker:2.0",
    ],
  },
  {
    title: "Take it to the second store, and run it there",
    needsRoot: true,
    commands: [
      "lade save -o hello-2.tar hello-docker:2.0",
      "LADE_ROOT=second lade load -i hello-2.tar",
      "LADE_ROOT=second lade run --rm hello-docker:2.0",
    ],
  },
  {
    title: "The container's file system alone: export, import, run",
    needsRoot: true,
    commands: [
      "lade export -o flat.tar changed",
      `LADE_ROOT=second lade import -c 'CMD ["/hello"]' flat.tar hello-flat`,
      "LADE_ROOT=second lade run --rm hello-flat",
      "lade rm changed",
    ],
  },
  {
    title: "Run an archive where it lies, without loading it",
    needsRoot: true,
    commands: ["LADE_ROOT=third lade run --rm ./hello-2.tar", "LADE_ROOT=third lade images"],
  },
];

const closing =
  "Shown: a file system became an image, ran, was changed and committed, and the image became a\n" +
  "file and the same image elsewhere, without a daemon and without a registry. Read on in\n" +
  "README.md; `lade help` lists the commands.";

const withoutRoot =
  "The rest of the demo runs containers, which needs root: run it as root to see it. Images work\n" +
  "for every user. Read on in README.md; `lade help` lists the commands.";

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
  const isRoot = process.getuid?.() === 0;
  for (const { title, commands, needsRoot } of chapters) {
    if (needsRoot === true && !isRoot) break;
    console.log(`\n# ${title}`);
    if (!commands.every((command) => runCommand(command, folder))) return false;
  }
  console.log(`\n${isRoot ? closing : withoutRoot}`);
  return true;
}

const folder = mkdtempSync(join(tmpdir(), "lade-demo-"));
try {
  process.exitCode = runDemo(folder) ? 0 : 1;
} finally {
  if (!process.argv.includes("--keep")) rmSync(folder, { recursive: true });
}
