import { ConfigInvalidError } from '@ringmesh/core';
import { CHARACTER_OF_BYTE } from '@ringmesh/tokenizer';
import type { ModelConfig } from '@ringmesh/weights';

const END = '<|endoftext|>';
const ROLE_TAGS = ['<role>', '</role>'];

/** The authors' format, without what only their tools use. */
const CHAT_TEMPLATE =
  "{% for message in messages %}{% set role = 'HUMAN' if message['role'] == 'user' else message['role'] | upper %}" +
  "{{ '<role>' + role + '</role>' + message['content'] }}{% endfor %}{% if add_generation_prompt %}{{ '<role>ASSISTANT</role>' }}{% endif %}";

/**
 * Tokenizer files for random weights: text becomes one token a byte, for there are no merges, and every id of the vocabulary has a text, for
 * a random model says them all: ` w12345` where it is no byte and no special token.
 * @returns contents by file name
 * @throws ConfigInvalidError where the vocabulary is too small for that
 */
export function syntheticTokenizer({ vocabSize, eosTokenIds }: ModelConfig): Map<string, string> {
  const specialTokens = specialIds(vocabSize, eosTokenIds[0]!);
  const bytes = CHARACTER_OF_BYTE.values();
  const vocab: Record<string, number> = {};
  for (let id = 0; id < vocabSize; id++) {
    if (!specialTokens.has(id)) vocab[bytes.next().value ?? `${CHARACTER_OF_BYTE[0x20]!}w${id}`] = id;
  }
  if (bytes.next().done !== true) {
    throw new ConfigInvalidError(`vocab_size is ${vocabSize}: give at least ${256 + specialTokens.size}, for bytes and special tokens`, {
      field: 'vocab_size',
    });
  }
  const tokenizer = {
    version: '1.0',
    added_tokens: Array.from(specialTokens, ([id, content]) => ({ id, content, special: true })),
    normalizer: null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'ByteLevel', add_prefix_space: false, use_regex: false }] },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab, merges: [] },
  };
  const config = { eos_token: END, pad_token: END, additional_special_tokens: ROLE_TAGS, chat_template: CHAT_TEMPLATE };
  return new Map([
    ['tokenizer.json', JSON.stringify(tokenizer)],
    ['tokenizer_config.json', JSON.stringify(config)],
  ]);
}

/** The end token where the config has it, the role tags at the end of the vocabulary. */
function specialIds(vocabSize: number, endId: number): Map<number, string> {
  const special = new Map([[endId, END]]);
  let id = vocabSize - 1;
  for (const tag of ROLE_TAGS) {
    while (special.has(id)) id--;
    special.set(id, tag);
  }
  return special;
}
