// SPDX-License-Identifier: Apache-2.0

const part = /\d+|\D/gu;

/**
 * Compares names so that numbers in them count as numbers: `net2` stands before `net10`.
 *
 * Source: github.com/fvbommel/sortorder.
 */
export function compareNaturally(left: string, right: string): number {
  const ours = left.match(part) ?? [];
  const theirs = right.match(part) ?? [];
  for (const [index, one] of ours.entries()) {
    const other = theirs[index];
    if (other === undefined) return 1;
    const order = compareParts(one, other);
    if (order !== 0) return order;
  }
  return ours.length - theirs.length;
}

function compareParts(one: string, other: string): number {
  if (!/^\d/.test(one) || !/^\d/.test(other)) return one === other ? 0 : one < other ? -1 : 1;
  const [plain, otherPlain] = [one.replace(/^0+/, ""), other.replace(/^0+/, "")];
  if (plain.length !== otherPlain.length) return plain.length - otherPlain.length;
  if (plain !== otherPlain) return plain < otherPlain ? -1 : 1;
  return one.length - other.length;
}
