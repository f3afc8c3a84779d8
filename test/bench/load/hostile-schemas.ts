import type { RequestRecord } from '@ringmesh/cli';

/** Schemas and expressions that cost as much as they may before they are refused, each another way. */
const HOSTILE: Record<string, object> = {
  'nested deeply': { guided_json: nested(90, (items) => ({ type: 'array', items })) },
  'references that double': {
    guided_json: { $defs: defs(60, (index) => ({ allOf: [ref(index + 1), ref(index + 1)] })), $ref: '#/$defs/d0' },
  },
  'a circle of references': { guided_json: { $defs: defs(100, (index) => ref((index + 1) % 100)), $ref: '#/$defs/d0' } },
  'catastrophic repetition': { guided_regex: '((a{1,100}){1,100}){1,100}' },
  'catastrophic alternatives': { guided_regex: `(${Array.from({ length: 14 }, (_, index) => 'a'.repeat(index + 1)).join('|')}){1,5000}b` },
  'exponential states': { guided_regex: '(.*a.{30})' },
  'a pattern and a huge length': { guided_json: { type: 'string', pattern: '^[a-z]+$', maxLength: 1_000_000 } },
  'many patterns': { guided_json: properties(500, (index) => ({ type: 'string', pattern: `^.{${index + 200}}$` })) },
  'many bounds': { guided_json: properties(1000, (index) => ({ type: 'number', minimum: index / 7, maximum: 1e9 + index })) },
  'alternatives that are merged': {
    guided_json: {
      allOf: Array.from({ length: 12 }, (_, index) => ({ anyOf: [properties(index + 1, text), properties(index + 2, text)] })),
    },
  },
};

/** A schema or expression that was refused. */
export interface Refusal extends RequestRecord {
  what: string;
}

/**
 * Sends hostile schemas one after another.
 * @throws Error where one is not answered 400
 */
export async function refusals(url: string, seconds: number): Promise<Refusal[]> {
  const refused: Refusal[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    for (const [what, constraint] of Object.entries(HOSTILE)) refused.push(await refusal(url, what, constraint));
  }
  return refused;
}

async function refusal(url: string, what: string, constraint: object): Promise<Refusal> {
  const sentAt = performance.now();
  const body = JSON.stringify({ prompt: 'a', max_tokens: 1, ...constraint });
  const response = await fetch(`${url}/v1/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const answer = await response.text();
  if (response.status !== 400) throw new Error(`${what}: ${response.status} ${answer.slice(0, 200)}`);
  return { what, dueAt: sentAt, sentAt, endedAt: performance.now(), chunksAt: [], promptTokens: 0, outputTokens: 0, error: null };
}

function nested(depth: number, wrap: (inner: object) => object): object {
  return Array.from({ length: depth }).reduce<object>(wrap, { type: 'null' });
}

function ref(index: number): object {
  return { $ref: `#/$defs/d${index}` };
}

function defs(count: number, make: (index: number) => object): object {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`d${index}`, make(index)]));
}

function properties(count: number, make: (index: number) => object): object {
  return { type: 'object', properties: Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, make(index)])) };
}

function text(): object {
  return { type: 'string' };
}
