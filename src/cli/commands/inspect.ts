// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../../base/errors.ts";
import type { Engine } from "../../engine/engine.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { ExitStatus } from "../exit-status.ts";
import type { DocumentViews } from "../format/document.ts";
import { objectTemplate } from "../format/document-format.ts";
import { inspectDocuments } from "../inspect-documents.ts";
import { openEngine } from "../open-engine.ts";
import { documentFormat } from "../option-specs.ts";

/** What can be looked up, in the order in which Docker tries. */
const kinds = ["container", "image", "network", "volume"] as const;

type Kind = (typeof kinds)[number];

const types = [
  "config",
  "container",
  "image",
  "network",
  "node",
  "plugin",
  "secret",
  "service",
  "task",
  "volume",
] as const;

export const command = defineCommand({
  summary: "Return low-level information on objects",
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "object" },
  options: {
    format: { ...documentFormat, short: "f" },
    size: {
      type: "bool",
      short: "s",
      summary: "Display total file sizes if the type is container",
    },
    type: {
      type: "string",
      summary: "Only inspect objects of the given type",
      completion: kinds,
    },
  },
  async run(context, { options, operands, globals, isGiven }) {
    const { type, format, size } = options;
    checkType(type, isGiven("type"));
    const found = new Map<object, Kind>();
    const template = await objectTemplate(format, () => viewsOf(found));
    await using engine = await openEngine(context, globals);
    await inspectDocuments(context, {
      names: operands,
      format,
      template,
      lookUp: async (name) => {
        const { kind, document } = await lookUp(context, engine, { name, type, size });
        found.set(document, kind);
        if (size && kind !== "container") {
          context.stderr.write(`WARNING: --size ignored for ${kind}\n`);
        }
        return document;
      },
    });
  },
});

function checkType(type: string, isGiven: boolean): void {
  const all = types.map((name) => `"${name}"`).join(", ");
  if (isGiven && type === "") throw new ExitStatus(`type is empty: must be one of ${all}`);
  if (type !== "" && !types.some((name) => name === type)) {
    throw new ExitStatus(`unknown type: ${JSON.stringify(type)}: must be one of ${all}`);
  }
}

/** Each document is seen as what it was found to be. */
async function viewsOf(found: ReadonlyMap<object, Kind>): Promise<DocumentViews> {
  const [{ imageViews }, shapes] = await Promise.all([
    import("../format/inspect-views.ts"),
    import("../format/container-shape.ts"),
  ]);
  const views = {
    container: shapes.containerViews,
    image: imageViews,
    network: shapes.networkViews,
    volume: shapes.volumeViews,
  };
  return (document) => views[found.get(document) ?? "image"](document);
}

interface Wanted {
  readonly name: string;
  readonly type: string;
  readonly size: boolean;
}

async function lookUp(
  { useCases }: Context,
  engine: Engine,
  { name, type, size }: Wanted,
): Promise<{ readonly kind: Kind; readonly document: object }> {
  const finders: Readonly<Record<Kind, () => Promise<object>>> = {
    container: () => useCases.inspectContainer(engine, name, { size }),
    image: () => useCases.inspectImage(engine, name, {}),
    network: () => useCases.inspectNetwork(engine, name),
    volume: () => useCases.inspectVolume(engine, name),
  };
  for (const kind of kinds.filter((candidate) => type === "" || candidate === type)) {
    try {
      return { kind, document: await finders[kind]() };
    } catch (error) {
      if (type !== "" || !isSkippable(error)) throw error;
    }
  }
  throw new ExitStatus(type === "" ? `error: no such object: ${name}` : noSuchObject(type, name));
}

/** A name that one kind of object can't have or has may still be another object's. */
function isSkippable(error: unknown): boolean {
  return (
    isLadeError(error, "CONTAINER_NOT_FOUND") ||
    isLadeError(error, "DIGEST_INVALID") ||
    isLadeError(error, "IMAGE_NOT_FOUND") ||
    isLadeError(error, "NETWORK_NOT_FOUND") ||
    isLadeError(error, "REFERENCE_INVALID") ||
    isLadeError(error, "VOLUME_NOT_FOUND")
  );
}

/** Docker's answers for kinds of objects that are not here. */
function noSuchObject(type: string, name: string): string {
  const text =
    type === "plugin" ? `plugin ${JSON.stringify(name)} not found` : `No such ${type}: ${name}`;
  return `Error response from daemon: ${text}`;
}
