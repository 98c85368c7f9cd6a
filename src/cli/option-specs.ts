// SPDX-License-Identifier: Apache-2.0

/** Options that several commands have. */

/** Those that people send, for completion. */
export const signalNames = "HUP INT QUIT KILL USR1 USR2 TERM CONT STOP WINCH".split(" ");

/** `--format` of a list. */
export const listFormat = {
  type: "string",
  summary: [
    "Format of the output:",
    "'table':            a table with headings (default)",
    "'table TEMPLATE':   a table of what the Go template gives",
    "'json':             one JSON object for each line",
    "'TEMPLATE':         what the Go template gives",
  ].join("\n"),
  completion: ["table", "json"],
} as const;

/** `--format` of a document. */
export const documentFormat = {
  type: "string",
  summary: [
    "Format of the output:",
    "'json':             JSON on one line",
    "'TEMPLATE':         what the Go template gives",
  ].join("\n"),
  completion: ["json"],
} as const;

export const noTrunc = { type: "bool", summary: "Don't truncate output" } as const;

const platformForm = 'as "os[/arch[/variant]]", such as "linux/amd64"';

export function platformOption(action: string) {
  return { type: "string", summary: `${action} for the given platform, ${platformForm}` } as const;
}

export function platformsOption(action: string) {
  return {
    type: "strings",
    summary: `${action} only the given platforms, each ${platformForm}`,
  } as const;
}

/** `--detach-keys`. */
export const detachKeys = {
  type: "string",
  summary: "Override the key sequence for detaching a container",
} as const;

export function sigProxy(summary: string) {
  return { type: "bool", default: true, summary } as const;
}

/** `--signal`. */
export const signalOption = {
  type: "string",
  short: "s",
  summary: "Signal to send to the container",
  completion: signalNames,
} as const;

/** `--change` of `commit` and `import`. */
export const changeOption = {
  type: "list",
  short: "c",
  summary: "Apply Dockerfile instruction to the created image",
  completion: [
    "CMD",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "LABEL",
    "ONBUILD",
    "USER",
    "VOLUME",
    "WORKDIR",
  ],
} as const;

/** `--force` of what asks first. */
export const forceOption = {
  type: "bool",
  short: "f",
  summary: "Do not prompt for confirmation",
} as const;

/** `--filter` of what removes what is not needed. */
export function pruneFilter(what: string) {
  return {
    type: "filter",
    summary: `Remove only ${what} that match: label, label!, until (such as "until=24h")`,
    completion: ["label=", "label!=", "until="],
  } as const;
}
