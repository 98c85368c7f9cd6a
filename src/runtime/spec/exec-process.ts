// SPDX-License-Identifier: Apache-2.0

import type { ContainerConfig, ExecConfig } from "../../spec/container.ts";
import { makeEnvironment, replaceVariables } from "./environment.ts";
import type { OciProcess, OciUser } from "./oci-spec.ts";

export interface ExecProcessInput {
  /** The container's own process, as `buildSpec` made it. */
  readonly container: OciProcess;
  /** The container's, merged with its image's. */
  readonly config: ContainerConfig;
  readonly hostname: string;
  /** Variables of containers that this one is linked to. */
  readonly linked?: readonly string[];
  readonly exec: ExecConfig;
  readonly user: OciUser;
  readonly size?: { readonly rows: number; readonly columns: number } | undefined;
  /** What this process may give away, for `--privileged`. */
  readonly capabilities: readonly string[];
}

/** The document of a further process in a container (daemon/exec.go of moby). */
export function buildExecProcess(input: ExecProcessInput): OciProcess {
  const { container, config, exec, size } = input;
  const { uid, gid, additionalGids } = input.user;
  const { consoleSize: _, ...base } = container;
  const hasTerminal = exec.Tty === true;
  const env = makeEnvironment({
    hostname: input.hostname,
    hasTerminal,
    linked: input.linked,
    own: config.Env ?? [],
  });
  const all = input.capabilities;
  return {
    ...base,
    terminal: hasTerminal,
    ...(hasTerminal &&
      size !== undefined && { consoleSize: { height: size.rows, width: size.columns } }),
    user: { uid, gid, additionalGids },
    args: exec.Cmd ?? [],
    env: replaceVariables(env, exec.Env ?? []),
    cwd: exec.WorkingDir || config.WorkingDir || "/",
    ...(exec.Privileged === true && {
      capabilities: { bounding: all, effective: all, permitted: all },
    }),
  };
}
