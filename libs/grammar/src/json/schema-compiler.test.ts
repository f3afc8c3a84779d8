import { GrammarInvalidError, GrammarTooComplexError } from '@ringmesh/core';
import { describe, expect, it } from 'vitest';
import { compileGrammar } from '../compile-grammar.js';
import { accepts, allowedTokens, isAllowed, matcherOf, tokenizer } from '../testing/vocabulary.js';

const is = (schema: unknown, text: string): boolean => accepts({ type: 'schema', schema }, text);
const object = (properties: object, more: object = {}): object => ({ type: 'object', properties, ...more });

describe('a keyword', () => {
  it.each<[name: string, schema: unknown, good: string[], bad: string[]]>([
    [
      'no keyword',
      {},
      ['1', '"a"', 'null', '[1, {"a": []}]', '-5e-11', '-0.5', 'true'],
      ['', 'nul', '[1,]', '01', '1e999', '{a: 1}', '{"a" 1}'],
    ],
    ['true', true, ['1'], ['']],
    ['type', { type: ['string', 'null'] }, ['null', '""'], ['1']],
    ['nullable', { type: 'integer', nullable: true }, ['null', '1'], ['""']],
    ['const', { const: { a: [1, 'é'] } }, ['{"a":[1,"é"]}'], ['{}']],
    ['enum', { enum: ['a', 1, null, 'ab'] }, ['"a"', '"ab"', '1', 'null'], ['"b"', '"', '2']],
    ['enum and type', { type: 'string', enum: ['a', 1] }, ['"a"'], ['1']],
    ['enum and nullable', { type: 'string', nullable: true, enum: ['a', null] }, ['"a"', 'null'], ['1']],
    ['anyOf', { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'null' } }] }, ['"x"', '[null]'], ['1', '[1]']],
    [
      'oneOf',
      { oneOf: [object({ a: { const: 1 } }, { required: ['a'] }), object({ a: { const: 2 } }, { required: ['a'] })] },
      ['{"a": 1}', '{"a":2}'],
      ['{"a": 3}'],
    ],
    [
      'anyOf beside properties',
      object({ a: { type: 'null' }, b: { type: 'null' } }, { anyOf: [{ required: ['a'] }, { required: ['b'] }] }),
      ['{"a": null}', '{"b": null}', '{"a": null, "b": null}'],
      ['{}', '{"c": null}'],
    ],
    [
      'allOf',
      { allOf: [object({ a: { type: 'number', minimum: 2 } }, { required: ['a'] }), object({ a: { maximum: 3 }, b: { type: 'null' } })] },
      ['{"a": 2.5}', '{"a": 3, "b": null}'],
      ['{"a": 1}', '{"a": 4}', '{"b": null}'],
    ],
    [
      'allOf with a schema for properties that another one lists',
      {
        allOf: [
          object({ a: { type: ['integer', 'null'] } }, { additionalProperties: true }),
          { additionalProperties: { type: 'integer' } },
        ],
      },
      ['{"a": 1}', '{"a": 1, "b": 2}'],
      ['{"a": null}', '{"b": null}'],
    ],
    [
      'allOf with three of a property',
      { allOf: [object({ a: { type: 'integer' } }), object({ a: { minimum: 2 } }), object({ a: { maximum: 3 } })] },
      ['{"a": 2}', '{"a": 3}'],
      ['{"a": 1}', '{"a": 4}'],
    ],
    ['allOf and nullable', { allOf: [{ type: 'string', nullable: true }, { type: 'string' }] }, ['"a"'], ['null']],
    ['nullable beside allOf', { nullable: true, allOf: [{ type: 'string' }] }, ['"a"', 'null'], ['1']],
    [
      'allOf with exclusive minima of older drafts',
      { allOf: [{ type: 'integer', minimum: 5, exclusiveMinimum: true }, { minimum: 3, exclusiveMinimum: true }, { minimum: 2 }] },
      ['6'],
      ['5'],
    ],
    ['$ref', { $defs: { n: { type: 'null' } }, type: 'array', items: { $ref: '#/$defs/n' } }, ['[null, null]', '[]'], ['[1]']],
    ['$ref with an escaped name', { definitions: { 'a/b c': { type: 'null' } }, $ref: '#/definitions/a~1b%20c' }, ['null'], ['1']],
    ['$ref beside a keyword', { $defs: { s: { type: 'string' } }, $ref: '#/$defs/s', maxLength: 1 }, ['"a"'], ['"ab"']],
    [
      '$ref to itself',
      object({ next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } }, { required: ['next'] }),
      ['{"next": {"next": null}}'],
      ['{}'],
    ],
    [
      '$refs to one another',
      {
        $defs: { tree: { type: 'array', items: { $ref: '#/$defs/node' } }, node: object({ kids: { $ref: '#/$defs/tree' } }) },
        $ref: '#/$defs/tree',
      },
      ['[]', '[{"kids": [{}, {"kids": []}]}]'],
      ['[[]]'],
    ],
    [
      'required',
      object({ a: {}, b: {}, c: {} }, { required: ['c', 'a'] }),
      ['{"a": 1, "c": 1}', '{"a": 1, "b": 1, "c": 1}'],
      ['{"c": 1}', '{"a": 1, "b": 1}', '{"c": 1, "a": 1}'],
    ],
    [
      'a property that is required and not named',
      { type: 'object', required: ['a'] },
      ['{"a": 1}', '{"a": 1, "b": 2}'],
      ['{}', '{"b": 1}'],
    ],
    ['no properties', object({}), ['{}'], ['{"a": 1}']],
    [
      'additionalProperties true',
      object({ a: {} }, { additionalProperties: true }),
      ['{"b": 1}', '{"a": 1, "b": 2, "ab": 3}', '{}'],
      ['{"b": 1, "a": 2}'],
    ],
    ['additionalProperties schema', { additionalProperties: { type: 'null' } }, ['{"": null, "b": null}'], ['{"b": 1}']],
    [
      'propertyNames',
      { type: 'object', propertyNames: { pattern: '^[a-z]{1,2}$' }, additionalProperties: { type: 'null' } },
      ['{"ab": null}'],
      ['{"A": null}', '{"abc": null}'],
    ],
    ['propertyNames enum', { propertyNames: { enum: ['x', 'y'] } }, ['{"x": 1}'], ['{"z": 1}']],
    [
      'propertyNames that are required',
      { propertyNames: { type: 'string', enum: ['x', 'y'] }, required: ['x', 'y'] },
      ['{"x": 1, "y": 2}'],
      ['{"x": 1}'],
    ],
    [
      'propertyNames beside a property',
      object({ x: { type: 'null' } }, { propertyNames: { enum: ['x', 'y'] }, additionalProperties: { type: 'integer' } }),
      ['{"x": null}', '{"x": null, "y": 1}'],
      ['{"x": 1}', '{"z": 1}'],
    ],
    ['limits beyond any counter', { type: 'string', minLength: 0, maxLength: 1e300 }, ['"a"'], ['1']],
    [
      'minProperties',
      { type: 'object', minProperties: 1, maxProperties: 2 },
      ['{"a": 1}', '{"a": 1, "b": 1}'],
      ['{}', '{"a": 1, "b": 1, "c": 1}'],
    ],
    ['minProperties of named ones', object({ a: {}, b: {} }, { minProperties: 1 }), ['{"a": 1}', '{"b": 1}', '{"a": 1, "b": 1}'], ['{}']],
    [
      'minItems and maxItems',
      { type: 'array', items: { type: 'null' }, minItems: 1, maxItems: 2 },
      ['[null]', '[ null, null ]'],
      ['[]', '[null,null,null]'],
    ],
    ['maxItems 0', { type: 'array', maxItems: 0 }, ['[]'], ['[1]']],
    [
      'prefixItems',
      { prefixItems: [{ type: 'null' }, { type: 'boolean' }], minItems: 1 },
      ['[null]', '[null, true]'],
      ['[]', '[null, true, 1]'],
    ],
    [
      'prefixItems and items',
      { prefixItems: [{ type: 'null' }], items: { type: 'integer' }, maxItems: 3 },
      ['[]', '[null, 1, 2]'],
      ['[1]', '[null, 1, 2, 3]'],
    ],
    [
      'prefixItems that are as items are',
      { prefixItems: [{ type: 'string' }, { type: 'null' }], items: { type: 'string' } },
      ['["a"]', '["a", null, "b", "c"]'],
      ['[null]', '["a", "b"]', '["a", null, null]'],
    ],
    ['minLength', { type: 'string', minLength: 1 }, ['"a"', `"${'a'.repeat(300)}"`], ['""']],
    ['pattern', { type: 'string', pattern: '^a' }, ['"a"', '"ab\\n"'], ['"b"', '""']],
    ['pattern within', { pattern: 'b+' }, ['"abc"'], ['"ac"']],
    ['pattern and lengths', { pattern: '^(ab)+$', minLength: 3, maxLength: 7 }, ['"abab"', '"ababab"'], ['"ab"', '"abababab"']],
    ['format', { type: 'string', format: 'date' }, ['"2024-02-29"', '"1999-12-31"'], ['"2023-02-29"', '"2024-13-01"', '"today"']],
    ['format uuid', { format: 'uuid' }, ['"123e4567-e89b-12d3-a456-426614174000"'], ['"123"']],
    ['format email and a pattern', { format: 'email', pattern: '@a\\.org$' }, ['"b.c@a.org"'], ['"b@c.org"', '"@a.org"']],
    ['format that annotates', { type: 'integer', format: 'int32' }, ['5'], ['""']],
    ['minimum', { type: 'integer', minimum: 5 }, ['5', '123456'], ['4', '-5']],
    ['exclusiveMinimum of older drafts', { type: 'integer', minimum: 5, exclusiveMinimum: true }, ['6'], ['5']],
    ['both minima', { type: 'integer', minimum: 5, exclusiveMinimum: 4 }, ['5'], ['4']],
    ['multipleOf', { type: 'integer', multipleOf: 5, exclusiveMaximum: 20 }, ['-10', '0', '15'], ['20', '7']],
    [
      'annotations',
      { title: 't', description: 'd', default: 1, examples: [1], 'x-order': 2, uniqueItems: false, type: 'null' },
      ['null'],
      ['1'],
    ],
  ])('%s', (_, schema, good, bad) => {
    for (const text of good) expect(is(schema, text), text).toBe(true);
    for (const text of bad) expect(is(schema, text), text).toBe(false);
  });

  it.each<[says: string, schema: unknown]>([
    ['#: "uniqueItems" is not supported', { type: 'array', uniqueItems: true }],
    ['#/properties/a: "not" is not supported', object({ a: { not: {} } })],
    ['#/items: "if" is not supported', { type: 'array', items: { if: {} } }],
    ['#: "maxlength" is not supported', { type: 'string', maxlength: 1 }],
    ['#: "patternProperties"', { patternProperties: {} }],
    ['#: "format" "iri" is not supported', { format: 'iri' }],
    ['#: "type" must be of string, number', { type: 'float' }],
    ['#: "minItems" 3 is more than the 2', { items: {}, minItems: 3, maxItems: 2 }],
    ['#: "minItems" 3 is more than the 1', { prefixItems: [{}], minItems: 3 }],
    ['#: "maxLength" 1 is less than', { type: 'string', minLength: 2, maxLength: 1 }],
    ['#: "maximum" leaves no number', { type: 'integer', minimum: 2, maximum: 1 }],
    ['#: "minLength" must be a whole number', { type: 'string', minLength: -1 }],
    ['#: "enum" leaves no value', { type: 'string', enum: [1] }],
    ['#: "enum" leaves no value', { enum: [] }],
    ['#: "required" has "b"', object({ a: {} }, { required: ['b'] })],
    ['#: "required" must be a list', { type: 'object', required: 'a' }],
    ['"#/$defs/none" leads to nothing', { $ref: '#/$defs/none' }],
    ['must be "#" or "#/…"', { $ref: 'https://a.b/c' }],
    ['#: "prefixItems" stands in several', { allOf: [{ prefixItems: [{ type: 'integer' }] }, { items: { type: 'string' } }] }],
    ['#: "propertyNames" does not have "a"', object({ a: {} }, { propertyNames: { enum: ['b'] } })],
    ['#: "propertyNames" with limits', object({ a: {} }, { propertyNames: { pattern: '^b' } })],
    ['#: "propertyNames" must be a schema', { type: 'object', propertyNames: false }],
    ['#/propertyNames: "pattern" beside "enum"', { propertyNames: { enum: ['a'], pattern: 'b' } }],
    ['leads to itself', { $ref: '#' }],
    ['refers to itself', { anyOf: [{ $ref: '#' }, { type: 'null' }] }],
    ['no text that ends', object({ a: { $ref: '#' } }, { required: ['a'] })],
    ['"minProperties" above 1', { type: 'object', minProperties: 2 }],
    ['"maxProperties" is supported where', object({ a: {}, b: {} }, { maxProperties: 1 })],
    ['"pattern" stands in several', { allOf: [{ pattern: 'a' }, { pattern: 'b' }] }],
    ['#/properties/a: the regular expression', object({ a: { pattern: '(' } })],
    ['#: "pattern", "format" and lengths leave no string', { pattern: '^abc$', maxLength: 2 }],
    ['#/allOf/0: "required" must be a list', { allOf: [{ required: 5 }, { required: ['a'] }] }],
    ['must be a schema of strings', { propertyNames: { type: 'integer' } }],
    ['must be a JSON schema', 5],
    ['must be a JSON schema', null],
    ['#: "properties" must be an object', { properties: [] }],
    ['"multipleOf" is supported for', { type: 'number', multipleOf: 0.3 }],
    ['no type is left', { allOf: [{ type: 'string' }, { type: 'null' }] }],
  ])('is refused by its name: %s', (says, schema) => {
    const compile = (): unknown => compileGrammar({ type: 'schema', schema });
    expect(compile).toThrow(GrammarInvalidError);
    expect(compile).toThrow(says);
  });
});

