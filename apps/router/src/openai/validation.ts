import { StandardSchemaValidationPipe } from '@nestjs/common';
import { InvalidRequestError } from '@ringmesh/core';

type Issues = Parameters<NonNullable<NonNullable<ConstructorParameters<typeof StandardSchemaValidationPipe>[0]>['exceptionFactory']>>[0];

/** Validates what `@Body({ schema })` declares; the first problem becomes the error, and its path the error's `param`. */
export function validationPipe(): StandardSchemaValidationPipe {
  return new StandardSchemaValidationPipe({ exceptionFactory: invalidRequest });
}

function invalidRequest([issue]: Issues): InvalidRequestError {
  const path = (issue?.path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.');
  const problem = issue?.message ?? 'Invalid input';
  return path === ''
    ? new InvalidRequestError(`The body is invalid: ${problem}`)
    : new InvalidRequestError(`${path}: ${problem}`, { field: path });
}
