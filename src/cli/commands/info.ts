// SPDX-License-Identifier: Apache-2.0

import { gitCommit, version } from "../../base/version.ts";
import { loggingDriver, systemInfoDocument } from "../../engine/info-document.ts";
import type { SystemInfo } from "../../engine/types.ts";
import { defineCommand } from "../command.ts";
import { documentTemplate } from "../format/document-format.ts";
import { binarySize, humanSize } from "../format/human.ts";
import { toJson } from "../format/json.ts";
import { printable } from "../format/printable.ts";
import { openEngine } from "../open-engine.ts";
import { documentFormat } from "../option-specs.ts";
import { writeWarnings } from "../warnings.ts";

export const command = defineCommand({
  summary: "Display system-wide information",
  usage: "[OPTIONS]",
  operands: { min: 0, max: 0 },
  options: { format: { ...documentFormat, short: "f" } },
  async run(context, { options: { format }, globals }) {
    const template = await documentTemplate(format);
    await using engine = await openEngine(context, globals);
    const info = await context.useCases.systemInfo(engine);
    if (format === "") {
      context.stdout.write(infoText(info, globals.isDebug));
      writeWarnings(context.stderr, info.warnings);
      return;
    }
    const document = infoDocument(info, globals.isDebug);
    const text = template?.render(document, context.stdout) ?? toJson(document);
    context.stdout.write(`${text}\n`);
  },
});

function infoText(info: SystemInfo, isDebug: boolean): string {
  const lines = [
    "Client: lade",
    ` Version:    ${version}`,
    " Context:    default",
    ` Debug Mode: ${isDebug}`,
    "",
    "Server: lade",
    ` Containers: ${info.containers.total}`,
    `  Running: ${info.containers.running}`,
    `  Paused: ${info.containers.paused}`,
    `  Stopped: ${info.containers.stopped}`,
    ` Images: ${info.images}`,
    ` Server Version: ${info.serverVersion}`,
    ` Storage Driver: ${info.driver}`,
    `  Reason: ${printable(info.driverReason)}`,
    ` Logging Driver: ${loggingDriver}`,
    ` Cgroup Driver: ${info.cgroupDriver}`,
    ` Cgroup Version: ${info.cgroupVersion}`,
    ` Runtimes: ${printable(Object.keys(info.runtimes).join(" "))}`,
    ` Default Runtime: ${printable(info.defaultRuntime)}`,
    ` Init Binary: ${printable(info.init)}`,
    ` ${printable(info.defaultRuntime || "runc")} version: ${printable(info.runtimeVersion)}`,
    ...securityLines(info.securityOptions),
    ` Kernel Version: ${info.kernelVersion}`,
    ` Operating System: ${printable(info.operatingSystem)}`,
    ` OSType: ${info.osType}`,
    ` Architecture: ${info.architecture}`,
    ` CPUs: ${info.cpus}`,
    ` Total Memory: ${binarySize(info.memory)}`,
    ` Name: ${printable(info.name)}`,
    ` ID: ${info.id}`,
    // The name that scripts look for in Docker's output.
    ` Docker Root Dir: ${printable(info.root)}`,
    ` Root Dir Size: ${humanSize(info.rootSize ?? 0)}`,
  ];
  return `${lines.join("\n")}\n\n`;
}

/** `name=seccomp,profile=default` as two lines, in Docker's way. */
function securityLines(options: readonly string[]): string[] {
  if (options.length === 0) return [];
  const lines = options.flatMap((option) =>
    option.split(",").map((part) => {
      const [key = "", value = ""] = part.split("=");
      return key === "name" ? `  ${value}` : `   ${key === "profile" ? "Profile" : key}: ${value}`;
    }),
  );
  return [" Security Options:", ...lines];
}

/** The engine's document and what only this program knows. */
function infoDocument(info: SystemInfo, isDebug: boolean) {
  return {
    ...systemInfoDocument(info),
    Debug: isDebug,
    RootDirSize: info.rootSize,
    ClientInfo: {
      Debug: isDebug,
      Version: version,
      GitCommit: gitCommit,
      Context: "default",
      Plugins: [],
      Warnings: [],
    },
  };
}
