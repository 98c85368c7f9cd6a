// SPDX-License-Identifier: Apache-2.0

import { gitCommit, version } from "../../base/version.ts";
import { defineCommand } from "../command.ts";
import { documentTemplate } from "../format/document-format.ts";
import { toJson } from "../format/json.ts";
import { tabulate } from "../format/tabulate.ts";
import { documentFormat } from "../option-specs.ts";

export const command = defineCommand({
  summary: "Show the version information",
  usage: "[OPTIONS]",
  operands: { min: 0, max: 0 },
  options: { format: { ...documentFormat, short: "f" } },
  async run(context, { options: { format } }) {
    const document = versionDocument();
    if (format === "") {
      context.stdout.write(tabulate(`${versionText(document)}\n`, { minWidth: 20, padding: 1 }));
      return;
    }
    const template = await documentTemplate(format);
    const text = template?.render(document, context.stdout) ?? toJson(document);
    context.stdout.write(`${text}\n`);
  },
});

/** Go's word for this machine's architecture, as Docker shows it. */
function goArchitecture(): string {
  const names: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
  return names[process.arch] ?? process.arch;
}

/** Docker's document as far as it means something here: one program is both client and server. */
function versionDocument() {
  const build = {
    Version: version,
    GitCommit: gitCommit,
    NodeVersion: process.version,
    Os: process.platform,
    Arch: goArchitecture(),
  };
  const { Version, ...details } = build;
  return {
    Client: { Platform: { Name: "lade" }, ...build, Context: "default" },
    Server: {
      Platform: { Name: "lade" },
      ...build,
      Components: [{ Name: "Engine", Version, Details: details }],
    },
  };
}

function versionText({ Client, Server }: ReturnType<typeof versionDocument>): string {
  const rows = (indent: string, build: typeof Client | typeof Server) => [
    `${indent}Version:\t${build.Version}`,
    `${indent}Git commit:\t${build.GitCommit}`,
    `${indent}Node.js version:\t${build.NodeVersion}`,
    `${indent}OS/Arch:\t${build.Os}/${build.Arch}`,
  ];
  return [
    "Client: lade",
    ...rows(" ", Client),
    ` Context:\t${Client.Context}`,
    "",
    "Server: lade",
    " Engine:",
    ...rows("  ", Server),
  ].join("\n");
}
