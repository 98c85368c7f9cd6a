// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { randomBytes } from "./random.ts";

const adjectives = (
  "able agile airy amber ample apt bold brave breezy bright brisk calm candid careful cheerful " +
  "clean clear clever cosmic crisp curious daring deft determined dreamy eager early easy elated " +
  "elegant epic exact fair faithful fast fearless festive fine fond frank free fresh friendly " +
  "gentle glad golden graceful grand great happy hardy hearty helpful honest hopeful humble ideal " +
  "jolly jovial keen kind laughing light lively loving loyal lucid lucky mellow merry mighty modest " +
  "neat nimble noble open patient peaceful plucky polite practical proud prompt quick quiet quirky " +
  "radiant rapid ready relaxed robust romantic serene sharp silent silver sincere sleek smart smooth " +
  "snug solid steady stoic strong sturdy sunny swift tender thorough tidy tranquil trusting upbeat " +
  "useful vibrant vigilant vigorous warm wise witty wonderful young zealous zen"
).split(" ");

const surnames = (
  "abel agnesi aiken albattani almeida ampere archimedes aristotle artin babbage banach banneker " +
  "bardeen bassi becquerel bell bernoulli berners bhabha blackwell bohr bolyai boole bose boyle " +
  "brahe brahmagupta bunsen burnell cantor carson carver cauchy cerf chandrasekhar chatelet clarke " +
  "colden copernicus cori coulomb cray curie darwin davinci dedekind descartes dijkstra dirac dubinsky " +
  "easley edison einstein elgamal elion engelbart erdos euclid euler faraday fermat fermi feynman " +
  "fourier franklin galileo galois galvani gauss germain goldberg goldwasser goodall gould hamilton " +
  "hardy haslett hawking heisenberg hermann herschel hertz heyrovsky hilbert hodgkin hooke hopper " +
  "hubble hugle huygens hypatia jackson jang jemison jennings johnson joliot joule kalam kapitsa " +
  "kepler khayyam khorana kilby kirch knuth kolmogorov kovalevskaya lagrange lalande lamarr lamport " +
  "laplace leakey leavitt leibniz lewin lichterman liskov lovelace lumiere mahavira margulis maxwell " +
  "mayer mccarthy mcclintock mclean mcnulty meitner mendel mendeleev meninsky merkle mestorf mirzakhani " +
  "montalcini moore morse moser napier nash neumann newton nightingale nobel noether northcutt noyce " +
  "oersted ohm pare pascal pasteur payne perlman pike planck poincare poitras ptolemy raman ramanujan " +
  "rhodes riemann ritchie robinson roentgen rosalind rubin rutherford saha sammet sanderson shannon " +
  "shirley shockley sinoussi snyder solomon spence stallman stonebraker sutherland swartz swirles " +
  "tesla tharp thompson torricelli torvalds tu turing varahamihira vaughan villani volta wescoff wilbur " +
  "wiles williams wilson wing wright wu yalow yonath zhukovsky"
).split(" ");

/** Names that are tried before one is made of the ID. */
const attempts = 6;

/**
 * Makes up a name as Docker does: an adjective and the surname of someone who moved science on.
 *
 * @param isTaken whether a container has the name already
 * @param id the container's, for when chance gives taken names only
 */
export function makeContainerName(isTaken: (name: string) => boolean, id: string): string {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const [first = 0, second = 0, digit = 0] = new Uint16Array(randomBytes(6).buffer);
    const words = `${adjectives[first % adjectives.length]}_${surnames[second % surnames.length]}`;
    const name = attempt === 0 ? words : `${words}${digit % 10}`;
    if (!isTaken(name)) return name;
  }
  return id.slice(0, 12);
}

/** What names of containers and volumes are made of, in Docker's words. */
export const nameCharacters = "[a-zA-Z0-9][a-zA-Z0-9_.-]";

const namePattern = new RegExp(`^${nameCharacters}+$`);

/** Whether containers and volumes may have the name; it becomes the name of a folder. */
export function isObjectName(name: string): boolean {
  return namePattern.test(name);
}

/**
 * A container's name as the user gave it, without the slash that Docker puts in front.
 *
 * @throws LadeError CONTAINER_INVALID
 */
export function parseContainerName(text: string): string {
  const name = text.startsWith("/") ? text.slice(1) : text;
  if (isObjectName(name)) return name;
  throw new LadeError(
    "CONTAINER_INVALID",
    `Invalid container name (${text}), only ${nameCharacters} are allowed`,
  );
}
