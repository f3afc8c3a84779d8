import type { GrammarSource } from '@ringmesh/grammar';
import { TOOL_CALL_CLOSE, TOOL_CALL_OPEN } from './tool-call-parser.js';

export interface CallableTool {
  name: string;
  /** A JSON schema; undefined: the function takes nothing. */
  parameters?: Record<string, unknown> | null | undefined;
}

const MAX_CALLS = 32;
const NO_PARAMETERS = { type: 'object', properties: {} };

/** Calls of these tools, as {@link ToolCallParser} reads them. @param parallel several may follow one another */
export function toolCallGrammar(tools: readonly CallableTool[], parallel: boolean): GrammarSource {
  const calls = tools.map(({ name, parameters }): GrammarSource => {
    const head = `${TOOL_CALL_OPEN}\n{"name": ${JSON.stringify(name)}, "arguments": `;
    return {
      type: 'sequence',
      parts: [
        { type: 'literal', text: head },
        { type: 'schema', schema: asObject(parameters ?? NO_PARAMETERS) },
        { type: 'literal', text: `}\n${TOOL_CALL_CLOSE}` },
      ],
    };
  });
  return { type: 'repeat', part: { type: 'choice', options: calls }, separator: '\n', max: parallel ? MAX_CALLS : 1 };
}

/** Arguments are always an object; some schemas leave it out. */
function asObject(parameters: Record<string, unknown>): Record<string, unknown> {
  return 'type' in parameters || '$ref' in parameters || 'anyOf' in parameters || 'oneOf' in parameters || 'allOf' in parameters
    ? parameters
    : { type: 'object', properties: {}, ...parameters };
}
