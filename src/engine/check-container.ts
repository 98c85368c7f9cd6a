// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import type { ContainerConfig, HostConfig, RestartPolicy } from "../spec/container.ts";
import { goQuote } from "../spec/go-quote.ts";
import type { Healthcheck } from "../spec/image-config.ts";
import { isSignal } from "../spec/signal.ts";
import { containerInvalid } from "./container-errors.ts";
import { checkTmpfsTarget } from "./mount-specs.ts";

/**
 * What Docker's daemon checks of a container before it makes it, in its order and words
 * (`verifyContainerSettings` of moby, and daemon/internal/runconfig).
 */

/** @throws LadeError CONTAINER_INVALID, UNSUPPORTED */
export function checkSettings(config: ContainerConfig, host: HostConfig): void {
  if (host.UTSMode === "host" && config.Hostname) {
    throw containerInvalid("conflicting options: hostname and the UTS mode");
  }
  if (!["", "default"].includes(host.Isolation ?? "")) {
    throw containerInvalid(`invalid isolation (${host.Isolation}): linux only supports 'default'`);
  }
  checkConfig(config);
  checkHostConfig(host);
}

/** The container whose network is shared, in `container:NAME`. */
export function sharedWith(mode: string): string | undefined {
  return mode.startsWith("container:") ? mode.slice("container:".length) : undefined;
}

const hostnameMax = 64;

function checkConfig(config: ContainerConfig): void {
  const { WorkingDir: folder = "", StopSignal: signal = "", Hostname: hostname = "" } = config;
  if (folder !== "" && !folder.startsWith("/")) {
    throw containerInvalid(
      `the working directory '${folder}' is invalid, it needs to be an absolute path`,
    );
  }
  if (signal !== "" && !isSignal(signal)) throw containerInvalid(`Invalid signal: ${signal}`);
  for (const entry of config.Env ?? []) {
    if (entry === "" || entry.startsWith("=")) {
      throw containerInvalid(`invalid environment variable: ${entry}`);
    }
  }
  checkHealthcheck(config.Healthcheck);
  if (Buffer.byteLength(hostname) > hostnameMax) {
    throw containerInvalid(
      `hostname ${goQuote(hostname)} is too long (maximum ${hostnameMax} bytes)`,
    );
  }
  checkHostname(hostname);
}

/** A host name becomes a line of /etc/hosts. */
function checkHostname(hostname: string): void {
  if (/[\s\0]/.test(hostname)) {
    throw containerInvalid(`invalid hostname format: ${hostname}`);
  }
}

const millisecondNs = 1e6;

function checkHealthcheck(check: Healthcheck | undefined): void {
  if (check === undefined) return;
  for (const name of ["Interval", "Timeout", "StartPeriod", "StartInterval"] as const) {
    const value = check[name] ?? 0;
    if (value !== 0 && value < millisecondNs) {
      throw containerInvalid(`${name} in Healthcheck cannot be less than 1ms`);
    }
  }
  if ((check.Retries ?? 0) < 0) {
    throw containerInvalid("Retries in Healthcheck cannot be negative");
  }
  const [type] = check.Test ?? [];
  if (type !== undefined && !["", "NONE", "CMD", "CMD-SHELL"].includes(type)) {
    throw containerInvalid(`Unknown healthcheck type '${type}' (expected 'CMD')`);
  }
}

function checkHostConfig(host: HostConfig): void {
  const policy = host.RestartPolicy ?? {};
  if (host.AutoRemove === true && !["", "no"].includes(policy.Name ?? "")) {
    throw containerInvalid("can't create 'AutoRemove' container with restart policy");
  }
  checkPortBindings(host);
  checkRestartPolicy(policy);
  for (const name of Object.keys(host.Annotations ?? {})) {
    if (name === "") {
      throw containerInvalid(
        "invalid Annotations: the empty string is not permitted as an annotation key",
      );
    }
  }
  checkModes(host);
  for (const target of Object.keys(host.Tmpfs ?? {})) checkTmpfsTarget(target);
  if (Object.keys(host.StorageOpt ?? {}).length > 0) {
    throw new LadeError(
      "UNSUPPORTED",
      "--storage-opt is supported only for overlay over xfs with 'pquota' mount option",
      { hint: "lade's containers have no size limit: leave the option away." },
    );
  }
}

function checkPortBindings(host: HostConfig): void {
  for (const [port, bindings] of Object.entries(host.PortBindings ?? {})) {
    if (!/^\d{1,5}(?:\/(?:tcp|udp|sctp))?$/.test(port) || !isPort(Number.parseInt(port, 10))) {
      throw containerInvalid(`invalid port specification: ${goQuote(port)}`);
    }
    for (const { HostPort: hostPort = "" } of bindings ?? []) {
      if (hostPort !== "" && !isPortRange(hostPort)) {
        throw containerInvalid(`invalid port specification: ${goQuote(hostPort)}`);
      }
    }
  }
}

function isPortRange(text: string): boolean {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  if (first === undefined) return false;
  return Number(first) <= Number(last) && Number(last) <= 65535;
}

function isPort(number: number): boolean {
  return number >= 1 && number <= 65535;
}

/** @throws LadeError CONTAINER_INVALID */
export function checkRestartPolicy(policy: RestartPolicy): void {
  const { Name: name = "", MaximumRetryCount: retries = 0 } = policy;
  if (!["", "no", "always", "unless-stopped", "on-failure"].includes(name)) {
    throw containerInvalid(
      `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  }
  if (name === "on-failure") {
    if (retries < 0) {
      throw containerInvalid("invalid restart policy: maximum retry count cannot be negative");
    }
  } else if (retries !== 0) {
    const more = retries < 0 ? " and cannot be negative" : "";
    throw containerInvalid(
      `invalid restart policy: maximum retry count can only be used with 'on-failure'${more}`,
    );
  }
}

function checkModes(host: HostConfig): void {
  const { IpcMode: ipc = "", PidMode: pid = "", UTSMode: uts = "" } = host;
  if (!["", "none", "private", "shareable", "host"].includes(ipc) && !sharedWith(ipc)) {
    throw containerInvalid(`invalid IPC mode: ${ipc}`);
  }
  if (!["", "host"].includes(pid) && !sharedWith(pid)) {
    throw containerInvalid(`invalid PID mode: ${pid}`);
  }
  if ((host.ShmSize ?? 0) < 0) throw containerInvalid("SHM size can not be less than 0");
  if (!["", "host"].includes(uts)) throw containerInvalid(`invalid UTS mode: ${uts}`);
  if (!["", "host"].includes(host.UsernsMode ?? "")) {
    throw containerInvalid(`invalid USER mode: ${host.UsernsMode}`);
  }
  if (!["", "host", "private"].includes(host.CgroupnsMode ?? "")) {
    throw containerInvalid(`invalid cgroup namespace mode: ${host.CgroupnsMode}`);
  }
  const score = host.OomScoreAdj ?? 0;
  if (score < -1000 || score > 1000) {
    throw containerInvalid(`Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
  }
}
