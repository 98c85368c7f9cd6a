// SPDX-License-Identifier: Apache-2.0

import type { CommandEntry, CommandTable } from "./command.ts";

/** Every command: a line here and a file under `commands/`. Help, completion and docs follow. */
const commands: readonly CommandEntry[] = [
  { names: ["attach", "container attach"], load: () => import("./commands/attach.ts") },
  { names: ["commit", "container commit"], load: () => import("./commands/commit.ts") },
  { names: ["completion bash"], load: () => import("./commands/completion-bash.ts") },
  { names: ["completion fish"], load: () => import("./commands/completion-fish.ts") },
  { names: ["completion zsh"], load: () => import("./commands/completion-zsh.ts") },
  {
    names: ["container cleanup"],
    isHidden: true,
    load: () => import("./commands/container-cleanup.ts"),
  },
  {
    names: ["container healthcheck"],
    isHidden: true,
    load: () => import("./commands/container-healthcheck.ts"),
  },
  { names: ["container inspect"], load: () => import("./commands/container-inspect.ts") },
  { names: ["container prune"], load: () => import("./commands/container-prune.ts") },
  { names: ["cp", "container cp"], load: () => import("./commands/cp.ts") },
  { names: ["create", "container create"], load: () => import("./commands/create.ts") },
  { names: ["diff", "container diff"], load: () => import("./commands/diff.ts") },
  { names: ["events", "system events"], load: () => import("./commands/events.ts") },
  { names: ["exec", "container exec"], load: () => import("./commands/exec.ts") },
  { names: ["export", "container export"], load: () => import("./commands/export.ts") },
  { names: ["help"], load: () => import("./commands/help.ts") },
  { names: ["history", "image history"], load: () => import("./commands/history.ts") },
  { names: ["image inspect"], load: () => import("./commands/image-inspect.ts") },
  { names: ["image prune"], load: () => import("./commands/image-prune.ts") },
  { names: ["images", "image ls", "image list"], load: () => import("./commands/images.ts") },
  { names: ["import", "image import"], load: () => import("./commands/import.ts") },
  { names: ["info", "system info"], load: () => import("./commands/info.ts") },
  { names: ["inspect"], load: () => import("./commands/inspect.ts") },
  { names: ["kill", "container kill"], load: () => import("./commands/kill.ts") },
  { names: ["load", "image load"], load: () => import("./commands/load.ts") },
  { names: ["logs", "container logs"], load: () => import("./commands/logs.ts") },
  { names: ["ls"], load: () => import("./commands/ls.ts") },
  { names: ["network connect"], load: () => import("./commands/network-connect.ts") },
  { names: ["network create"], load: () => import("./commands/network-create.ts") },
  { names: ["network disconnect"], load: () => import("./commands/network-disconnect.ts") },
  { names: ["network inspect"], load: () => import("./commands/network-inspect.ts") },
  { names: ["network ls", "network list"], load: () => import("./commands/network-ls.ts") },
  { names: ["network prune"], load: () => import("./commands/network-prune.ts") },
  { names: ["network rm", "network remove"], load: () => import("./commands/network-rm.ts") },
  { names: ["pause", "container pause"], load: () => import("./commands/pause.ts") },
  { names: ["port", "container port"], load: () => import("./commands/port.ts") },
  {
    names: ["ps", "container ls", "container list", "container ps"],
    load: () => import("./commands/ps.ts"),
  },
  { names: ["rename", "container rename"], load: () => import("./commands/rename.ts") },
  { names: ["restart", "container restart"], load: () => import("./commands/restart.ts") },
  { names: ["rm", "container rm", "container remove"], load: () => import("./commands/rm.ts") },
  { names: ["rmi", "image rm", "image remove"], load: () => import("./commands/rmi.ts") },
  { names: ["rollback", "image rollback"], load: () => import("./commands/rollback.ts") },
  { names: ["run", "container run"], load: () => import("./commands/run.ts") },
  { names: ["save", "image save"], load: () => import("./commands/save.ts") },
  { names: ["serve"], load: () => import("./commands/serve.ts") },
  { names: ["start", "container start"], load: () => import("./commands/start.ts") },
  { names: ["stats", "container stats"], load: () => import("./commands/stats.ts") },
  { names: ["stop", "container stop"], load: () => import("./commands/stop.ts") },
  { names: ["system check"], load: () => import("./commands/system-check.ts") },
  { names: ["system df"], load: () => import("./commands/system-df.ts") },
  { names: ["system prune"], load: () => import("./commands/system-prune.ts") },
  { names: ["tag", "image tag"], load: () => import("./commands/tag.ts") },
  { names: ["top", "container top"], load: () => import("./commands/top.ts") },
  { names: ["unpause", "container unpause"], load: () => import("./commands/unpause.ts") },
  { names: ["update", "container update"], load: () => import("./commands/update.ts") },
  { names: ["version"], load: () => import("./commands/version.ts") },
  { names: ["volume create"], load: () => import("./commands/volume-create.ts") },
  { names: ["volume inspect"], load: () => import("./commands/volume-inspect.ts") },
  { names: ["volume ls", "volume list"], load: () => import("./commands/volume-ls.ts") },
  { names: ["volume prune"], load: () => import("./commands/volume-prune.ts") },
  { names: ["volume rm", "volume remove"], load: () => import("./commands/volume-rm.ts") },
  { names: ["wait", "container wait"], load: () => import("./commands/wait.ts") },
];

const groups: CommandTable["groups"] = {
  completion: {
    summary: "Write the completion script of a shell",
    description:
      "Write the script that completes lade's commands, options and image names in a shell.\n" +
      "The help of each shell says how to load it.",
  },
  container: { summary: "Manage containers" },
  image: { summary: "Manage images" },
  network: { summary: "Manage networks" },
  system: { summary: "Look at lade's store and look after it" },
  volume: { summary: "Manage volumes" },
};

const globals = {
  debug: { type: "bool", short: "D", summary: "Show the causes of errors" },
  root: {
    type: "string",
    summary: "Folder of the store (default LADE_ROOT, else the user's data folder)",
    completion: "file",
  },
  version: { type: "bool", short: "v", summary: "Print version information and quit" },
} satisfies CommandTable["globals"];

export const commandTable: CommandTable = { commands, groups, globals };
