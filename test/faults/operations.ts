// SPDX-License-Identifier: Apache-2.0

/** Commands that change a store, and what each means for what has to be there afterwards. */

import type { Archive, Archives } from "./archives.ts";
import type { Random } from "./random.ts";
import { hashOfFile, type StoreState, type WantedContainer } from "./store-state.ts";

export interface Operation {
  readonly kind: string;
  readonly args: readonly string[];
  /** The command has to fail, and to change nothing. */
  readonly isRefused?: boolean;
  /** What is there once it is done; `output` is undefined for one that was cut off. */
  apply(state: StoreState, output: string | undefined): StoreState;
}

/** As the database has names. */
function fullTag(tag: string): string {
  return `docker.io/library/${tag}`;
}

function withTag(state: StoreState, tag: string, image: string | undefined): StoreState {
  return { ...state, tags: new Map([...state.tags, [fullTag(tag), image]]) };
}

function withContainer(state: StoreState, name: string, container: WantedContainer): StoreState {
  return { ...state, containers: new Map([...state.containers, [name, container]]) };
}

export function load(archive: Archive): Operation {
  return {
    kind: "load",
    args: ["load", "-q", "-i", archive.path],
    apply: (state) => withTag(state, archive.tag, archive.imageId),
  };
}

/** An archive with a wrong layer: nothing of it may come in. */
export function loadDamaged(archive: Archive): Operation {
  return {
    kind: "load (damaged)",
    args: ["load", "-q", "-i", archive.path],
    isRefused: true,
    apply: (state) => state,
  };
}

export function importTree(path: string, tag: string): Operation {
  return {
    kind: "import",
    args: ["import", path, tag],
    apply: (state, output) => withTag(state, tag, output?.trim()),
  };
}

export function tag(from: string, to: string): Operation {
  return {
    kind: "tag",
    args: ["tag", from, to],
    apply: (state) => withTag(state, to, state.tags.get(fullTag(from))),
  };
}

export function removeTag(name: string): Operation {
  return {
    kind: "rmi",
    args: ["rmi", name],
    apply: (state) => {
      const tags = new Map(state.tags);
      tags.delete(fullTag(name));
      return { ...state, tags };
    },
  };
}

export function prune(): Operation {
  return { kind: "prune", args: ["image", "prune", "-f"], apply: (state) => state };
}

export function create(image: string, name: string): Operation {
  return {
    kind: "create",
    args: ["create", "--name", name, "--network", "none", image, "/bin/true"],
    apply: (state) =>
      withContainer(state, name, { image: state.tags.get(fullTag(image)), files: new Map() }),
  };
}

/** A file that is still being copied may be there in part: Docker makes no promise of that either. */
export function copyIn(path: string, container: string, target: string): Operation {
  return {
    kind: "cp",
    args: ["cp", "-q", path, `${container}:/${target}`],
    apply: (state, output) => {
      const before = state.containers.get(container);
      if (before === undefined) throw new Error(`no container ${container}`);
      const hash = output === undefined ? undefined : hashOfFile(path);
      const files = new Map([...before.files, [target, hash]]);
      return withContainer(state, container, { ...before, files });
    },
  };
}

export function commit(container: string, name: string): Operation {
  return {
    kind: "commit",
    args: ["commit", container, name],
    apply: (state, output) => withTag(state, name, output?.trim()),
  };
}

export function removeContainer(name: string): Operation {
  return {
    kind: "rm",
    args: ["rm", name],
    apply: (state) => {
      const containers = new Map(state.containers);
      containers.delete(name);
      return { ...state, containers };
    },
  };
}

/** Short names, of what was loaded, tagged, imported and committed. */
function namesOf(state: StoreState): string[] {
  return [...state.tags.keys()].map((name) => name.slice("docker.io/library/".length));
}

function unusedTags(state: StoreState): string[] {
  const used = new Set([...state.containers.values()].map((container) => container.image));
  const prefix = "docker.io/library/".length;
  return [...state.tags].filter(([, id]) => !used.has(id)).map(([name]) => name.slice(prefix));
}

/** One command that makes sense with what is there. */
export function chooseOperation(random: Random, state: StoreState, archives: Archives): Operation {
  const names = namesOf(state);
  const containers = [...state.containers.keys()];
  const choices: (() => Operation | undefined)[] = [
    () => load(random.pick(archives.images)),
    () => load(random.pick(archives.images)),
    () => loadDamaged(archives.damaged),
    () => importTree(random.pick(archives.trees), `tree${random.below(2)}:1`),
    () => (names.length > 0 ? tag(random.pick(names), `other${random.below(3)}:1`) : undefined),
    () => {
      const free = unusedTags(state);
      return free.length > 0 ? removeTag(random.pick(free)) : undefined;
    },
    () => prune(),
    () => {
      const name = `box${random.below(3)}`;
      if (names.length === 0) return undefined;
      return containers.includes(name) ? removeContainer(name) : create(random.pick(names), name);
    },
    () =>
      containers.length > 0
        ? copyIn(random.pick(archives.files), random.pick(containers), `copy${random.below(3)}`)
        : undefined,
    () =>
      containers.length > 0
        ? commit(random.pick(containers), `made${random.below(2)}:1`)
        : undefined,
  ];
  for (;;) {
    const operation = random.pick(choices)();
    if (operation !== undefined) return operation;
  }
}
