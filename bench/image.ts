// SPDX-License-Identifier: Apache-2.0
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Dockerd, startDockerd } from "../test/helpers/dockerd.ts";
import { requireTool, runOrThrow } from "../test/helpers/tools.ts";

/** An image archive and what is made of it; the files stay in the bench folder for later runs. */
export interface BenchImage {
  readonly name: string;
  /** `sha256:…` of the config. */
  readonly id: string;
  readonly layerCount: number;
  /** `docker save` of the image. */
  readonly archive: string;
  readonly archiveSize: number;
  /** The same, gzip -6. */
  readonly gzip: string;
  readonly gzipSize: number;
  /** `docker export` of a container of the image. */
  readonly rootfs: string;
  readonly rootfsSize: number;
}

const NAME = "lade-bench:1";
const BASE = "lade-bench-base:1";
const MIN_SIZE = 800e6;
const MIN_LAYERS = 4;

const dockerfile = `FROM ${BASE}
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update && apt-get install -y --no-install-recommends postgresql postgresql-contrib && apt-get clean
RUN apt-get update && apt-get install -y --no-install-recommends nodejs npm && apt-get clean
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv python3-numpy && apt-get clean && rm -rf /var/lib/apt/lists/*
EXPOSE 5432
CMD ["bash"]
`;

/** Where the bench keeps its image and works: LADE_BENCH_DIR, else `/var/tmp/lade-bench`. */
export function benchFolder(): string {
  return resolve(process.env.LADE_BENCH_DIR ?? "/var/tmp/lade-bench");
}

/**
 * Gives the bench image, and makes it first if the folder has none: Debian by mmdebstrap from this
 * machine's own mirror, with PostgreSQL, Node.js and Python, each in a layer of its own. Needs
 * root and, the first time, the mirror.
 */
export async function ensureBenchImage(folder: string): Promise<BenchImage> {
  const archive = join(folder, "bench.tar");
  const gzip = join(folder, "bench.tar.gz");
  const rootfs = join(folder, "rootfs.tar");
  await mkdir(folder, { recursive: true });
  if (!existsSync(archive) || !existsSync(rootfs)) await makeImage(folder, { archive, rootfs });
  if (!existsSync(gzip)) await compress(archive, gzip);
  const image = await describeImage({ archive, gzip, rootfs });
  if (image.archiveSize < MIN_SIZE || image.layerCount < MIN_LAYERS) {
    throw new Error(
      `${archive}: ${image.layerCount} layers in ${image.archiveSize} bytes, ` +
        `want ${MIN_LAYERS} layers or more in over ${MIN_SIZE} bytes; remove it to make it anew`,
    );
  }
  return image;
}

/** Reads name, ID and layers out of an archive in Docker's form. */
export async function describeImage(
  files: Pick<BenchImage, "archive" | "gzip" | "rootfs">,
): Promise<BenchImage> {
  const { stdout } = await runOrThrow("tar", ["-xOf", files.archive, "manifest.json"]);
  const manifest: unknown = JSON.parse(stdout);
  const first: unknown = Array.isArray(manifest) ? manifest[0] : undefined;
  if (!isManifestEntry(first)) throw new Error(`${files.archive}: manifest.json has no image`);
  const hex = /([0-9a-f]{64})(?:\.json)?$/.exec(first.Config)?.[1];
  const name = first.RepoTags[0];
  if (hex === undefined || name === undefined) {
    throw new Error(`${files.archive}: manifest.json names no config by digest, or no tag`);
  }
  const [archiveSize, gzipSize, rootfsSize] = await Promise.all(
    [files.archive, files.gzip, files.rootfs].map(async (path) => (await stat(path)).size),
  );
  return {
    ...files,
    name,
    id: `sha256:${hex}`,
    layerCount: first.Layers.length,
    archiveSize: archiveSize ?? 0,
    gzipSize: gzipSize ?? 0,
    rootfsSize: rootfsSize ?? 0,
  };
}

interface ManifestEntry {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  readonly Layers: readonly string[];
}

function isManifestEntry(value: unknown): value is ManifestEntry {
  if (typeof value !== "object" || value === null) return false;
  const entry = value as Partial<Record<keyof ManifestEntry, unknown>>;
  return (
    typeof entry.Config === "string" && Array.isArray(entry.RepoTags) && Array.isArray(entry.Layers)
  );
}

