import { StandardSchemaValidationPipe } from '@nestjs/common';
import { InvalidRequestError } from '@ringmesh/core';

type Issue = Issues[number];
type Issues = Parameters<NonNullable<NonNullable<ConstructorParameters<typeof StandardSchemaValidationPipe>[0]>['exceptionFactory']>>[0];

/** What zod says of a union that has no message of its own. */
const UNION_MESSAGE = 'Invalid input';

/** Validates what `@Body({ schema })` declares; the first problem becomes the error, and its path the error's `param`. */
export function validationPipe(): StandardSchemaValidationPipe {
  return new StandardSchemaValidationPipe({ exceptionFactory: invalidRequest });
}

function invalidRequest([issue]: Issues): InvalidRequestError {
  const { path: segments = [], message: problem } = issue === undefined ? { message: 'Invalid input' } : innermost(issue);
  const path = segments.map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.');
  return path === ''
    ? new InvalidRequestError(`The body is invalid: ${problem}`)
    : new InvalidRequestError(`${path}: ${problem}`, { field: path });
}

/** Of a union that says nothing by itself, the problem that lies deepest: of the alternative that was probably meant. */
function innermost(issue: Issue): Issue {
  const alternatives = 'errors' in issue && issue.message === UNION_MESSAGE ? (issue.errors as Issue[][]) : [];
  const inner = alternatives.flatMap(([first]) => (first === undefined ? [] : [innermost(first)])).sort((a, b) => depth(b) - depth(a))[0];
  if (inner === undefined || (depth(inner) === 0 && inner.message.startsWith('Invalid input'))) return issue;
  return { message: inner.message, path: [...(issue.path ?? []), ...(inner.path ?? [])] };
}

function depth({ path }: Issue): number {
  return path?.length ?? 0;
}
