// SPDX-License-Identifier: Apache-2.0

// Numbers of signal(7), the same on x86 and ARM.
const NUMBERS = new Map<string, number>(
  Object.entries({
    ABRT: 6,
    ALRM: 14,
    BUS: 7,
    CHLD: 17,
    CLD: 17,
    CONT: 18,
    FPE: 8,
    HUP: 1,
    ILL: 4,
    INT: 2,
    IO: 29,
    IOT: 6,
    KILL: 9,
    PIPE: 13,
    POLL: 29,
    PROF: 27,
    PWR: 30,
    QUIT: 3,
    SEGV: 11,
    STKFLT: 16,
    STOP: 19,
    SYS: 31,
    TERM: 15,
    TRAP: 5,
    TSTP: 20,
    TTIN: 21,
    TTOU: 22,
    URG: 23,
    USR1: 10,
    USR2: 12,
    VTALRM: 26,
    WINCH: 28,
    XCPU: 24,
    XFSZ: 25,
    RTMIN: 34,
    RTMAX: 64,
  }),
);
const REAL_TIME = /^(?:RTMIN\+([1-9]|1[0-5])|RTMAX-([1-9]|1[0-4]))$/;

/**
 * The number of a signal as Docker takes it: `SIGTERM`, `term`, `RTMIN+3`, or any whole number but 0
 * (github.com/moby/sys/signal).
 *
 * @returns undefined for what is no signal
 */
export function parseSignal(text: string): number | undefined {
  if (/^[+-]?\d+$/.test(text)) return Number(text) || undefined;
  const name = text.toUpperCase().replace(/^SIG/, "");
  const known = NUMBERS.get(name);
  if (known !== undefined) return known;
  const [, above, below] = REAL_TIME.exec(name) ?? [];
  if (above !== undefined) return 34 + Number(above);
  return below === undefined ? undefined : 64 - Number(below);
}

/** Whether Linux has a signal of that number and Docker a name for it. */
export function isLinuxSignal(number: number): boolean {
  return (number >= 1 && number <= 31) || (number >= 34 && number <= 64);
}

/** Whether Docker takes the text for a signal. */
export function isSignal(text: string): boolean {
  return parseSignal(text) !== undefined;
}
