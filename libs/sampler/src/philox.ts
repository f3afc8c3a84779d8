const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** Four 32-bit words. */
export type Words = readonly [number, number, number, number];

/**
 * Philox4x32-10: a keyed bijection whose output for successive counters passes BigCrush. Being a function of (counter, key) alone it needs
 * no state that would have to be saved, moved or replayed.
 * Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC '11.
 */
export function philox4x32(counter: Words, key: readonly [number, number]): Words {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1 >>> 0, (high0 ^ c3 ^ k1) >>> 0, low0 >>> 0];
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/**
 * The random number in [0, 1), of 53 bits, with which the token at `index` of a generation is drawn. It depends on nothing else, so a
 * generation gives the same tokens alone, in any batch, and when another router takes it over.
 * @param seed any safe integer
 * @param index 0 for the first generated token
 */
export function uniform(seed: number, index: number): number {
  const [high, low] = philox4x32([index >>> 0, upperWord(index), 0, 0], [seed >>> 0, upperWord(seed)]);
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
}

/**
 * The seed of one of several choices of a request: the request's own for the first, and for every other one 48 bits that depend on the
 * request's seed and the choice's number alone. Draws of tokens have another third word of the counter, so they share no number with these.
 */
export function choiceSeed(seed: number, choice: number): number {
  if (choice === 0) return seed;
  const [high, low] = philox4x32([choice >>> 0, 0, 1, 0], [seed >>> 0, upperWord(seed)]);
  return (high >>> 16) * 2 ** 32 + low;
}

function upperWord(integer: number): number {
  return Math.floor(integer / 2 ** 32) >>> 0;
}

/** The upper 32 bits of a 32 × 32 bit product, by 16-bit halves: a double holds no 64-bit product. */
function multiplyHigh(a: number, b: number): number {
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (carry >>> 16)) >>> 0;
}
