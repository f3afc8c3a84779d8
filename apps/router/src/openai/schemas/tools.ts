import { z } from 'zod';

export const MAX_TOOLS = 128;
const MAX_DESCRIPTION_LENGTH = 16_384;

const NEEDS_MASKS = 'is not supported yet, for it needs structured output: use "auto", and ask for the call in a message';

/** A function that the model may call. Further fields go to the chat template as they are. */
export const toolSchema = z.looseObject({
  type: z.literal('function', { error: 'Only tools of type "function" are supported' }),
  function: z.looseObject({
    name: z.string().regex(/^[\w-]{1,64}$/, { error: 'Expected 1 to 64 letters, digits, _ and -' }),
    description: z.string().max(MAX_DESCRIPTION_LENGTH).nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish().describe('A JSON schema.'),
  }),
});

export const toolChoiceFields = {
  tool_choice: z
    .literal(['none', 'auto'], {
      error: ({ input }) => {
        if (input === 'required') return `"required" ${NEEDS_MASKS}`;
        if (typeof input === 'object' && input !== null) return `Forcing a function ${NEEDS_MASKS}`;
        return 'Expected "none" or "auto"';
      },
    })
    .nullish()
    .describe('none: the model is not shown the tools. Default: auto.'),
  parallel_tool_calls: z.boolean().nullish().describe('false: only the first call of an answer is reported, as in vLLM. Default: true.'),
};
