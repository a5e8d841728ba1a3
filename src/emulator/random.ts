/** Numbers that look random and are the same in every run: all of them follow from the seed. */

/** A number in [0, 1) that depends on nothing but the parts and their order. */
export function unitHash(...parts: readonly (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const character of parts.join('\u0000')) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return toUnit(hash);
}

/** A sequence of numbers in [0, 1). */
export function createRandom(seed: number): () => number {
  let state = Math.trunc(seed);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    return toUnit(state);
  };
}

/** Spreads the bits of a 32-bit number (the finishing steps of MurmurHash3). */
function toUnit(value: number): number {
  let bits = value;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
}
