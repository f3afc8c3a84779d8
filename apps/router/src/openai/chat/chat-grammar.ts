import { InvalidRequestError } from '@ringmesh/core';
import type { GrammarSource, ThoughtPlace } from '@ringmesh/grammar';
import type { OutputFormat } from '../../output/output-format.js';
import { toolCallGrammar } from '../../output/tool-call-grammar.js';
import type { StructuredOutputFields } from '../schemas/structured-output.js';
import type { ToolFields } from '../schemas/tools.js';
import { type AnswerGrammar, answerGrammar } from '../structured-output.js';

/** What a request says of the form of its answer, and of tools. */
export interface ChatGrammarFields extends StructuredOutputFields, ToolFields {
  parallel_tool_calls?: boolean | null | undefined;
}

/**
 * What the reply of a chat must be: tool calls where they are required, else what the answer must be; with tools that may be called, either.
 * @param responseFormatField what the API calls `response_format`, for errors
 * @returns undefined where any text will do
 * @throws InvalidRequestError where calls are required and the server does not look for them
 */
export function chatGrammar(
  output: OutputFormat,
  body: ChatGrammarFields,
  opensThought: boolean,
  responseFormatField = 'response_format',
): (AnswerGrammar & { thought: ThoughtPlace }) | undefined {
  const choice = body.tool_choice ?? 'auto';
  const mustCall = choice === 'required' || typeof choice === 'object';
  if (mustCall && !output.parsesToolCalls) {
    const field = 'tool_choice';
    throw new InvalidRequestError(`${field}: the server runs with --tool-call-parser none; use "auto" or "none"`, { field });
  }
  const answer = answerGrammar(body);
  if (!mustCall && answer === undefined) return undefined;
  const mayCall = choice !== 'none' && output.parsesToolCalls && (body.tools ?? []).length > 0;
  const options: GrammarSource[] = [...(mayCall ? [callGrammar(body)] : []), ...(mustCall || answer === undefined ? [] : [answer.source])];
  const source: GrammarSource = options.length === 1 ? options[0]! : { type: 'choice', options };
  const thought: ThoughtPlace = !output.parsesReasoning ? 'none' : opensThought ? 'open' : 'possible';
  return { source, thought, field: mustCall ? 'tools' : fieldOf(answer!, responseFormatField) };
}

function callGrammar({ tools, tool_choice: choice, parallel_tool_calls: parallel }: ChatGrammarFields): GrammarSource {
  const functions = (tools ?? []).map((tool) => tool.function);
  const isNamed = typeof choice === 'object' && choice !== null;
  return toolCallGrammar(
    isNamed ? functions.filter(({ name }) => name === choice.function.name) : functions,
    !isNamed && parallel !== false,
  );
}

function fieldOf({ field }: AnswerGrammar, responseFormatField: string): string {
  return field === 'response_format' ? responseFormatField : field;
}
