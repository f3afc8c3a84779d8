/** What Python's `str.strip()` takes away (`str.isspace`). JavaScript's `trim` takes U+FEFF too, and leaves U+001C to U+001F and U+0085. */
const WHITESPACE =
  '\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000';

const SIDES = {
  'str.strip': { left: true, right: true },
  'str.lstrip': { left: true, right: false },
  'str.rstrip': { left: false, right: true },
} as const;

/** Python's str.strip, str.lstrip and str.rstrip. No template can define variables of these names: they have a dot. */
export const PYTHON_STRING_FUNCTIONS = Object.fromEntries(
  Object.entries(SIDES).map(([name, { left, right }]) => [
    name,
    (text: unknown, characters: unknown): string => strip(name, text, characters ?? WHITESPACE, left, right),
  ]),
);

/**
 * Makes a template's syntax tree call {@link PYTHON_STRING_FUNCTIONS} where it says `x.strip(…)` or `x | trim`. @huggingface/jinja 0.5.11
 * ignores the argument: `'\n  x'.lstrip('\n')` loses its spaces, and a prompt is not what the model was trained on.
 */
export function usePythonStrings(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  if (Array.isArray(node)) for (const item of node) usePythonStrings(item);
  else if (node instanceof Map) for (const entry of node) usePythonStrings(entry);
  else {
    for (const child of Object.values(node)) usePythonStrings(child);
    replaceMethodCall(node as Node);
    replaceTrimFilter(node as Node);
  }
}

/** The nodes of @huggingface/jinja's syntax tree that matter here. */
interface Node {
  type: string;
  value?: unknown;
  callee?: Node;
  args?: Node[];
  object?: Node;
  property?: Node;
  operand?: Node;
  filter?: Node;
}

/** `x.strip(…)` → `str.strip(x, …)` */
function replaceMethodCall(node: Node): void {
  const { type, callee, args } = node;
  if (type !== 'CallExpression' || callee?.type !== 'MemberExpression') return;
  const { object, property } = callee;
  const name = `str.${String(property?.value)}`;
  if (object === undefined || property?.type !== 'Identifier' || !Object.hasOwn(SIDES, name)) return;
  property.value = name;
  Object.assign(node, { callee: property, args: [object, ...(args ?? [])] });
}

/** `x | trim` → `str.strip(x)` */
function replaceTrimFilter(node: Node): void {
  const { type, operand, filter } = node;
  if (type !== 'FilterExpression' || filter?.type !== 'Identifier' || filter.value !== 'trim') return;
  filter.value = 'str.strip';
  Object.assign(node, { type: 'CallExpression', callee: filter, args: [operand] });
}

function strip(name: string, text: unknown, characters: unknown, left: boolean, right: boolean): string {
  if (typeof text !== 'string' || typeof characters !== 'string') throw new TypeError(`${name} takes strings`);
  const set = new Set(characters);
  let start = 0;
  let end = text.length;
  // By code points, of which a string has one or two units each.
  const first = (): string => Array.from(text.slice(start, Math.min(start + 2, end)))[0] ?? '';
  const last = (): string => Array.from(text.slice(Math.max(end - 2, start), end)).at(-1) ?? '';
  while (left && set.has(first())) start += first().length;
  while (right && set.has(last())) end -= last().length;
  return text.slice(start, end);
}
