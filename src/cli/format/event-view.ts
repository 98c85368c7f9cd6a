// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../../base/errors.ts";
import type { EventMessage } from "../../engine/events.ts";
import type { Zone } from "../../sys/local-time.ts";
import { ExitStatus, exitCodes } from "../exit-status.ts";
import { executeTemplate, parseTemplate } from "../template/template.ts";
import { type GoValue, goStruct, goTyped, jsonObject } from "../template/values.ts";
import { executeFormat } from "./template.ts";

/** The text of an event, without a line end. */
export type EventFormatter = (event: EventMessage) => string;

/**
 * What `docker events` prints of each event.
 *
 * Source: `prettyPrintEvent` of docker/cli (cli/command/system/events.go).
 */
export function plainFormatter(zoneAt: (timeMs: number) => Zone): EventFormatter {
  return ({ Type, Action, Actor, timeNano }) => {
    const attributes = Object.entries(Actor.Attributes)
      .map(([name, value]) => `${name}=${value}`)
      .join(", ");
    const suffix = attributes === "" ? "" : ` (${attributes})`;
    return `${localTime(timeNano, zoneAt)} ${Type} ${Action} ${Actor.ID}${suffix}`;
  };
}

/** RFC 3339 with all nine digits of the nanoseconds. */
function localTime(timeNs: bigint, zoneAt: (timeMs: number) => Zone): string {
  const timeMs = Number(timeNs / 1_000_000n);
  const { offset } = zoneAt(timeMs);
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(3, 5));
  const shiftMs = (offset.startsWith("-") ? -minutes : minutes) * 60_000;
  const date = new Date(timeMs + shiftMs).toISOString().slice(0, 19);
  const fraction = String(timeNs % 1_000_000_000n).padStart(9, "0");
  return `${date}.${fraction}${minutes === 0 ? "Z" : `${offset.slice(0, 3)}:${offset.slice(3)}`}`;
}

const empty: EventMessage = {
  Type: "container",
  Action: "",
  Actor: { ID: "", Attributes: {} },
  scope: "local",
  time: 0,
  timeNano: 0n,
};

/**
 * What `--format` makes of each event.
 *
 * @throws ExitStatus for a template that is none, or that names what no event has
 */
export function templateFormatter(format: string): EventFormatter {
  const text = format === "json" ? "{{json .}}" : format;
  try {
    const template = parseTemplate(text);
    executeTemplate(template, goView(empty));
    return (event) => executeFormat(template, goView(event));
  } catch (error) {
    if (!isLadeError(error)) throw error;
    const reason = error.message.replace(/^template parsing error: /, "");
    throw new ExitStatus(`Error parsing format: ${reason}`, exitCodes.template, error);
  }
}

/** An event as Docker's Go type, in whose JSON some names begin small and empty ones are missing. */
function goView(event: EventMessage): GoValue {
  const actor = goStruct("events.Actor", {
    ID: event.Actor.ID,
    Attributes: goTyped("map[string]string", event.Actor.Attributes),
  });
  const { status, id, from, Type, Action, scope, time, timeNano } = event;
  const json = {
    ...(status !== undefined && { status }),
    ...(id !== undefined && { id }),
    ...(from !== undefined && { from }),
    Type,
    Action,
    Actor: actor,
    scope,
    time,
    timeNano,
  };
  return goStruct(
    "*events.Message",
    {
      Status: status ?? "",
      ID: id ?? "",
      From: from ?? "",
      Type: goTyped("events.Type", Type),
      Action: goTyped("events.Action", Action),
      Actor: actor,
      Scope: scope,
      Time: goTyped("int64", time),
      TimeNano: goTyped("int64", timeNano),
    },
    { json: () => goStruct(jsonObject, json) },
  );
}
