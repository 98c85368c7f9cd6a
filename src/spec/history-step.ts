// SPDX-License-Identifier: Apache-2.0

import type { HistoryEntry } from "./image-config.ts";

/** What a step of an image's history did to the config, as far as its text tells. */
export type HistoryStep =
  | {
      /** A Dockerfile instruction that changes the config. */
      readonly type: "change";
      /** In capitals. */
      readonly instruction: string;
      readonly text: string;
      readonly builder: Builder;
    }
  /** RUN, COPY, ADD and instructions that leave the config as it is. */
  | { readonly type: "content" }
  /** `docker build --squash` made one layer of several steps, which the history still lists. */
  | { readonly type: "squash" }
  /** `commit`, `import` and other builders: the config may have changed in any way. */
  | { readonly type: "unknown" };

/**
 * Who wrote the step. Docker's classic builder and BuildKit write values as they were set
 * (`ENV A=two words`), others keep the line of the Dockerfile (`ENV A="two words"`).
 */
export type Builder = "classic" | "buildkit" | "other";

const noChange = new Set(["RUN", "COPY", "ADD", "ARG", "MAINTAINER", "FROM", "COMMENT"]);
const changes = new Set([
  "CMD",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "HEALTHCHECK",
  "LABEL",
  "ONBUILD",
  "SHELL",
  "STOPSIGNAL",
  "USER",
  "VOLUME",
  "WORKDIR",
]);

const nop = "#(nop) ";
const buildkitSuffix = / # buildkit$/;
const buildkitComment = /^buildkit\.dockerfile/;
const squashComment = /^(?:merge sha256:\S+ to|create new from) sha256:/;
/** RUN of docker's classic builder: its shell, with the number of build arguments before it. */
const shellCommand = /^(?:\|\d+ |\/(?:\S+\/)*\w*sh (?:-?\w+ )*?-\w*c )/;

/**
 * Reads a step's `created_by`, as docker's classic builder, BuildKit and those who follow them
 * write it.
 */
export function parseHistoryStep(entry: HistoryEntry): HistoryStep {
  const { created_by: text = "", comment = "" } = entry;
  if (squashComment.test(comment)) return { type: "squash" };
  const at = text.indexOf(nop);
  if (at >= 0) {
    const rest = text.slice(at + nop.length);
    // docker's own has two spaces before all instructions but ADD and COPY; buildah has one.
    return parseInstruction(rest.trimStart(), rest.startsWith(" ") ? "classic" : "other");
  }
  const bare = text.replace(buildkitSuffix, "");
  const isBuildkit = bare !== text || buildkitComment.test(comment);
  const step = parseInstruction(bare, isBuildkit ? "buildkit" : "other");
  if (step.type === "unknown" && shellCommand.test(text)) return { type: "content" };
  return step;
}

function parseInstruction(line: string, builder: Builder): HistoryStep {
  const match = /^([A-Z]+)(?:\s+(.*))?$/s.exec(line);
  const instruction = match?.[1] ?? "";
  if (noChange.has(instruction)) return { type: "content" };
  if (!changes.has(instruction)) return { type: "unknown" };
  return { type: "change", instruction, text: match?.[2] ?? "", builder };
}
