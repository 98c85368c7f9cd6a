// SPDX-License-Identifier: Apache-2.0

import {
  chmodSync,
  copyFileSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { dir, file, hardLink, symlink } from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { requireTool, runOrThrow } from "../helpers/tools.ts";
import { type DockerFacts, dockerFacts } from "./facts.ts";
import type { Lab } from "./lab.ts";

/** The images that docker has, by what is special about them. */
export interface DockerImages {
  /** One layer: a file system imported from a folder. */
  readonly base: DockerFacts;
  /** Committed on `base`; three names in two repositories. */
  readonly app: DockerFacts;
  /** Committed on `app`. */
  readonly child: DockerFacts;
  /** Committed from a container that ran: removed files, a folder replaced. */
  readonly changed: DockerFacts;
  /** Built: 30 layers, and steps without one. */
  readonly many: DockerFacts;
  /** Imported from a tar of all that a tar may have. */
  readonly odd: DockerFacts;
  /** Committed without a name. */
  readonly nameless: DockerFacts;
}

/** Every `-c` that docker knows, in both forms. */
export const changes: readonly string[] = [
  'CMD ["sh", "-c", "echo \\"a & b\\""]',
  "ENTRYPOINT exec /bin/busybox",
  "ENV PATH=/bin:/usr/bin GREETING='hello world'",
  "ENV OLD form with spaces",
  "EXPOSE 80 443/udp 8000-8002",
  'LABEL org.example.title="Ünïcode & <tags>" empty=',
  "ONBUILD RUN echo built",
  "USER 1000:1000",
  'VOLUME ["/data", "/srv/more"]',
  "WORKDIR /srv",
  "WORKDIR app",
  "HEALTHCHECK --interval=5s --retries=2 CMD true",
];

/** `-c` for each. */
export function asFlags(texts: readonly string[]): string[] {
  return texts.flatMap((text) => ["-c", text]);
}

/** A root file system with busybox that runs. */
function makeRoot(folder: string): void {
  const at = (name: string) => join(folder, name);
  for (const name of ["bin", "etc/app", "opt/old", "srv/app", "tmp", "usr/bin", "var/empty"]) {
    mkdirSync(at(name), { recursive: true });
  }
  copyFileSync(requireTool("busybox", "busybox-static"), at("bin/busybox"));
  chmodSync(at("bin/busybox"), 0o755);
  linkSync(at("bin/busybox"), at("bin/sh"));
  for (const name of ["rm", "mkdir", "ln", "chmod", "mv"])
    symlinkSync("busybox", at(`bin/${name}`));
  symlinkSync("/bin/busybox", at("usr/bin/env"));
  symlinkSync("nowhere/to/be/found", at("etc/dangling"));
  writeFileSync(at("etc/passwd"), "root:x:0:0:root:/:/bin/sh\n");
  writeFileSync(at("etc/app/config"), "a=1\n");
  writeFileSync(at("etc/empty"), "");
  writeFileSync(at(`opt/old/${"long-".repeat(30)}name`), "long\n");
  writeFileSync(at("opt/old/ünïcode ☃"), "snow\n");
  writeFileSync(at("opt/data"), Buffer.alloc(300_000, "0123456789abcdef\n"));
  chmodSync(at("tmp"), 0o1777);
  chmodSync(at("opt/data"), 0o4711);
  utimesSync(at("opt/data"), 1.5, 1_000_000_000.25);
  lutimesSync(at("etc/dangling"), 1, -5);
}

/** Makes a tar of a root file system as GNU tar writes it. */
export async function makeRootTar(lab: Lab): Promise<string> {
  const root = lab.path("root");
  makeRoot(root);
  const path = lab.path("root.tar");
  await runOrThrow("tar", ["--directory", root, "--create", "--file", path, "."]);
  return path;
}

/** All that a layer may have and no ordinary folder has. */
export function oddTar(): Buffer {
  const capability = Buffer.from("0100000200040000000000000000000000000000", "hex");
  const tool = { mode: 0o6755, uid: 70_000, gid: 3_000_000 };
  const long = `deep/${"folder-with-a-long-name/".repeat(9)}file`;
  return tar([
    dir("./"),
    dir("dev/"),
    { name: "dev/null", type: "3", mode: 0o666, devMajor: 1, devMinor: 3 },
    { name: "dev/loop0", type: "4", mode: 0o660, devMajor: 7, devMinor: 0 },
    { name: "dev/pipe", type: "6", mode: 0o600 },
    file("opt/ping", "ping", { pax: { "SCHILY.xattr.security.capability": capability } }),
    file("opt/tool", "tool\n", tool),
    hardLink("opt/alias", "opt/tool", tool),
    hardLink("opt/third", "opt/alias", tool),
    symlink("opt/to-tool", "tool"),
    symlink("opt/far", `/${"x".repeat(150)}`, { longNames: "pax" }),
    file(long, "far down\n", { longNames: "gnu" }),
    file("opt/früh", "x", { pax: { mtime: "-1234.987654321" } }),
    file("etc/.wh.gone", ""),
  ]);
}

interface Step {
  readonly on: string;
  /** Contents by path in the image. */
  readonly files: Readonly<Record<string, string>>;
  readonly options?: readonly string[];
  readonly names: readonly string[];
}

/** Commits a container that has some more files and never ran. */
async function commit(lab: Lab, step: Step): Promise<string> {
  const container = await lab.docker("create", "--network", "none", step.on, "sh");
  for (const [name, text] of Object.entries(step.files)) {
    const path = lab.path("copied");
    writeFileSync(path, text);
    await lab.docker("cp", path, `${container}:${name}`);
  }
  const [first, ...others] = step.names;
  const names = first === undefined ? [] : [first];
  const id = await lab.docker("commit", ...(step.options ?? []), container, ...names);
  await lab.docker("rm", container);
  for (const name of others) await lab.docker("tag", id, name);
  return id;
}

/** What a container may do to the files that it got. */
const changingScript = `
rm /etc/app/config
rm -r /opt/old && mkdir /opt/old && echo new > /opt/old/new
mv /etc/empty /etc/moved
ln /etc/moved /etc/linked
ln -s /etc/moved /etc/dangling2
chmod 600 /etc/passwd
rm /bin/sh && ln -s busybox /bin/sh`;

/** Commits a container that ran. */
async function commitRun(lab: Lab, on: string, name: string): Promise<string> {
  const create = ["create", "--network", "none", "--entrypoint", "/bin/sh", on];
  const container = await lab.docker(...create, "-ec", changingScript);
  await lab.docker("start", "--attach", container);
  const id = await lab.docker("commit", "--author", "Jane Doe <jane@example.org>", container, name);
  await lab.docker("rm", container);
  return id;
}

const manyLayers = 30;

/** Builds an image of many layers, with steps between them that have none. */
async function buildMany(lab: Lab, on: string, name: string): Promise<string> {
  const folder = lab.path("build");
  mkdirSync(folder);
  const steps = [`FROM ${on}`];
  for (let count = 1; count <= manyLayers; count++) {
    writeFileSync(join(folder, `file-${count}`), `${count}\n`);
    steps.push(`COPY file-${count} /many/`);
    if (count % 10 === 0) steps.push(`ENV COUNT=${count}`, `LABEL org.example.count="${count}"`);
  }
  writeFileSync(join(folder, "Dockerfile"), steps.join("\n"));
  const build = ["build", "--quiet", "--network", "none", "--tag", name, folder];
  return await lab.dockerWith({ env: { DOCKER_BUILDKIT: "0" } }, ...build);
}

/**
 * Makes the images in the lab's docker daemon.
 *
 * @param rootTar a root file system with busybox
 */
export async function makeDockerImages(lab: Lab, rootTar: string): Promise<DockerImages> {
  const odd = lab.path("odd.tar");
  writeFileSync(odd, oddTar());
  const baseId = await lab.docker("import", ...asFlags(changes), rootTar, "base:1");
  const appId = await commit(lab, {
    on: "base:1",
    files: { "/etc/app/version": "2\n", "/opt/data": "smaller now\n" },
    options: ["-m", "the app", "-a", "Jöe", "-c", "USER root", "-c", "ENV A=b", "-c", "CMD sh"],
    names: ["app:1", "app:latest", "registry.example:5000/team/app:v2.0_x"],
  });
  const childId = await commit(lab, {
    on: "app:1",
    files: { "/srv/child": "child\n" },
    options: ["-c", "LABEL org.example.child=yes"],
    names: ["child:1"],
  });
  const namelessId = await commit(lab, { on: "base:1", files: { "/nameless": "x" }, names: [] });
  const changedId = await commitRun(lab, "app:1", "changed:1");
  const manyId = await buildMany(lab, "app:1", "many:1");
  const oddId = await lab.docker("import", "-m", "all sorts", odd, "odd:1");
  return {
    base: await dockerFacts(lab, baseId),
    app: await dockerFacts(lab, appId),
    child: await dockerFacts(lab, childId),
    changed: await dockerFacts(lab, changedId),
    many: await dockerFacts(lab, manyId),
    odd: await dockerFacts(lab, oddId),
    nameless: await dockerFacts(lab, namelessId),
  };
}