/** gzip -6 of a file; pigz writes the same format on all cores. */
export async function compress(source: string, target: string): Promise<void> {
  const tool = existsSync("/usr/bin/pigz") ? "/usr/bin/pigz" : requireTool("gzip", "gzip");
  await runOrThrow(tool, ["-6", "-n", "-c", source], { stdoutFile: `${target}.part` });
  await rename(`${target}.part`, target);
}

async function makeImage(
  folder: string,
  targets: { readonly archive: string; readonly rootfs: string },
): Promise<void> {
  const work = await mkdtemp(join(folder, "make-"));
  try {
    const base = join(work, "base.tar");
    console.error("bench image: Debian by mmdebstrap");
    await bootstrap(base);
    await using daemon = await startDockerd({ dataRoot: join(work, "docker") });
    console.error("bench image: PostgreSQL, Node.js, Python by docker build");
    await must(daemon, "import", "-m", "Debian by mmdebstrap", base, BASE);
    await build(daemon);
    console.error("bench image: docker save, docker export");
    await must(daemon, "save", "-o", `${targets.archive}.part`, NAME);
    const container = (await must(daemon, "create", NAME)).trim();
    await must(daemon, "export", "-o", `${targets.rootfs}.part`, container);
    await rename(`${targets.archive}.part`, targets.archive);
    await rename(`${targets.rootfs}.part`, targets.rootfs);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function must(daemon: Dockerd, ...args: string[]): Promise<string> {
  const [command = "", ...words] = daemon.command;
  return (await runOrThrow(command, [...words, ...args])).stdout;
}

/** A Dockerfile build of the old kind: a container and a commit for each step. */
async function build(daemon: Dockerd): Promise<void> {
  const [command = "", ...words] = daemon.command;
  const proxies = await proxySettings();
  const args = Object.keys(proxies).flatMap((name) => ["--build-arg", name]);
  await runOrThrow(command, [...words, "build", "--network", "host", ...args, "-t", NAME, "-"], {
    env: { DOCKER_BUILDKIT: "0", ...proxies },
    input: dockerfile,
  });
}

/** The proxies of this machine's environment and apt, under the names that apt in a build reads. */
async function proxySettings(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const scheme of ["http", "https"]) {
    const asked = ["shell", "P", `Acquire::${scheme}::Proxy`];
    const { stdout } = await runOrThrow(requireTool("apt-config", "apt"), asked);
    const ofApt = /^P='(.*)'$/m.exec(stdout)?.[1];
    const value = ofApt ?? process.env[`${scheme}_proxy`];
    if (value !== undefined && value !== "DIRECT") found[`${scheme}_proxy`] = value;
  }
  return found;
}

/** A minimal Debian of this machine's suite and mirror, as a tar. */
export async function bootstrap(target: string): Promise<void> {
  const tool = requireTool("mmdebstrap", "mmdebstrap");
  const { suite, lines } = await debianSources();
  await runOrThrow(tool, ["--variant=minbase", suite, target, "-"], {
    input: `${lines.join("\n")}\n`,
  });
}

async function debianSources(): Promise<{ suite: string; lines: readonly string[] }> {
  const { stdout } = await runOrThrow(requireTool("apt-get", "apt"), [
    "indextargets",
    "--format",
    "$(ORIGIN) deb $(REPO_URI) $(RELEASE) $(COMPONENT)",
    "Created-By: Packages",
  ]);
  const ofDebian = stdout.split("\n").filter((line) => line.startsWith("Debian "));
  const lines = [...new Set(ofDebian.map((line) => line.slice("Debian ".length)))];
  const release = await runOrThrow("sh", ["-c", '. /etc/os-release; echo "$VERSION_CODENAME"']);
  const suite = release.stdout.trim();
  if (lines.length === 0 || suite === "") {
    throw new Error("apt: no Debian package lists on this machine; run apt-get update");
  }
  return { suite, lines };
}

if (import.meta.main) {
  const image = await ensureBenchImage(benchFolder());
  console.log(
    `${image.archive}: ${image.name} ${image.id}, ${image.layerCount} layers, ` +
      `${image.archiveSize} bytes`,
  );
}
