/** Sizes of the activations that compute threads share. */
export interface ActivationShape {
  /** H */
  hiddenSize: number;
  /** T of a micro-batch at most. */
  maxTokens: number;
  /** P */
  numParts: number;
}

/** The memory behind {@link SharedActivations}, for another thread to open. */
export interface ActivationBuffers {
  hidden: SharedArrayBuffer;
  normed: SharedArrayBuffer;
  attention: SharedArrayBuffer[]; // [P]
  mlp: SharedArrayBuffer[]; // [P]
  squares: SharedArrayBuffer[]; // [P]
}

/** What one micro-batch is between its layers' operations. Pages are taken only once they are written. */
export class SharedActivations {
  /** The residual stream. */
  readonly hidden: Float32Array; // [maxTokens, H]
  /** What the experts and the shared experts of the layer at hand read. */
  readonly normed: Float32Array; // [maxTokens, H]
  /** What each part's attention adds to the residual stream. */
  readonly attention: Float32Array[]; // [P] of [maxTokens, H]
  /** What each part of the shared experts, or of a dense layer's MLP, adds to it. */
  readonly mlp: Float32Array[]; // [P] of [maxTokens, H]

  /** What a norm over the heads of all parts is made of, where a kind of attention has one: each part's sum of squares. */
  readonly squares: Float32Array[]; // [P] of [maxTokens]

  constructor(readonly buffers: ActivationBuffers) {
    this.hidden = new Float32Array(buffers.hidden);
    this.normed = new Float32Array(buffers.normed);
    this.attention = buffers.attention.map((buffer) => new Float32Array(buffer));
    this.mlp = buffers.mlp.map((buffer) => new Float32Array(buffer));
    this.squares = buffers.squares.map((buffer) => new Float32Array(buffer));
  }

  static allocate({ hiddenSize, maxTokens, numParts }: ActivationShape): ActivationBuffers {
    const floats = (count: number): SharedArrayBuffer => new SharedArrayBuffer(count * Float32Array.BYTES_PER_ELEMENT);
    const allocate = (): SharedArrayBuffer => floats(maxTokens * hiddenSize);
    return {
      hidden: allocate(),
      normed: allocate(),
      attention: Array.from({ length: numParts }, allocate),
      mlp: Array.from({ length: numParts }, allocate),
      squares: Array.from({ length: numParts }, () => floats(maxTokens)),
    };
  }
}
