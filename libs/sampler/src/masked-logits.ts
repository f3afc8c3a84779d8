import { EngineFailedError } from '@ringmesh/core';

/** So far below any real logit that the token has no weight, and finite as logits must be. */
const FORBIDDEN = -3.4028234663852886e38;

/** Logits of which a mask leaves some. */
export class MaskedLogits {
  private readonly values: Float32Array; // [V]

  constructor(vocabSize: number) {
    this.values = new Float32Array(vocabSize).fill(FORBIDDEN);
  }

  /**
   * @param logits [V]
   * @param mask [V / 32] bit t % 32 of word t / 32: token t keeps its logit
   * @returns [V] valid until the next call
   * @throws EngineFailedError where the mask leaves nothing
   */
  load(logits: Float32Array, mask: Uint32Array): Float32Array {
    const { values } = this;
    let isEmpty = true;
    values.fill(FORBIDDEN);
    for (let word = 0; word < mask.length; word++) {
      let bits = mask[word]!;
      if (bits === 0) continue;
      isEmpty = false;
      for (const first = word * 32; bits !== 0; bits &= bits - 1) {
        const tokenId = first + 31 - Math.clz32(bits & -bits);
        values[tokenId] = logits[tokenId]!;
      }
    }
    if (isEmpty) throw new EngineFailedError('no token may come next: the mask of the request is empty');
    return values;
  }
}
