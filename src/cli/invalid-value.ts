// SPDX-License-Identifier: Apache-2.0

/** A value that an option can't have; the message is what stands behind the option's name. */
export class InvalidValue extends Error {
  override readonly name: string = "InvalidValue";
}
