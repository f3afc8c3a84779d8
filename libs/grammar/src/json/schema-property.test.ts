import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGrammar } from '../compile-grammar.js';
import { MatcherCache } from '../matcher/matcher-cache.js';
import { randomNumbers, randomReply } from '../testing/random-walk.js';
import { accepts, END_TOKEN, trie } from '../testing/vocabulary.js';

const ajv = new Ajv2020({ strict: false, allErrors: false });
addFormats.default(ajv);

/** Schemas of any shape that is supported, and values that fulfil each. */
interface Case {
  schema: Record<string, unknown>;
  value: fc.Arbitrary<unknown>;
}

const text = fc.string({ unit: 'binary', maxLength: 12 }).map((value) => value.toWellFormed());
const name = fc.oneof(fc.string({ minLength: 1, maxLength: 6 }), fc.constantFrom('名前', 'a"b', 'né', '\\', '🦊', 'a\nb', 'x'));

const leaves: fc.Arbitrary<Case> = fc.oneof(
  fc.constant({ schema: { type: 'string' }, value: text }),
  fc.constant({ schema: { type: 'boolean' }, value: fc.boolean() }),
  fc.constant({ schema: { type: ['integer', 'null'] }, value: fc.option(fc.maxSafeInteger()) }),
  fc.constant({ schema: { type: 'number' }, value: fc.double({ min: -1e307, max: 1e307, noNaN: true }) }),
  fc.tuple(fc.nat(6), fc.nat(9)).map(([minLength, more]) => ({
    schema: { type: 'string', minLength, maxLength: minLength + more },
    value: fc.string({ unit: 'binary', minLength, maxLength: minLength + more }).map((value) => value.toWellFormed()),
  })),
  fc.tuple(fc.maxSafeInteger(), fc.maxSafeInteger()).map(([a, b]) => {
    const [minimum, maximum] = [Math.min(a, b), Math.max(a, b)];
    return {
      schema: { type: 'integer', minimum, maximum },
      value: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((n) => clamp(n, minimum, maximum)),
    };
  }),
  fc.tuple(fc.integer({ min: -5000, max: 5000 }), fc.nat(3000)).map(([low, width]) => {
    const [minimum, maximum] = [low / 8, (low + width + 1) / 8];
    return {
      schema: { type: 'number', minimum, exclusiveMaximum: maximum },
      value: fc.integer({ min: low * 16, max: (low + width + 1) * 16 - 1 }).map((n) => n / 128),
    };
  }),
  fc.uniqueArray(fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null)), { minLength: 1, maxLength: 5 }).map((values) => ({
    schema: { enum: values },
    value: fc.constantFrom(...values),
  })),
);

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

const cases = fc.letrec<{ case: Case }>((tie) => ({
  case: fc.oneof({ depthSize: 'small' }, leaves, arrays(tie('case')), objects(tie('case')), unions(tie('case'))),
})).case;

function arrays(item: fc.Arbitrary<Case>): fc.Arbitrary<Case> {
  return fc.tuple(item, fc.nat(3), fc.nat(4)).map(([{ schema, value }, minItems, more]) => ({
    schema: { type: 'array', items: schema, minItems, maxItems: minItems + more },
    value: fc.array(value, { minLength: minItems, maxLength: minItems + more }),
  }));
}

function objects(member: fc.Arbitrary<Case>): fc.Arbitrary<Case> {
  const members = fc.uniqueArray(fc.tuple(name, member, fc.boolean()), { maxLength: 5, selector: ([key]) => key });
  return fc.tuple(members, fc.option(leaves)).map(([unordered, extra]) => {
    const order = Object.keys(Object.fromEntries(unordered.map(([key]) => [key, true]))); // numbers come first, as they do in the schema
    const list = unordered.toSorted(([a], [b]) => order.indexOf(a) - order.indexOf(b));
    const required = list.filter(([, , isRequired]) => isRequired).map(([key]) => key);
    const values = fc.tuple(
      ...list.map(([, { value }, isRequired]) => (isRequired ? value.map((given) => [given]) : fc.option(value.map((given) => [given])))),
    );
    const extras = extra === null ? fc.constant([]) : fc.array(fc.tuple(name, extra.value), { maxLength: 3 });
    return {
      schema: {
        type: 'object',
        properties: Object.fromEntries(list.map(([key, { schema }]) => [key, schema])),
        required,
        additionalProperties: extra === null ? false : extra.schema,
      },
      value: fc.tuple(values, extras).map(([given, more]) => {
        const free = more.filter(([key]) => !list.some(([other]) => other === key));
        return new Written([...list.flatMap(([key], index) => (given[index] == null ? [] : [[key, given[index][0]] as const])), ...free]);
      }),
    };
  });
}

function unions(option: fc.Arbitrary<Case>): fc.Arbitrary<Case> {
  return fc.array(option, { minLength: 1, maxLength: 3 }).map((options) => ({
    schema: { anyOf: options.map(({ schema }) => schema) },
    value: fc.oneof(...options.map(({ value }) => value)),
  }));
}

/** An object whose properties keep their order, whatever their names: JavaScript puts "1" first. */
class Written {
  constructor(readonly entries: readonly (readonly [string, unknown])[]) {}
}

function write(value: unknown): string {
  if (value instanceof Written) return `{${value.entries.map(([key, given]) => `${JSON.stringify(key)}:${write(given)}`).join(',')}}`;
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  return JSON.stringify(value);
}

describe('a schema of any shape', () => {
  it('lets nothing through but JSON that validates', () => {
    const cache = new MatcherCache();
    fc.assert(
      fc.property(cases, fc.integer(), ({ schema }, seed) => {
        const matcher = cache.matcher(compileGrammar({ type: 'schema', schema }), trie, [END_TOKEN]);
        const reply = randomReply(matcher, randomNumbers(seed));
        expect(reply).toBeDefined();
        const validate = ajv.compile(schema);
        expect(validate(JSON.parse(reply!)), `${reply!} of ${JSON.stringify(schema)}: ${ajv.errorsText(validate.errors)}`).toBe(true);
      }),
      { numRuns: 400, seed: 1 },
    );
  });

  it('lets every value through that fulfils it, token by token', () => {
    fc.assert(
      fc.property(
        cases.chain(({ schema, value }) => fc.tuple(fc.constant(schema), value)),
        ([schema, value]) => {
          const written = write(value);
          expect(accepts({ type: 'schema', schema }, written), `${written} of ${JSON.stringify(schema)}`).toBe(true);
        },
      ),
      { numRuns: 600, seed: 2 },
    );
  });
});
