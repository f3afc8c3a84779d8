import { ApiBody, type ApiBodyOptions } from '@nestjs/swagger';
import { z } from 'zod';

type SchemaObject = Extract<ApiBodyOptions, { schema: unknown }>['schema'];

/** Documents what `@Body({ schema })` takes; Nest's OpenAPI module finds it by itself only where decorator metadata is emitted. */
export function ApiJsonBody(schema: z.ZodType): MethodDecorator {
  return ApiBody({ schema: z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }) as SchemaObject });
}
