import { z } from 'zod';

export const MAX_TOOLS = 128;
export const MAX_DESCRIPTION_LENGTH = 16_384;

/** A function that the model may call. Further fields go to the chat template as they are. */
export const toolSchema = z.looseObject({
  type: z.literal('function', { error: 'Only tools of type "function" are supported' }),
  function: z.looseObject({
    name: z.string().regex(/^[\w-]{1,64}$/, { error: 'Expected 1 to 64 letters, digits, _ and -' }),
    description: z.string().max(MAX_DESCRIPTION_LENGTH).nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish().describe('A JSON schema.'),
  }),
});

const namedTool = z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) });

export const toolChoiceFields = {
  tool_choice: z
    .union([z.literal(['none', 'auto', 'required']), namedTool], {
      error: 'Expected "none", "auto", "required" or {"type": "function", "function": {"name": …}}',
    })
    .nullish()
    .describe(
      'none: the model is not shown the tools. required: it calls one of them at least. A named one: it calls this one. Default: auto.',
    ),
  parallel_tool_calls: z.boolean().nullish().describe('false: only the first call of an answer is reported, as in vLLM. Default: true.'),
};

/** Of a request: what the model may call. */
export interface ToolFields {
  tools?: z.infer<typeof toolSchema>[] | null | undefined;
  tool_choice?: 'none' | 'auto' | 'required' | z.infer<typeof namedTool> | null | undefined;
}

/** Says which fields contradict one another. */
export function checkToolChoice({ tools, tool_choice: choice }: ToolFields, context: z.RefinementCtx): void {
  const names = (tools ?? []).map((tool) => tool.function.name);
  const refuse = (message: string): void => context.addIssue({ code: 'custom', path: ['tool_choice'], message });
  if (choice === 'required' && names.length === 0) refuse('"required" needs tools');
  if (typeof choice === 'object' && choice !== null && !names.includes(choice.function.name))
    refuse('Names a function that is not among the tools');
}