/** A schema within a schema within …, so many times. */
function nested(depth: number, wrap: (inner: unknown) => unknown): unknown {
  return Array.from({ length: depth }).reduce(wrap, { type: 'null' });
}

const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));
const defs = (count: number, make: (index: number) => unknown): object =>
  Object.fromEntries(many(count, (index) => [`d${index}`, make(index)]));

const named = (count: number): object => object(defs(count, () => ({})));

describe('a hostile schema', () => {
  it.each<[string, unknown]>([
    ['nested deeply', nested(5_000, (items) => ({ type: 'array', items }))],
    ['of a million bytes', { enum: many(100_000, (index) => `value ${index}`) }],
    [
      'with a chain of references',
      { $defs: defs(2_000, (index) => ({ type: 'array', items: { $ref: `#/$defs/d${index + 1}` } })), $ref: '#/$defs/d0' },
    ],
    ['with a circle of references', { $defs: defs(100, (index) => ({ $ref: `#/$defs/d${(index + 1) % 100}` })), $ref: '#/$defs/d0' }],
    [
      'with references that double',
      {
        $defs: defs(60, (index) => ({ allOf: [{ $ref: `#/$defs/d${index + 1}` }, { $ref: `#/$defs/d${index + 1}` }] })),
        $ref: '#/$defs/d0',
      },
    ],
    ['that joins one schema many times', { $defs: { a: named(2_000) }, allOf: many(2_000, () => ({ $ref: '#/$defs/a' })) }],
    [
      'that joins many small ones',
      { allOf: many(4_000, (index) => ({ properties: { [`p${index}`]: {} }, required: [`p${index}`], additionalProperties: {} })) },
    ],
    ['with long names', object({ ['n'.repeat(60_000)]: named(4_000) })],
    ['with a pattern that repeats nothing', { type: 'string', pattern: '((){100000}){100000}' }],
    ['with a catastrophic pattern', { type: 'string', pattern: '^((a{1,100}){1,100}){1,100}$' }],
    ['with a pattern of exponential states', { type: 'string', pattern: '(.*a.{30})' }],
    ['with a pattern and a huge length', { type: 'string', pattern: '^[a-z]+$', maxLength: 1_000_000 }],
    [
      'with many patterns',
      object(Object.fromEntries(many(500, (index) => [`p${index}`, { type: 'string', pattern: `^.{${index + 200}}$` }]))),
    ],
    [
      'with many bounds',
      object(Object.fromEntries(many(2_000, (index) => [`p${index}`, { type: 'number', minimum: index / 7, maximum: 1e9 + index }]))),
    ],
  ])('%s is refused', { timeout: 2_000 }, (_, schema) => {
    const compile = (): unknown => compileGrammar({ type: 'schema', schema });
    expect(compile).toThrow(/./);
    try {
      compile();
    } catch (error) {
      expect(error instanceof GrammarInvalidError || error instanceof GrammarTooComplexError).toBe(true);
    }
  });

  it('whose references lead to one large schema is looked at once', { timeout: 2_000 }, () => {
    const large = Object.fromEntries(many(6_000, (index) => [`x-${index}`, 1]));
    const properties = defs(2_000, () => ({ $ref: '#/$defs/large' }));
    expect(is(object(properties, { $defs: { large } }), '{"d1999": 1}')).toBe(true);
  });

  it.each<[string, unknown]>([
    [
      'with many required properties',
      object(
        defs(1_000, () => ({ type: 'integer' })),
        { required: many(1_000, (index) => `d${index}`) },
      ),
    ],
    ['with many optional properties', object(Object.fromEntries(many(1_000, (index) => [`p${index}`, { type: 'integer' }])))],
    [
      'with many alternatives',
      { anyOf: many(500, (index) => object({ kind: { const: `k${index}` }, n: { type: 'integer' } }, { required: ['kind'] })) },
    ],
    ['with lists of itself in many ways', { anyOf: many(40, (index) => ({ type: 'array', items: { $ref: '#' }, maxItems: index })) }],
    ['with huge limits', { type: 'array', items: { type: 'string', maxLength: 1e9, minLength: 1e6 }, minItems: 1e6, maxItems: 1e9 }],
  ])('%s always has a token that may come next', (_, schema) => {
    const matcher = matcherOf({ type: 'schema', schema });
    for (let step = 0; step < 10 && !matcher.isComplete; step++) {
      const mask = matcher.mask();
      const word = mask.findIndex((bits) => bits !== 0);
      expect(word).toBeGreaterThanOrEqual(0);
      matcher.accept(word * 32 + 31 - Math.clz32(mask[word]! & -mask[word]!));
    }
  });
});

