// SPDX-License-Identifier: Apache-2.0

/** What a client of many does, and what each end of it says about the names. */

import { createHash } from "node:crypto";
import type { CrowdArchive } from "./crowd-archives.ts";
import { bytesOf, type Clients, type Outcome } from "./crowd-clients.ts";
import { anyValue, type NameEvent } from "./linear.ts";
import type { Random } from "./random.ts";

/** Where operations write what they saw. */
export interface Record {
  note(name: string, event: NameEvent): void;
  /** Bytes of a saved image; those of the same image have to be the same. */
  saved(key: string, hash: string, text: string): void;
  fail(text: string): void;
  count(kind: string, outcome: Outcome["is"]): void;
}

export interface Scene {
  readonly clients: Clients;
  readonly random: Random;
  readonly archives: readonly CrowdArchive[];
  readonly damaged: string;
  /** A tar of many small files. */
  readonly files: string;
  readonly record: Record;
  nextNumber(): number;
}

export const imageNames = ["reg0:1", "reg1:1", "reg2:1", "reg3:1", "made0:1", "made1:1"] as const;
export const containerNames = ["box0", "box1", "box2", "box3"] as const;

/** An error that somebody else's work explains. */
const refusals = {
  noImage: /No such image|Unable to find image|reference does not exist/,
  imageInUse: /conflict: unable to (delete|remove)/,
  noContainer: /No such container/,
  nameTaken: /Conflict\. The container name/,
  removing:
    /removal of container .* is already in progress|is marked for removal|can not be started|dead/i,
  damaged: /invalid diffID/,
} as const;

type Refusal = keyof typeof refusals;

/** Which of the allowed refusals it is; anything else is a failure. */
function refusalOf(scene: Scene, out: Outcome, allowed: readonly Refusal[], text: string) {
  if (out.is !== "refused") return undefined;
  const found = allowed.find((one) => refusals[one].test(out.message));
  const status = out.answer?.status ?? 0;
  if (found === undefined || status >= 500) {
    scene.record.fail(`${text}: ${status} ${out.message.trim()}`);
  }
  return found;
}

/** The times of an outcome as an event. */
function at(out: Outcome, text: string, event: Pick<NameEvent, "needs" | "sets">): NameEvent {
  const { start, end } = out;
  return { start, end, text, ...event, isMaybe: out.is === "killed" };
}

type Operation = (scene: Scene) => Promise<void>;

async function load(scene: Scene): Promise<void> {
  await loadArchive(scene, scene.random.pick(scene.archives), scene.random.chance(0.4));
}

/** @param byApi else by a process of its own */
export async function loadArchive(
  scene: Scene,
  archive: CrowdArchive,
  byApi: boolean,
): Promise<void> {
  const { clients, record } = scene;
  const out = byApi
    ? await clients.request("POST", "/images/load?quiet=1", { body: bytesOf(archive.path) })
    : await clients.command(["load", "-q", "-i", archive.path]);
  record.count("load", out.is);
  const text = `load ${archive.tag} ${archive.imageId.slice(7, 15)}${byApi ? " (API)" : ""}`;
  refusalOf(scene, out, [], text);
  if (out.is === "done" && !out.stdout.includes(`Loaded image: ${archive.tag}`)) {
    record.fail(`${text}: said ${out.stdout.toString()}`);
  }
  if (out.is === "refused") return;
  const event = { needs: "anything", sets: { value: archive.imageId } } as const;
  record.note(archive.tag, at(out, text, event));
}

async function loadDamaged(scene: Scene): Promise<void> {
  const out = await scene.clients.command(["load", "-q", "-i", scene.damaged]);
  scene.record.count("load (damaged)", out.is);
  refusalOf(scene, out, ["damaged"], "load a damaged archive");
  if (out.is === "done") scene.record.fail("a damaged archive was loaded");
}

async function tag(scene: Scene): Promise<void> {
  const { clients, random, record } = scene;
  const { imageId } = random.pick(scene.archives);
  const name = random.pick(imageNames);
  const [repo, label] = name.split(":");
  const out = random.chance(0.5)
    ? await clients.request("POST", `/images/${imageId}/tag?repo=${repo}&tag=${label}`)
    : await clients.command(["tag", imageId, name]);
  record.count("tag", out.is);
  const text = `tag ${imageId.slice(7, 15)} ${name}`;
  refusalOf(scene, out, ["noImage"], text);
  if (out.is === "refused") return;
  record.note(name, at(out, text, { needs: "anything", sets: { value: imageId } }));
}

async function removeImage(scene: Scene): Promise<void> {
  const { clients, random, record } = scene;
  const name = random.pick(imageNames);
  const out = random.chance(0.5)
    ? await clients.request("DELETE", `/images/${name}`)
    : await clients.command(["rmi", name]);
  record.count("rmi", out.is);
  const text = `rmi ${name}`;
  const refusal = refusalOf(scene, out, ["noImage", "imageInUse"], text);
  if (out.is !== "refused") {
    record.note(name, at(out, text, { needs: "present", sets: { value: undefined } }));
  } else if (refusal === "noImage") {
    record.note(name, at(out, `${text}: not there`, { needs: { value: undefined } }));
  } else if (refusal === "imageInUse") {
    record.note(name, at(out, `${text}: in use`, { needs: "present" }));
  }
}

