/** Twenty schemas as applications send them. Texts are short, for the sample model, which has never seen JSON, writes what it may. */

const text = (maxLength: number, more: object = {}): object => ({ type: 'string', minLength: 1, maxLength, ...more });
const object = (properties: Record<string, unknown>, more: object = {}): object => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
});
const list = (items: unknown, minItems: number, maxItems: number): object => ({ type: 'array', items, minItems, maxItems });

export const SCHEMAS: Readonly<Record<string, object>> = {
  'a person': object({
    name: text(12),
    age: { type: 'integer', minimum: 0, maximum: 120 },
    email: { type: ['string', 'null'], maxLength: 12 },
  }),
  'a sentiment': object({
    sentiment: { enum: ['positive', 'neutral', 'negative'] },
    confidence: { type: 'number', minimum: 0, maximum: 1 },
  }),
  'a calendar event': object({
    title: text(12),
    start: { type: 'string', format: 'date-time' },
    attendees: list(object({ name: text(6), required: { type: 'boolean' } }), 0, 2),
  }),
  'an address': object({
    street: text(10),
    city: text(8),
    zip: { type: 'string', pattern: '^[0-9]{5}(-[0-9]{4})?$' },
    country: { const: 'US' },
  }),
  'steps to an answer': object({
    steps: list(object({ explanation: text(10), output: text(6) }), 1, 2),
    final_answer: { type: 'integer', minimum: -999, maximum: 999 },
  }),
  'a tree of interface elements': {
    $ref: '#/$defs/element',
    $defs: {
      element: object({
        type: { enum: ['div', 'button'] },
        label: text(5),
        children: { type: 'array', items: { $ref: '#/$defs/leaf' }, maxItems: 2 },
      }),
      leaf: object({ type: { enum: ['text', 'image'] }, label: text(5) }),
    },
  },
  'a linked list': object(
    { list: { $ref: '#/$defs/node' } },
    {
      $defs: {
        node: object({ value: { type: 'integer', minimum: 0, maximum: 9 }, next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } }),
      },
    },
  ),
  'an invoice': object({
    number: { type: 'string', pattern: '^INV-\\d{4}$' },
    currency: { enum: ['EUR', 'USD', 'CNY'] },
    lines: list(
      object({
        sku: text(4),
        quantity: { type: 'integer', minimum: 1, maximum: 99 },
        price: { type: 'number', exclusiveMinimum: 0, maximum: 9999.99, multipleOf: 0.01 },
      }),
      1,
      2,
    ),
  }),
  'a query for a search': object({
    query: text(10),
    limit: { type: 'integer', minimum: 1, maximum: 50 },
    filters: {
      type: 'object',
      properties: { year: { type: 'integer', minimum: 1900, maximum: 2100 }, open: { type: 'boolean' } },
      additionalProperties: false,
    },
  }),
  'Chinese names as keys': object({
    姓名: text(6),
    年龄: { type: 'integer', minimum: 0, maximum: 150 },
    城市: { enum: ['北京', '上海', '深圳'] },
  }),
  'names with quotes and escapes': object({ 'say "hi"': { const: 'a "quoted"\n\\text\\ 🦊' }, 'tab\there': { type: 'null' } }),
  'shapes, one of': {
    oneOf: [
      object({ kind: { const: 'circle' }, radius: { type: 'number', exclusiveMinimum: 0, maximum: 100 } }),
      object({
        kind: { const: 'rectangle' },
        width: { type: 'number', minimum: 1, maximum: 10 },
        height: { type: 'number', minimum: 1, maximum: 10 },
      }),
    ],
  },
  'a matrix': list(list({ type: 'integer', minimum: -9, maximum: 9 }, 2, 2), 2, 2),
  'a map of counts': {
    type: 'object',
    additionalProperties: { type: 'integer', minimum: 0, maximum: 99 },
    propertyNames: { pattern: '^[a-z]{1,3}$' },
    maxProperties: 3,
  },
  'a recipe': object({
    name: text(8),
    minutes: { type: 'integer', minimum: 1, maximum: 600, multipleOf: 5 },
    ingredients: list(text(6), 1, 3),
    vegan: { type: 'boolean' },
  }),
  'a ticket': object({
    id: { type: 'string', format: 'uuid' },
    priority: { type: 'integer', enum: [1, 2, 3] },
    labels: list({ enum: ['bug', 'docs'] }, 0, 2),
  }),
  'a model of pydantic': {
    $defs: {
      Color: { enum: ['red', 'green'], title: 'Color', type: 'string' },
      Wheel: {
        properties: { size: { exclusiveMinimum: 10, maximum: 30, title: 'Size', type: 'integer' } },
        required: ['size'],
        title: 'Wheel',
        type: 'object',
      },
    },
    properties: {
      color: { allOf: [{ $ref: '#/$defs/Color' }], default: 'red', description: 'Paint' },
      wheels: { items: { $ref: '#/$defs/Wheel' }, maxItems: 2, minItems: 1, title: 'Wheels', type: 'array' },
      owner: { anyOf: [{ maxLength: 5, type: 'string' }, { type: 'null' }], default: null, title: 'Owner' },
    },
    required: ['color', 'wheels'],
    title: 'Car',
    type: 'object',
  },
  'a point as a tuple': {
    type: 'array',
    prefixItems: [{ type: 'number', minimum: -90, maximum: 90 }, { type: 'number', minimum: -180, maximum: 180 }, text(4)],
    items: false,
    minItems: 3,
  },
  'a host': object({
    host: { type: 'string', format: 'ipv4' },
    port: { type: 'integer', minimum: 1, maximum: 65_535 },
    since: { type: 'string', format: 'date' },
  }),
  'options that may be left out': {
    type: 'object',
    properties: Object.fromEntries(
      Array.from({ length: 8 }, (_, index) => [`option_${index}`, { type: ['boolean', 'integer'], minimum: 0, maximum: 9 }]),
    ),
    additionalProperties: false,
  },
};
