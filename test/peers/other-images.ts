// SPDX-License-Identifier: Apache-2.0

import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { requireTool } from "../helpers/tools.ts";
import type { SharedLab } from "./shared-lab.ts";

const made = new Map<string, Promise<string>>();

/** Makes each thing once, and fails for all who ask for it where that fails. */
function once(name: string, make: () => Promise<string>): Promise<string> {
  const found = made.get(name) ?? make();
  made.set(name, found);
  return found;
}

/** Gives podman, and with it buildah, docker's images. */
export async function stockPodman({ lab, dockerArchive }: SharedLab): Promise<void> {
  await once("podman", () => lab.peer("podman", "load", "--quiet", "--input", dockerArchive));
}

/**
 * Makes `built:1`, an image of OCI's own form, in the store of buildah and podman.
 *
 * @returns its ID
 */
export function makeBuildahImage({ lab }: SharedLab): Promise<string> {
  return once("buildah", async () => {
    const folder = lab.path("buildah-files");
    mkdirSync(join(folder, "bin"), { recursive: true });
    copyFileSync(requireTool("busybox", "busybox-static"), join(folder, "bin/busybox"));
    writeFileSync(join(folder, "note"), "built by buildah\n");
    const container = await lab.peer("buildah", "from", "scratch");
    await lab.peer("buildah", "copy", "--quiet", container, folder, "/");
    const config = ["--env", "A=b", "--label", "org.example.x=y", "--port", "80", "--user", "1000"];
    const commands = ["--entrypoint", '["/bin/busybox"]', "--cmd", "cat /note"];
    await lab.peer("buildah", "config", ...config, ...commands, container);
    const commit = ["commit", "--quiet", "--rm", container, "localhost/built:1"];
    return `sha256:${await lab.peer("buildah", ...commit)}`;
  });
}

/**
 * Makes an OCI layout with three images: `empty`, and `first` and `second` on it, a layer more each.
 *
 * @returns the folder
 */
export function makeUmociLayout({ lab }: SharedLab): Promise<string> {
  return once("umoci", async () => {
    const layout = lab.path("umoci");
    const umoci = (...args: string[]) => lab.peer("umoci", ...args);
    await umoci("init", "--layout", layout);
    await umoci("new", "--image", `${layout}:empty`);
    const bundle = lab.path("bundle");
    await umoci("unpack", "--image", `${layout}:empty`, bundle);
    const root = (name: string) => join(bundle, "rootfs", name);
    mkdirSync(root("bin"));
    copyFileSync(requireTool("busybox", "busybox-static"), root("bin/busybox"));
    writeFileSync(root("removed"), "soon gone\n");
    await umoci("repack", "--refresh-bundle", "--image", `${layout}:first`, bundle);
    rmSync(root("removed"));
    writeFileSync(root("added"), "new\n");
    await umoci("repack", "--image", `${layout}:second`, bundle);
    const config = ["--config.cmd", "/bin/busybox", "--config.label", "org.example.x=y"];
    await umoci("config", "--image", `${layout}:second`, ...config);
    return layout;
  });
}
