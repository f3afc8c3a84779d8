/** Hugging Face's names of the tensors of a checkpoint. */
export const tensorNames = {
  wordEmbeddings: 'model.word_embeddings.weight',
  norm: 'model.norm.weight',
  lmHead: 'lm_head.weight',
  layer,
  swiglu,
};

function layer(index: number) {
  const prefix = `model.layers.${index}`;
  return {
    inputLayernorm: `${prefix}.input_layernorm.weight`,
    queryKeyValue: `${prefix}.attention.query_key_value.weight`,
    queryKeyValueBias: `${prefix}.attention.query_key_value.bias`,
    attentionDense: `${prefix}.attention.dense.weight`,
    attentionDenseBias: `${prefix}.attention.dense.bias`,
    /** Of linear attention: the norm of what it gives, and the gate on it; the gate's two matrices where it has low rank. */
    gNorm: `${prefix}.attention.g_norm.weight`,
    gProj: `${prefix}.attention.g_proj.weight`,
    gProjDown: `${prefix}.attention.g_proj.0.weight`,
    gProjUp: `${prefix}.attention.g_proj.1.weight`,
    postAttentionLayernorm: `${prefix}.post_attention_layernorm.weight`,
    gate: `${prefix}.mlp.gate.weight`,
    /** gate_proj, up_proj and down_proj hang under these: see {@link swiglu}. */
    mlp: `${prefix}.mlp`,
    sharedExperts: `${prefix}.mlp.shared_experts`,
    expert: (expert: number): string => `${prefix}.mlp.experts.${expert}`,
  };
}

/** The three matrices of a SwiGLU MLP under `prefix`. */
function swiglu(prefix: string) {
  return {
    gate: `${prefix}.gate_proj.weight`,
    up: `${prefix}.up_proj.weight`,
    down: `${prefix}.down_proj.weight`,
  };
}
