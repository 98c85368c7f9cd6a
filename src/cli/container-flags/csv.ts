// SPDX-License-Identifier: Apache-2.0

import { InvalidValue } from "../invalid-value.ts";

/** The fields of the first line of comma-separated values, by the rules of Go's encoding/csv. */
export function parseCsv(text: string): string[] {
  const line = text.split("\n").find((candidate) => candidate.replace(/\r$/, "") !== "");
  if (line === undefined) throw new InvalidValue("EOF");
  const fields: string[] = [];
  let rest = line.replace(/\r$/, "");
  for (;;) {
    const field = rest.startsWith('"') ? quotedField(rest, line) : plainField(rest, line);
    fields.push(field.value);
    if (field.size === rest.length) return fields;
    rest = rest.slice(field.size + 1);
  }
}

interface Field {
  readonly value: string;
  /** Characters it takes in the line. */
  readonly size: number;
}

function plainField(rest: string, line: string): Field {
  const comma = rest.indexOf(",");
  const value = comma === -1 ? rest : rest.slice(0, comma);
  const quote = value.indexOf('"');
  if (quote !== -1) throw fault(line, rest.slice(quote), 'bare " in non-quoted-field');
  return { value, size: value.length };
}

function quotedField(rest: string, line: string): Field {
  const [whole, value = ""] = /^"((?:[^"]|"")*)"/.exec(rest) ?? [];
  if (whole === undefined) throw fault(line, "", 'extraneous or missing " in quoted-field');
  const next = rest.charAt(whole.length);
  if (next !== "" && next !== ",") {
    const behind = rest.slice(whole.length - 1);
    throw fault(line, behind, 'extraneous or missing " in quoted-field');
  }
  return { value: value.replaceAll('""', '"'), size: whole.length };
}

/** @param behind what of the line stands at and behind the fault */
function fault(line: string, behind: string, reason: string): InvalidValue {
  const before = line.slice(0, line.length - behind.length);
  const column = Buffer.byteLength(before) + 1;
  return new InvalidValue(`parse error on line 1, column ${column}: ${reason}`);
}
