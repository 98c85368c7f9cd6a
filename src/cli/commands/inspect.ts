// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../../base/errors.ts";
import { defineCommand } from "../command.ts";
import { ExitStatus } from "../exit-status.ts";
import { imageTemplate } from "../format/document-format.ts";
import { inspectDocuments } from "../inspect-documents.ts";
import { openEngine } from "../open-engine.ts";
import { documentFormat } from "../option-specs.ts";

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
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "image" },
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
      completion: ["image"],
    },
  },
  async run(context, { options, operands, globals, isGiven }) {
    const { type } = options;
    const allTypes = types.map((name) => `"${name}"`).join(", ");
    if (isGiven("type") && type === "") {
      throw new ExitStatus(`type is empty: must be one of ${allTypes}`);
    }
    if (type !== "" && !types.some((name) => name === type)) {
      throw new ExitStatus(`unknown type: ${JSON.stringify(type)}: must be one of ${allTypes}`);
    }
    const template = await imageTemplate(options.format);
    await using engine = await openEngine(context, globals);
    await inspectDocuments(context, {
      names: operands,
      format: options.format,
      template,
      lookUp: async (name) => {
        if (type !== "" && type !== "image") throw new ExitStatus(noSuchObject(type, name));
        try {
          const document = await context.useCases.inspectImage(engine, name, {});
          if (options.size) context.stderr.write("WARNING: --size ignored for image\n");
          return document;
        } catch (error) {
          if (type === "image" || !isSkippable(error)) throw error;
          throw new ExitStatus(`error: no such object: ${name}`, undefined, error);
        }
      },
    });
  },
});

/** A name that no image can have or has may still be another object's. */
function isSkippable(error: unknown): boolean {
  return (
    isLadeError(error, "IMAGE_NOT_FOUND") ||
    isLadeError(error, "REFERENCE_INVALID") ||
    isLadeError(error, "DIGEST_INVALID")
  );
}

/** Docker's answers for objects that are not there. */
function noSuchObject(type: string, name: string): string {
  const texts: Readonly<Record<string, string>> = {
    network: `network ${name} not found`,
    plugin: `plugin ${JSON.stringify(name)} not found`,
    volume: `get ${name}: no such volume`,
  };
  return `Error response from daemon: ${texts[type] ?? `No such ${type}: ${name}`}`;
}