interface ListedImage {
  readonly Id: string;
  readonly RepoTags: readonly string[] | null;
}

async function listImages(scene: Scene): Promise<void> {
  const byApi = scene.random.chance(0.5);
  const format = "{{.Repository}}:{{.Tag}} {{.ID}}";
  const out = byApi
    ? await scene.clients.request("GET", "/images/json")
    : await scene.clients.command(["images", "--no-trunc", "--format", format]);
  scene.record.count("images", out.is);
  refusalOf(scene, out, [], "images");
  if (out.is !== "done") return;
  const documents = (out.answer?.json ?? []) as ListedImage[];
  const pairs = byApi
    ? documents.flatMap(({ Id, RepoTags }) =>
        (RepoTags ?? []).map((name): [string, string] => [name, Id]),
      )
    : pairsIn(out.stdout);
  noteList(scene, out, { names: imageNames, pairs, text: "images" });
}

function pairsIn(stdout: Buffer): [string, string][] {
  const lines = stdout.toString().split("\n").filter(Boolean);
  return lines.map((line) => line.split(" ") as [string, string]);
}

interface List {
  readonly names: readonly string[];
  readonly pairs: readonly (readonly [string, string])[];
  readonly text: string;
}

/** A list is a read of every name, of those that it lacks, too. */
function noteList({ record }: Scene, out: Outcome, { names, pairs, text }: List): void {
  const values = new Map(pairs);
  for (const name of names) {
    const value = values.get(name);
    const shown = `${text}: ${name} is ${value?.slice(0, 15) ?? "not there"}`;
    record.note(name, at(out, shown, { needs: { value } }));
  }
}

async function listContainers(scene: Scene): Promise<void> {
  const out = await scene.clients.command([
    ...["ps", "-a", "--no-trunc", "--format", "{{.Names}} {{.ID}}"],
  ]);
  scene.record.count("ps", out.is);
  refusalOf(scene, out, [], "ps -a");
  if (out.is !== "done") return;
  noteList(scene, out, { names: containerNames, pairs: pairsIn(out.stdout), text: "ps" });
}

async function save(scene: Scene): Promise<void> {
  const { random } = scene;
  const isById = random.chance(0.5);
  const name = isById ? random.pick(scene.archives).imageId : random.pick(imageNames);
  await saveImage(scene, name, random.chance(0.5));
}

export async function saveImage(scene: Scene, name: string, byApi: boolean): Promise<void> {
  const { clients, record } = scene;
  const out = byApi
    ? await clients.request("GET", `/images/${name}/get`)
    : await clients.command(["save", name]);
  record.count("save", out.is);
  const text = `save ${name}${byApi ? " (API)" : ""}`;
  const refusal = refusalOf(scene, out, ["noImage"], text);
  const isId = name.startsWith("sha256:");
  if (out.is === "done") {
    const imageId = configIn(out.stdout);
    const hash = createHash("sha256").update(out.stdout).digest("hex");
    record.saved(`${name} ${imageId}`, hash, text);
    if (!isId) record.note(name, at(out, text, { needs: { value: imageId } }));
    else if (imageId !== name) record.fail(`${text}: has ${imageId}`);
  } else if (refusal === "noImage" && !isId) {
    record.note(name, at(out, `${text}: not there`, { needs: { value: undefined } }));
  }
}

/** The image's ID by the archive's own manifest. */
function configIn(archive: Buffer): string {
  const found = /"Config":"(?:blobs\/sha256\/)?([0-9a-f]{64})/.exec(archive.toString("latin1"));
  return `sha256:${found?.[1] ?? "unknown"}`;
}

const noNetwork = ["--network", "none"];

async function runContainer(scene: Scene): Promise<void> {
  const { clients, random, record } = scene;
  const number = scene.nextNumber();
  const { imageId } = random.pick(scene.archives);
  const program = ["/bin/busybox", "echo", `word${number}`];
  const options = ["run", "--rm", "--name", `run${number}`, ...noNetwork, "-w", "/"];
  const out = await clients.command([...options, imageId, ...program]);
  record.count("run", out.is);
  refusalOf(scene, out, ["noImage"], `run ${imageId.slice(7, 15)}`);
  if (out.is === "done" && out.stdout.toString() !== `word${number}\n`) {
    record.fail(`run ${number}: said ${JSON.stringify(out.stdout.toString())}`);
  }
}

