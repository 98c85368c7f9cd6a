// SPDX-License-Identifier: Apache-2.0

/** What lade may touch while an archive comes in, and why. */

import { join } from "node:path";
import type { Bounds, KnownPlace } from "./file-judge.ts";

export interface AuditedFolders {
  /** Holds all of these. */
  readonly folder: string;
  readonly root: string;
  readonly runRoot: string;
  /** Archives that come in, and what goes out. */
  readonly files: string;
  readonly victim: string;
  /** What Node starts. */
  readonly program: string;
}

const escaped = (path: string) => RegExp.escape(path);

function read(path: RegExp, reason: string): KnownPlace {
  return { path, access: "read", reason };
}

function write(path: RegExp, reason: string): KnownPlace {
  return { path, access: "write", reason };
}

/** Files of the machine, wherever lade lies. */
const machine: readonly KnownPlace[] = [
  read(/^\/(usr\/)?lib(32|64)?\/(.*\/)?[^/]+\.so(\.[\d.]+)?$/, "shared libraries"),
  read(/^\/etc\/ld\.so\.(cache|preload)$/, "shared libraries"),
  read(/^\/(etc|usr\/lib)\/ssl\/openssl\.cnf$/, "Node's start"),
  read(/^\/dev\/(u?random|null)$/, "devices that hold nothing"),
  write(/^\/dev\/null$/, "devices that hold nothing"),
  read(/^\/usr\/share\/zoneinfo\/[\w/+-]+$/, "the time zone"),
  read(/^\/etc\/(localtime|timezone)$/, "the time zone"),
  read(/^\/etc\/group$/, "who may use the server's socket"),
  read(/^\/etc\/resolv\.conf$/, "name servers, for containers"),
  read(/^net:\[\d+\]$/, "what the kernel tells"),
  read(/^\/(proc|sys)(\/.*)?$/, "what the kernel tells"),
  write(/^\/sys\/fs\/cgroup\/(.*\/)?lade(\/.*)?$/, "control groups of containers"),
  write(/^\/dev\/loop(-control|\d+)$/, "loop devices, for a driver that needs them"),
];

/** Programs that lade starts for a container that runs in no network. */
const programs = ["conmon", "runc", "crun"];

export function boundsOf(places: AuditedFolders): Bounds {
  const { root, runRoot, files, folder, victim, program } = places;
  const dist = escaped(join(program, ".."));
  const top = [
    `${escaped(root)}/(containers/[^/]+/upper|volumes/[^/]+/_data|unpacked/[^/.]+(\\.tmp/(tree|links))?)`,
    // Those of a probe hold what lade made to find out what the kernel can.
    `${escaped(runRoot)}/(layers/(?!probe-)[^/]+|containers/(?!probe-)[^/]+/rootfs)`,
    `${escaped(join(files, "out"))}`,
  ];
  return {
    node: process.execPath,
    victim,
    own: [root, runRoot, files],
    foreign: new RegExp(`^(${top.join("|")})/.`),
    programs,
    known: [
      ...machine,
      read(new RegExp(`^${escaped(process.execPath)}$`), "Node's start"),
      read(new RegExp(`^${dist}/(package\\.json|[\\w.-]+\\.c?js)$`), "lade's own program"),
      write(new RegExp(`^${dist}/\\.cache(/.*)?$`), "lade's own program, compiled"),
      read(new RegExp(`^${escaped(folder)}$`), "the store's parent, to sync it"),
    ],
  };
}
