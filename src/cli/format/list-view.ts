// SPDX-License-Identifier: Apache-2.0

/** How items of one kind are listed. */
export interface ListView<Item> {
  /** Go's type of a row in Docker, which errors of templates name. */
  readonly goType: string;
  /** What a template can name; null is Go's nil. */
  readonly fields: Readonly<Record<string, (item: Item) => string | null>>;
  /** What a template can call with one text, such as `{{.Label "x"}}`. */
  readonly methods?: Readonly<Record<string, ListMethod<Item>>>;
  /** Headings of the fields in tables; a field without one has its name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Fields of the table that is shown when no format is asked for. */
  readonly columns: readonly string[];
  /** What `--quiet` shows; the ID unless said otherwise. */
  readonly quietField?: string;
  /** What the default table shows in place of an empty field. */
  readonly placeholders?: Readonly<Record<string, string>>;
}

export interface ListMethod<Item> {
  value(item: Item, argument: string): string;
  /** The heading of its column. */
  header(argument: string): string;
}

/** All fields of an item, sorted by name as Go's JSON has them. */
export function rowFields<Item>(
  view: ListView<Item>,
  item: Item,
  clean: (text: string) => string = String,
): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(view.fields)
      .map(([name, field]) => [name, cleaned(field(item), clean)] as const)
      .sort(([left], [right]) => (left < right ? -1 : 1)),
  );
}

/** A field's value, safe to show. */
export function cleaned(value: string | null, clean: (text: string) => string): string | null {
  return value === null ? null : clean(value);
}
