// SPDX-License-Identifier: Apache-2.0

import { messageOf } from "../../base/errors.ts";
import { goQuote } from "../../spec/go-quote.ts";
import { trimSpace } from "../../spec/go-space.ts";
import { InvalidValue } from "../invalid-value.ts";
import type { FlagHost } from "./flag-host.ts";
import { cut } from "./key-values.ts";

export interface SecurityOptions {
  readonly options: readonly string[];
  /** True: no path of /proc and /sys is hidden or read-only. */
  readonly isUnconfined: boolean;
}

/** `--security-opt`; the file of a seccomp profile is read here, and goes on as its text. */
export function parseSecurityOptions(texts: readonly string[], host: FlagHost): SecurityOptions {
  const options = texts.map((text) => parseOption(text, host));
  const unconfined = "systempaths=unconfined";
  return {
    options: options.filter((option) => option !== unconfined),
    isUnconfined: options.includes(unconfined),
  };
}

const noNewPrivileges = "no-new-privileges";

function parseOption(text: string, host: FlagHost): string {
  let [name, value] = cut(text);
  if (value === undefined && name !== noNewPrivileges) [name, value] = cut(text, ":");
  // Only this one goes without a value.
  if ((value === undefined || value === "") && name !== noNewPrivileges) {
    throw new InvalidValue(`Invalid --security-opt: ${goQuote(text)}`);
  }
  const isProfile = name === "seccomp" && value !== "builtin" && value !== "unconfined";
  return isProfile ? `seccomp=${readProfile(value ?? "", host)}` : text;
}

function readProfile(path: string, host: FlagHost): string {
  const text = read(path, host);
  try {
    JSON.parse(text);
  } catch (error) {
    throw new InvalidValue(
      `compacting json for seccomp profile (${path}) failed: ${messageOf(error)}`,
    );
  }
  // Between tokens JSON has white space only, which goes; texts stay as they are.
  return text.replace(/("(?:[^"\\]|\\.)*")|\s+/gs, "$1");
}

function read(path: string, host: FlagHost): string {
  try {
    return host.readFile(path).toString();
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw new InvalidValue(`opening seccomp profile (${path}) failed: ${error.message}`);
  }
}

/** `--cap-add` and `--cap-drop`: sorted, each once, in the kernel's spelling. */
export function parseCapabilities(texts: readonly string[]): string[] {
  const names = texts.map((text) => {
    const name = trimSpace(text).toUpperCase();
    return name === "ALL" || name.startsWith("CAP_") ? name : `CAP_${name}`;
  });
  return [...new Set(names)].sort();
}
