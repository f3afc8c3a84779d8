/** A set of tokens [V / 32]: token t is in it where bit t % 32 of word t / 32 is set. @param tokenIds each below `vocabSize` */
export function tokenBits(tokenIds: Iterable<number>, vocabSize: number): Uint32Array {
  const bits = new Uint32Array(Math.ceil(vocabSize / 32));
  for (const tokenId of tokenIds) bits[tokenId >>> 5]! |= 1 << (tokenId & 31);
  return bits;
}
