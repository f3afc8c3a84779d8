import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Template } from '@huggingface/jinja';
import { InvalidRequestError, TokenizerInvalidError } from '@ringmesh/core';
import { PYTHON_STRING_FUNCTIONS, usePythonStrings } from './python-strings.js';
import { readSpecialTokens, type SpecialTokens } from './special-tokens.js';
import { CHAT_TEMPLATE_JINJA, readTextFile, readTokenizerFile, TOKENIZER_CONFIG_JSON } from './tokenizer-files.js';

/** `role`, `content` (text: content parts must have been joined), and whatever else the model's template knows. */
export type ChatMessage = Readonly<Record<string, unknown>>;

export interface RenderOptions {
  /** Ends the prompt with the beginning of a reply. */
  addGenerationPrompt: boolean;
  /** The template's other variables: `tools`, `enable_thinking`, … (`chat_template_kwargs`). */
  variables?: Readonly<Record<string, unknown>>;
  /** The request's field that the messages come from, for errors. Default: `messages`. */
  field?: string;
}

const MAX_TEMPLATE_BYTES = 2 ** 20;

/** Turns messages into a prompt as `apply_chat_template` of transformers 5 does. */
export class ChatTemplate {
  private readonly template: Template;

  private constructor(
    private readonly source: string,
    private readonly specialTokens: SpecialTokens,
  ) {
    this.template = new Template(source);
    usePythonStrings(this.template.parsed);
  }

  /**
   * Reads chat_template.jinja, or where there is none, `chat_template` of tokenizer_config.json, and tries it on one message.
   * @throws TokenizerInvalidError where there is no template, it is larger than 1 MiB, or it does not work
   */
  static async load(dir: string): Promise<ChatTemplate> {
    const { source, field } = await readTemplate(dir);
    const specialTokens = await readSpecialTokens(dir);
    try {
      const chatTemplate = new ChatTemplate(source, specialTokens);
      chatTemplate.renderUnchecked([{ role: 'user', content: 'Hello' }], { addGenerationPrompt: true });
      return chatTemplate;
    } catch (cause) {
      throw new TokenizerInvalidError(`${field} does not work (${reason(cause)}); fetch the file again or correct the template`, {
        field,
        cause,
      });
    }
  }

  /** Whether the template's text has the word, and so knows the variable, field or tag of that name. */
  mentions(word: string): boolean {
    return this.source.includes(word);
  }

  /** @throws InvalidRequestError where the template refuses the messages (`raise_exception`) or cannot render them */
  render(messages: readonly ChatMessage[], options: RenderOptions): string {
    try {
      return this.renderUnchecked(messages, options);
    } catch (cause) {
      const { field = 'messages' } = options;
      throw new InvalidRequestError(`${field}: the model's chat template refuses the conversation: ${reason(cause)}`, { field, cause });
    }
  }

  private renderUnchecked(messages: readonly ChatMessage[], { addGenerationPrompt, variables }: RenderOptions): string {
    return this.template.render({
      tools: null,
      documents: null,
      ...this.specialTokens,
      ...variables,
      ...PYTHON_STRING_FUNCTIONS,
      messages,
      add_generation_prompt: addGenerationPrompt,
    });
  }
}

async function readTemplate(dir: string): Promise<{ source: string; field: string }> {
  if (existsSync(join(dir, CHAT_TEMPLATE_JINJA))) {
    return { source: await readTextFile(dir, CHAT_TEMPLATE_JINJA, MAX_TEMPLATE_BYTES), field: CHAT_TEMPLATE_JINJA };
  }
  const config = await readTokenizerFile(dir, TOKENIZER_CONFIG_JSON);
  const field = `${TOKENIZER_CONFIG_JSON}: chat_template`;
  if (!config.has('chat_template')) {
    throw new TokenizerInvalidError(
      `${field} is missing and there is no ${CHAT_TEMPLATE_JINJA} in ${dir}; take one from the model's chat version`,
      {
        field,
      },
    );
  }
  return { source: config.string('chat_template', MAX_TEMPLATE_BYTES), field };
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