describe('nesting', () => {
  it('goes as deep as calls may, and always comes back', () => {
    const matcher = matcherOf({ type: 'schema', schema: { type: 'array', items: { $ref: '#' } } });
    const [open, close] = [tokenizer.encode('[')[0]!, tokenizer.encode(']')[0]!];
    let depth = 0;
    for (; isAllowed(matcher.mask(), open); depth++) matcher.accept(open);
    expect(depth).toBeGreaterThan(100);
    for (; depth > 0; depth--) matcher.accept(close);
    expect(matcher.isComplete).toBe(true);
  });

  it.each<[string, unknown]>([
    ['the second item', { prefixItems: [{ type: 'null' }, { anyOf: [{ $ref: '#' }, { enum: [1] }] }], minItems: 2 }],
    ['an item that never ends', { anyOf: [{ type: 'null' }, { prefixItems: [{ type: 'null' }, { $ref: '#/$defs/never' }], minItems: 2 }] }],
    ['a property that never ends', { anyOf: [{ type: 'null' }, object({ a: { $ref: '#/$defs/never' } }, { minProperties: 1 })] }],
  ])('comes nowhere where it cannot go on: %s', (_, schema) => {
    const never = object({ a: { $ref: '#/$defs/never' } }, { required: ['a'] });
    const matcher = matcherOf({ type: 'schema', schema: { ...(schema as object), $defs: { never } } });
    for (let step = 0; step < 3_000 && !matcher.isComplete; step++) {
      const allowed = allowedTokens(matcher.mask());
      expect(allowed.length).toBeGreaterThan(0);
      matcher.accept(allowed.find((token) => tokenizer.tokenText(token) === '[') ?? allowed[0]!);
    }
    expect(matcher.isComplete).toBe(true);
  });
});
