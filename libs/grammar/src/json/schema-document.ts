import { GrammarInvalidError } from '@ringmesh/core';
import type { Budget } from '../machine/budget.js';
import { checkDepth } from './check-depth.js';
import { mergeSchemas } from './merge-schemas.js';
import { type Schema, SchemaNode } from './schema-node.js';

const MAX_SCHEMA_BYTES = 128 * 1024;
const MAX_REFERENCES_DEEP = 64;
/** Keywords beside a "$ref", "anyOf" or "allOf" that add nothing to what it says. */
const SILENT = new Set([
  'title',
  'description',
  'default',
  'examples',
  '$defs',
  'definitions',
  '$schema',
  '$id',
  '$comment',
  'deprecated',
  'discriminator',
]);

/** A schema with everything that its references lead to. */
export class SchemaDocument {
  readonly root: SchemaNode;
  /** The same node gives the same schema each time, so that recursion is seen. */
  private readonly resolved = new WeakMap<Schema, SchemaNode>();

  /** @throws GrammarInvalidError for what is no schema, too large or too deep */
  constructor(
    schema: unknown,
    private readonly budget: Budget,
  ) {
    checkDepth(schema);
    const bytes = Buffer.byteLength(JSON.stringify(schema));
    if (bytes > MAX_SCHEMA_BYTES) throw new GrammarInvalidError(`a schema of ${bytes} bytes is too large: ${MAX_SCHEMA_BYTES} are allowed`);
    this.root = SchemaNode.of(schema, '#');
  }

  /** The schema without "$ref" and "allOf": what they lead to, joined with what stands beside them. */
  resolve(node: SchemaNode, depth = 0): SchemaNode {
    if (!node.has('$ref') && !node.has('allOf')) return node;
    const known = this.resolved.get(node.schema);
    if (known !== undefined) return known;
    if (depth > MAX_REFERENCES_DEEP) node.fail(node.has('$ref') ? '$ref' : 'allOf', 'leads to itself');
    const { $ref: _reference, allOf: _all, ...rest } = node.schema;
    const targets = [...(node.has('$ref') ? [this.lookUp(node)] : []), ...node.children('allOf')].map((target) =>
      this.resolve(target, depth + 1),
    );
    const alone = targets.length === 1 && Object.keys(rest).every((keyword) => SILENT.has(keyword));
    const result = alone ? targets[0]! : this.join([...targets, new SchemaNode(rest, node.path)], node.path);
    this.resolved.set(node.schema, result);
    return result;
  }

  /** One schema of several that must hold together. */
  join(nodes: readonly SchemaNode[], path: string): SchemaNode {
    const schemas = nodes.map(({ schema }) => schema);
    return SchemaNode.of(mergeSchemas(schemas, path, this.budget), path);
  }

  /** Follows a JSON pointer within the document. */
  private lookUp(node: SchemaNode): SchemaNode {
    const reference = node.text('$ref')!;
    const steps = /^#(\/.*)?$/s.test(reference)
      ? reference.split('/').slice(1)
      : node.fail('$ref', `"${reference}" must be "#" or "#/…", a place in the schema`);
    let value: unknown = this.root.schema;
    for (const step of steps) {
      const name = decodeStep(step);
      const isThere = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
      value = isThere ? (value as Record<string, unknown>)[name] : node.fail('$ref', `"${reference}" leads to nothing`);
    }
    return SchemaNode.of(value, reference);
  }
}

function decodeStep(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return step; // no percent encoding: taken as it is
  }
}
