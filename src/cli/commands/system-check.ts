// SPDX-License-Identifier: Apache-2.0

import type { CheckReport } from "../../engine/types.ts";
import { defineCommand } from "../command.ts";
import { ExitStatus } from "../exit-status.ts";
import { humanSize } from "../format/human.ts";
import { toJson } from "../format/json.ts";
import { printable } from "../format/printable.ts";
import { openEngine } from "../open-engine.ts";
import { transferLine } from "../progress/transfer-line.ts";

export const command = defineCommand({
  summary: "Check the store: recompute every digest, find what is damaged or missing",
  description:
    "Check the store: recompute every digest, find what is damaged or missing.\n" +
    "Exits with 0 if all is well or was repaired, else with 1.",
  usage: "[OPTIONS]",
  operands: { min: 0, max: 0 },
  options: {
    format: {
      type: "string",
      summary: "Format of the output: 'json' gives the report as JSON on one line",
      completion: ["json"],
    },
    repair: { type: "bool", summary: "Heal what can be healed, and remove what cannot" },
  },
  async run(context, { options, globals }) {
    if (options.format !== "" && options.format !== "json") {
      throw new ExitStatus(`unknown format: ${JSON.stringify(options.format)}: must be "json"`);
    }
    await using engine = await openEngine(context, globals);
    const report = await check();
    context.stdout.write(
      options.format === "json" ? `${toJson(reportDocument(report))}\n` : reportText(report),
    );
    const damaged = report.findings.filter((finding) => !finding.repaired);
    if (damaged.length === 0) return;
    if (options.repair) throw new ExitStatus(`${count(damaged.length)} could not be repaired`);
    throw new ExitStatus(
      `${count(damaged.length)} found\nhint: Run \`lade system check --repair\`, ` +
        "or load the images again: loading heals what it brings.",
    );

    async function check(): Promise<CheckReport> {
      using line = transferLine(context.stderr, { verb: "Checking", now: context.now });
      return await context.useCases.checkStore(engine, {
        repair: options.repair,
        onProgress: line.onProgress,
      });
    }
  },
});

function count(problems: number): string {
  return problems === 1 ? "1 problem" : `${problems} problems`;
}

/** The report with names in the style of Docker's documents. */
function reportDocument({ blobs, size, images, findings }: CheckReport) {
  return {
    Blobs: blobs,
    Size: size,
    Images: images,
    Findings: findings.map(({ kind, subject, message, repaired }) => ({
      Kind: kind,
      Subject: subject,
      Message: message,
      Repaired: repaired,
    })),
  };
}

function reportText({ findings, blobs, size, images }: CheckReport): string {
  const lines = findings.map(({ kind, subject, message, repaired }) => {
    const state = repaired ? " (repaired)" : "";
    return `${printable(kind)}: ${printable(subject)}: ${printable(message)}${state}`;
  });
  lines.push(`Checked ${blobs} blobs (${humanSize(size)}) of ${images} images.`);
  if (findings.length === 0) lines.push("No problems found.");
  return `${lines.join("\n")}\n`;
}
