import { bindingIds } from '@ringmesh/testing';
import OpenAI from 'openai';
import type { SoakPrompt } from './prompts.ts';

/** Asks one after the other. @returns of each prompt the greedy ids that are binding */
export async function answersAlone(url: string, model: string, prompts: SoakPrompt[]): Promise<number[][]> {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none' });
  const answers: number[][] = [];
  for (const { ids, maxTokens } of prompts) {
    const sampling = { max_tokens: maxTokens, temperature: 0, ignore_eos: true };
    const body = { model, prompt: ids, ...sampling, return_token_ids: true, logprobs: 2, return_tokens_as_token_ids: true };
    const choice = (await client.completions.create(body)).choices[0] as OpenAI.CompletionChoice & { token_ids: number[] };
    const margins = choice.logprobs!.top_logprobs!.map((top) => {
      const [best, second] = Object.values(top).sort((a, b) => b - a);
      return best! - second!;
    });
    answers.push(bindingIds(choice.token_ids, margins));
  }
  return answers;
}
