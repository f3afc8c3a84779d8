import type { ServedModel } from '../../served-model.js';
import type { Conversation } from '../schemas/chat-request.js';

type Content = Conversation['messages'][number]['content'];

/**
 * The token ids of a conversation, as the model's chat template writes it.
 * @throws InvalidRequestError when the template refuses the conversation, ContextLengthExceededError when it is hopelessly long
 */
export function chatPrompt(model: ServedModel, { messages, add_generation_prompt, chat_template_kwargs }: Conversation): number[] {
  const plain = messages.map(({ role, content }) => ({ role: role === 'developer' ? 'system' : role, content: contentText(content) }));
  const text = model.chatTemplate.render(plain, {
    addGenerationPrompt: add_generation_prompt ?? true,
    variables: chat_template_kwargs ?? {},
  });
  return model.encode(text, 'messages');
}

/** Text parts become one text, a line each, as in vLLM. */
function contentText(content: Content): string {
  return typeof content === 'string' ? content : content.map((part) => part.text).join('\n');
}
