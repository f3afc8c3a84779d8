import { z } from 'zod';
import { absent } from './unsupported.js';

const MAX_CHOICES = 4096;
const MAX_CHOICE_LENGTH = 4096;
const MAX_PATTERN_LENGTH = 16_384;
const MAX_SCHEMA_LENGTH = 131_072;

export const jsonSchema = z.record(z.string(), z.unknown()).describe('A JSON schema; docs/structured-output.md lists the keywords.');
const schemaOrText = z.union([jsonSchema, z.string().max(MAX_SCHEMA_LENGTH)], { error: 'Expected a JSON schema, as an object or as text' });
const pattern = z.string().min(1).max(MAX_PATTERN_LENGTH).describe('A regular expression that the whole answer matches.');
const choices = z.array(z.string().min(1).max(MAX_CHOICE_LENGTH)).min(1).max(MAX_CHOICES).describe('The answer is one of these texts.');

const responseFormat = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('text') }),
    z.object({ type: z.literal('json_object') }),
    z.object({
      type: z.literal('json_schema'),
      json_schema: z.object({ name: z.string().nullish(), schema: jsonSchema, strict: z.boolean().nullish() }),
    }),
  ],
  { error: 'Expected "text", "json_object" or "json_schema"' },
);

/** What the answer must be, in OpenAI's words and in vLLM's. The mask begins after the thought. */
export const structuredOutputFields = {
  response_format: responseFormat.nullish().describe('json_object: any object. json_schema: what the schema allows, strict or not.'),
  guided_json: schemaOrText.nullish().describe('As response_format of type json_schema.'),
  guided_regex: pattern.nullish(),
  guided_choice: choices.nullish(),
  structured_outputs: z
    .object({
      json: schemaOrText.nullish(),
      regex: pattern.nullish(),
      choice: choices.nullish(),
      json_object: z.boolean().nullish(),
      grammar: absent('Grammars are'),
      structural_tag: absent('Structural tags are'),
      whitespace_pattern: absent('A pattern of whitespace is'),
    })
    .nullish()
    .describe("vLLM's newer form of the three; one of its fields."),
  guided_grammar: absent('Grammars are'),
  guided_whitespace_pattern: absent('A pattern of whitespace is'),
};

export type StructuredOutputFields = z.infer<z.ZodObject<typeof structuredOutputFields>>;

/** The fields of a request that say what the answer must be: at most one may. */
export function givenConstraints(request: StructuredOutputFields): string[] {
  const { response_format: format, structured_outputs: outputs } = request;
  return [
    ...(format != null && format.type !== 'text' ? ['response_format'] : []),
    ...(['guided_json', 'guided_regex', 'guided_choice'] as const).filter((field) => request[field] != null),
    ...(['json', 'regex', 'choice'] as const).filter((kind) => outputs?.[kind] != null).map((kind) => `structured_outputs.${kind}`),
    ...(outputs?.json_object === true ? ['structured_outputs.json_object'] : []),
  ];
}

/** Says which fields contradict one another. */
export function checkStructuredOutput(request: StructuredOutputFields, context: z.RefinementCtx): void {
  const [first, second] = givenConstraints(request);
  if (second !== undefined) context.addIssue({ code: 'custom', path: second.split('.'), message: `May not stand beside "${first!}"` });
}
