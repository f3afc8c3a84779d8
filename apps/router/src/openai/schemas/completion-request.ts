import { z } from 'zod';
import { checkStreamOptions, generationFields, MAX_CHOICES, MAX_LOGPROBS } from './fields.js';
import { checkStructuredOutput, structuredOutputFields } from './structured-output.js';
import { unsupportedCompletionFields, unsupportedFields } from './unsupported.js';

export const MAX_PROMPTS = 128;

const tokenIds = z.array(z.int().min(0)).min(1);

const promptSchema = z.union(
  [z.string(), tokenIds, z.array(z.string()).min(1).max(MAX_PROMPTS), z.array(tokenIds).min(1).max(MAX_PROMPTS)],
  {
    error: `Expected a text, a list of token ids, or a list of at most ${MAX_PROMPTS} texts or of lists of token ids; none may be empty`,
  },
);

/** A prompt of POST /v1/completions: text or token ids, one or many. */
export type CompletionPrompt = z.infer<typeof promptSchema>;

export const completionFields = {
  prompt: promptSchema,
  ...generationFields,
  max_tokens: z.int().min(0).nullish().describe('Default: 16, or less where less fits the context. 0 only with echo.'),
  logprobs: z.int().min(0).max(MAX_LOGPROBS).nullish().describe("How many alternatives to report beside each token's own log probability."),
  best_of: z
    .int()
    .min(1)
    .max(MAX_CHOICES)
    .nullish()
    .describe('Answers of each prompt, of which the n with the highest mean log probability of their tokens are sent. Default: n.'),
  echo: z.boolean().nullish().describe('Let each choice begin with its prompt, and its logprobs with those of the prompt.'),
  return_routed_experts: z.boolean().nullish().describe('Add routed_experts to each choice, as SGLang does.'),
  ...structuredOutputFields,
  ...unsupportedFields,
  ...unsupportedCompletionFields,
};

/** POST /v1/completions */
export const completionRequestSchema = z.object(completionFields).superRefine((request, context) => {
  checkStreamOptions(request, context);
  checkStructuredOutput(request, context);
  checkBestOf(request, context);
  if (request.max_tokens === 0 && request.echo !== true) {
    context.addIssue({ code: 'custom', path: ['max_tokens'], message: 'Expected 1 or more; 0 is possible with "echo": true' });
  }
});

/** Which are the best is known when all are there. */
function checkBestOf(
  {
    n,
    best_of: bestOf,
    stream,
  }: { n?: number | null | undefined; best_of?: number | null | undefined; stream?: boolean | null | undefined },
  context: z.RefinementCtx,
): void {
  if (bestOf == null || bestOf === (n ?? 1)) return;
  const issue = (message: string): void => context.addIssue({ code: 'custom', path: ['best_of'], message });
  if (bestOf < (n ?? 1)) issue('Expected n or more');
  else if (stream === true) issue('More than n are not possible with "stream": true');
}

export type CompletionRequest = z.infer<typeof completionRequestSchema>;
