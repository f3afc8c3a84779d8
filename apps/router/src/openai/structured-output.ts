import { InvalidRequestError } from '@ringmesh/core';
import type { GrammarSource } from '@ringmesh/grammar';
import { givenConstraints, type StructuredOutputFields } from './schemas/structured-output.js';

/** What an answer must be, and the field that says so. */
export interface AnswerGrammar {
  source: GrammarSource;
  field: string;
}

/** @returns undefined where every text will do */
export function answerGrammar(request: StructuredOutputFields): AnswerGrammar | undefined {
  const [field] = givenConstraints(request);
  return field === undefined ? undefined : { source: sourceOf(request, field), field };
}

function sourceOf(request: StructuredOutputFields, field: string): GrammarSource {
  const { response_format: format, structured_outputs: outputs, guided_json: json, guided_regex: regex, guided_choice: choice } = request;
  if (format?.type === 'json_schema') return { type: 'schema', schema: format.json_schema.schema };
  if (format?.type === 'json_object' || outputs?.json_object === true) return { type: 'object' };
  const schema = json ?? outputs?.json;
  if (schema != null) return { type: 'schema', schema: typeof schema === 'string' ? parseSchema(schema, field) : schema };
  const pattern = regex ?? outputs?.regex;
  if (pattern != null) return { type: 'regex', pattern };
  const texts = choice ?? outputs?.choice ?? [];
  return { type: 'choice', options: texts.map((text) => ({ type: 'literal', text })) };
}

function parseSchema(text: string, field: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new InvalidRequestError(`${field}: the text is not JSON (${String(cause)})`, { field, cause });
  }
}
