import type { ErrorDetails, RingmeshError } from './errors.js';

export type ErrorClass = new (message: string, details?: ErrorDetails) => RingmeshError;

/** Where a JSON object came from, for its errors. */
export interface JsonSource {
  /** File name as errors show it. */
  file: string;
  /** What is thrown for a field that cannot be used. */
  ErrorClass: ErrorClass;
  /** Our name of a field → the file's name, where they differ. */
  names?: Readonly<Record<string, string>>;
}

/**
 * Checked access to the fields of a JSON object somebody else wrote. Each error names the file, the field, its value and what is expected.
 * `null` counts as absent, as Hugging Face writes it. Unknown fields are ignored.
 */
export class JsonFields {
  private constructor(
    private readonly fields: Readonly<Record<string, unknown>>,
    private readonly source: JsonSource,
    private readonly prefix: string,
  ) {}

  static of(json: unknown, source: JsonSource): JsonFields {
    if (!isObject(json)) throw new source.ErrorClass(`${source.file} must hold a JSON object, not ${show(json)}`, { field: source.file });
    return new JsonFields(json, source, '');
  }

  /** The field's path in the file: `rope_scaling.factor`. */
  path(key: string): string {
    return this.prefix + (this.source.names?.[key] ?? key);
  }

  value(key: string): unknown {
    const name = this.source.names?.[key] ?? key;
    return Object.hasOwn(this.fields, name) ? this.fields[name] : undefined;
  }

  has(key: string): boolean {
    return this.value(key) !== undefined && this.value(key) !== null;
  }

  keys(): string[] {
    return Object.keys(this.fields);
  }

  /** `read(key)`, or undefined where the field is missing or null. */
  optional<T>(key: string, read: (key: string) => T): T | undefined {
    return this.has(key) ? read(key) : undefined;
  }

  integer(key: string, min: number, max: number): number {
    const value = this.value(key);
    if (!isIntegerWithin(value, min, max)) this.fail(key, `must be an integer from ${min} to ${max}`);
    return value;
  }

  number(key: string, min: number, max: number): number {
    const value = this.value(key);
    if (typeof value !== 'number' || !(value >= min && value <= max)) this.fail(key, `must be a number from ${min} to ${max}`);
    return value;
  }

  boolean(key: string): boolean {
    const value = this.value(key);
    if (typeof value !== 'boolean') this.fail(key, 'must be true or false');
    return value;
  }

  string(key: string, maxLength: number): string {
    const value = this.value(key);
    if (typeof value !== 'string' || value.length === 0 || value.length > maxLength) {
      this.fail(key, `must be a string of 1 to ${maxLength} characters`);
    }
    return value;
  }

  oneOf<T extends string | number>(key: string, allowed: readonly T[]): T {
    const found = allowed.find((candidate) => candidate === this.value(key));
    if (found === undefined) this.fail(key, `must be ${allowed.map((candidate) => JSON.stringify(candidate)).join(' or ')}`);
    return found;
  }

  /** A list of at most `maxLength` integers. */
  integers(key: string, min: number, max: number, maxLength: number): number[] {
    const value = this.value(key);
    const integers = Array.isArray(value) ? value.filter((item) => isIntegerWithin(item, min, max)) : null;
    if (!Array.isArray(value) || integers?.length !== value.length || value.length > maxLength) {
      this.fail(key, `must be a list of at most ${maxLength} integers from ${min} to ${max}`);
    }
    return integers;
  }

  object(key: string): JsonFields {
    const value = this.value(key);
    if (!isObject(value)) this.fail(key, 'must be an object');
    return new JsonFields(value, this.source, `${this.path(key)}.`);
  }

  list(key: string, maxLength: number): JsonFields[] {
    const value = this.value(key);
    if (!Array.isArray(value) || value.length > maxLength) this.fail(key, `must be a list of at most ${maxLength} objects`);
    return value.map((item: unknown, index) => {
      if (!isObject(item)) this.fail(`${key}[${index}]`, 'must be an object');
      return new JsonFields(item, this.source, `${this.path(key)}[${index}].`);
    });
  }

  /** Throws the source's error: `config.json: head_dim is 15; it must be a multiple of 8`. */
  fail(key: string, requirement: string, ErrorClass: ErrorClass = this.source.ErrorClass): never {
    const state = this.value(key) === undefined ? 'is missing' : `is ${show(this.value(key))}`;
    const field = `${this.source.file}: ${this.path(key)}`;
    throw new ErrorClass(`${field} ${state}; it ${requirement}`, { field });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isIntegerWithin(value: unknown, min: number, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
