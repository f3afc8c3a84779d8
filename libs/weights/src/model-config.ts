export type ModelType = 'bailing_moe' | 'bailing_moe_linear';

/** What a checkpoint's config.json says, validated and in our names. Source: the authors' configuration classes. */
export interface ModelConfig extends Partial<LinearAttentionConfig> {
  modelType: ModelType;
  /** H: width of the hidden states. */
  hiddenSize: number;
  numLayers: number;
  numAttentionHeads: number;
  /** Each KV head serves numAttentionHeads / numKeyValueHeads query heads (GQA). */
  numKeyValueHeads: number;
  /** D: width of one head; `hidden_size / num_attention_heads` where config.json has none. */
  headDim: number;
  vocabSize: number;
  /** E: routed experts of each mixture-of-experts layer. */
  numExperts: number;
  /** k of the gate's top-k. */
  numExpertsPerToken: number;
  /** 0 = the layer has no shared expert. Shared experts are one MLP of width moeIntermediateSize × numSharedExperts. */
  numSharedExperts: number;
  /** F: width of one routed expert. */
  moeIntermediateSize: number;
  /** Width of the dense MLP of the layers below firstKDenseReplace; 0 where there are none. */
  intermediateSize: number;
  /** Layers below this index have a dense MLP instead of experts. */
  firstKDenseReplace: number;
  /** Divide the k weights by their sum (only where k > 1). */
  normTopkProb: boolean;
  /** lm_head's columns are normalised over the vocabulary axis. */
  normHead: boolean;
  tieWordEmbeddings: boolean;
  useQkvBias: boolean;
  /** Bias of attention.dense. Linear attention has no biases. */
  useBias: boolean;
  rmsNormEps: number;
  ropeTheta: number;
  ropeScaling: RopeScaling | null;
  maxPositionEmbeddings: number;
  bosTokenId: number | null;
  eosTokenIds: number[];
  padTokenId: number | null;
}

/** What `bailing_moe_linear` has besides; no other model type has any of it. */
export interface LinearAttentionConfig {
  /** The last layer of so many has softmax attention, the others have linear attention. */
  layerGroupSize: number;
  /** SiLU over queries, keys and values. */
  useLinearSilu: boolean;
  /** Rotary positions in linear layers. */
  linearRope: boolean;
  /** Linear layers have numKeyValueHeads, too; else as many as query heads. */
  useLinearGqa: boolean;
  /** g_proj is a product of two matrices, of rank headDim. */
  useLowRank: boolean;
}

/** `linear` divides positions by the factor; `yarn` is arXiv 2309.00071 with the authors' mscale quotient. */
export type RopeScaling =
  | { type: 'linear'; factor: number }
  | {
      type: 'yarn';
      factor: number;
      originalMaxPositionEmbeddings: number;
      betaFast: number;
      betaSlow: number;
      mscale: number;
      mscaleAllDim: number;
    };

/** Sampling defaults of generation_config.json; absent fields are undefined. */
export interface GenerationDefaults {
  temperature?: number;
  topP?: number;
  topK?: number;
  minP?: number;
  repetitionPenalty?: number;
  doSample?: boolean;
  eosTokenIds?: number[];
}
