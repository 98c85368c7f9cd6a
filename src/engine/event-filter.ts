// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../base/errors.ts";
import type { EventDocument } from "../content/events.ts";
import { familiarName, parseReference } from "../spec/reference.ts";
import { matchesLabels } from "./filters.ts";
import type { Filter } from "./types.ts";

/** Kinds whose filter takes the beginning of an ID or name, also those that lade has none of. */
const kinds = [
  "daemon",
  "container",
  "plugin",
  "volume",
  "network",
  "node",
  "service",
  "secret",
  "config",
] as const;

/** Actions that go on with a command or a state: `exec_create: sh`. */
const openActions: readonly string[] = ["health_status", "exec_create", "exec_start"];

/**
 * Which events a subscriber wants. As in Docker a name that is no filter of events is of no
 * consequence.
 *
 * Source: `Filter.Include` of moby (daemon/events/filter.go).
 */
export function compileEventFilter(filters: readonly Filter[]): (event: EventDocument) => boolean {
  const byKey = Map.groupBy(filters, ({ key }) => key);
  const valuesOf = (key: string) => (byKey.get(key) ?? []).map(({ value }) => value);
  const isExactly = (key: string, text: string) => {
    const values = valuesOf(key);
    return values.length === 0 || values.includes(text);
  };
  const beginsWith = (key: string, text: string) => {
    const values = valuesOf(key);
    return values.length === 0 || values.some((value) => text.startsWith(value));
  };
  const isOpen = valuesOf("event").some((value) => openActions.includes(value));
  const labels = valuesOf("label");
  const isOfImage = imageTest(valuesOf("image"));
  return (event) => {
    const { ID: id, Attributes: attributes } = event.Actor;
    return (
      (isOpen ? beginsWith : isExactly)("event", event.Action) &&
      isExactly("type", event.Type) &&
      isExactly("scope", event.scope) &&
      kinds.every((kind) => beginsWith(kind, id) || beginsWith(kind, attributes.name ?? "")) &&
      isOfImage(event) &&
      matchesLabels(attributes, labels)
    );
  };
}

/** By ID or by name, with its tag or without, of the image itself or of a container made from it. */
function imageTest(wanted: readonly string[]): (event: EventDocument) => boolean {
  if (wanted.length === 0) return () => true;
  return ({ Type: type, Actor: { ID: id, Attributes: attributes } }) => {
    const name = attributes[type === "image" ? "name" : "image"] ?? "";
    return [id, name, withoutTag(id), withoutTag(name)].some((text) => wanted.includes(text));
  };
}

function withoutTag(image: string): string {
  try {
    return familiarName(parseReference(image));
  } catch (error) {
    if (isLadeError(error, "REFERENCE_INVALID")) return image;
    throw error;
  }
}