async function createContainer(scene: Scene): Promise<void> {
  const { clients, random, record } = scene;
  const name = random.pick(containerNames);
  const { imageId } = random.pick(scene.archives);
  const out = random.chance(0.5)
    ? await clients.request("POST", `/containers/create?name=${name}`, {
        body: {
          Image: imageId,
          Cmd: ["/bin/busybox", "true"],
          HostConfig: { NetworkMode: "none" },
        },
      })
    : await clients.command([
        "create",
        "--name",
        name,
        ...noNetwork,
        imageId,
        "/bin/busybox",
        "true",
      ]);
  record.count("create", out.is);
  const text = `create ${name}`;
  const refusal = refusalOf(scene, out, ["noImage", "nameTaken"], text);
  if (out.is === "killed") {
    record.note(name, at(out, text, { needs: { value: undefined }, sets: { value: anyValue } }));
  } else if (out.is === "done") {
    const value = out.answer
      ? (out.answer.json as { Id: string }).Id
      : out.stdout.toString().trim();
    record.note(name, at(out, text, { needs: { value: undefined }, sets: { value } }));
  } else if (refusal === "nameTaken") {
    record.note(name, at(out, `${text}: taken`, { needs: "present" }));
  }
}

/** Its command ends at once: others start it, too, or take it away meanwhile. */
async function startContainer(scene: Scene): Promise<void> {
  const { clients, random, record } = scene;
  const name = random.pick(containerNames);
  const out = random.chance(0.5)
    ? await clients.request("POST", `/containers/${name}/start`)
    : await clients.command(["start", name]);
  record.count("start", out.is);
  refusalOf(scene, out, ["noContainer", "removing"], `start ${name}`);
}

async function removeContainer(scene: Scene): Promise<void> {
  const { clients, random, record } = scene;
  const name = random.pick(containerNames);
  const out = random.chance(0.5)
    ? await clients.request("DELETE", `/containers/${name}?force=1`)
    : await clients.command(["rm", "-f", name]);
  record.count("rm", out.is);
  const text = `rm -f ${name}`;
  // Docker's `rm -f` reports no error for what is not there.
  const isAbsent = out.is === "done" && out.message.includes("No such container");
  const refusal = refusalOf(scene, out, ["noContainer", "removing"], text);
  if (isAbsent || refusal === "noContainer") {
    record.note(name, at(out, `${text}: not there`, { needs: { value: undefined } }));
  } else if (out.is !== "refused") {
    record.note(name, at(out, text, { needs: "present", sets: { value: undefined } }));
  }
}

async function commitContainer(scene: Scene): Promise<void> {
  const { clients, random, record } = scene;
  const container = random.pick(containerNames);
  const name = `made${random.below(2)}:1`;
  const author = `author${scene.nextNumber()}`;
  const [repo, label] = name.split(":");
  const path = `/commit?container=${container}&repo=${repo}&tag=${label}&author=${author}`;
  const out = random.chance(0.5)
    ? await clients.request("POST", path)
    : await clients.command(["commit", "-a", author, container, name]);
  record.count("commit", out.is);
  const text = `commit ${container} ${name}`;
  refusalOf(scene, out, ["noContainer", "removing"], text);
  if (out.is === "killed") {
    record.note(name, at(out, text, { needs: "anything", sets: { value: anyValue } }));
  } else if (out.is === "done") {
    const value = out.answer
      ? (out.answer.json as { Id: string }).Id
      : out.stdout.toString().trim();
    record.note(name, at(out, text, { needs: "anything", sets: { value } }));
  }
}

/** Of a container that is removed meanwhile, a part may have been copied: nobody will know. */
async function copyIn(scene: Scene): Promise<void> {
  const { clients, random, record } = scene;
  const container = random.pick(containerNames);
  const { path } = random.pick(scene.archives);
  const out = random.chance(0.5)
    ? await clients.request("PUT", `/containers/${container}/archive?path=/`, {
        body: bytesOf(scene.files),
      })
    : await clients.command(["cp", "-q", path, `${container}:/copy${random.below(3)}`]);
  record.count("cp", out.is);
  refusalOf(scene, out, ["noContainer"], `cp to ${container}`);
}

async function pruneImages(scene: Scene): Promise<void> {
  const out = scene.random.chance(0.5)
    ? await scene.clients.request("POST", "/images/prune")
    : await scene.clients.command(["image", "prune", "-f"]);
  scene.record.count("prune", out.is);
  refusalOf(scene, out, [], "image prune");
}

/** How often each comes, against the others. */
const choices: readonly (readonly [Operation, number])[] = [
  [load, 5],
  [loadDamaged, 1],
  [tag, 4],
  [removeImage, 4],
  [listImages, 4],
  [save, 4],
  [runContainer, 2],
  [createContainer, 3],
  [startContainer, 3],
  [removeContainer, 3],
  [commitContainer, 2],
  [copyIn, 2],
  [pruneImages, 2],
  [listContainers, 2],
];

const bag: readonly Operation[] = choices.flatMap(([one, count]) => Array(count).fill(one));

export async function anyOperation(scene: Scene): Promise<void> {
  await scene.random.pick(bag)(scene);
}

/** What is there at last, as everybody must see it. */
export async function readAll(scene: Scene): Promise<void> {
  await listImages(scene);
  await listContainers(scene);
}
