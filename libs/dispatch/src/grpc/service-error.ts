import { type ServiceError, status } from '@grpc/grpc-js';

/** grpc-js appends when it last tried, which would make every attempt's message another one. */
const TIMESTAMP = / \(\d{4}-\d{2}-\d{2}T[^)]*\)/;

/** The cause of a failed call, the same text for the same cause. */
export function describeServiceError({ code, details }: ServiceError): string {
  if (code === status.DEADLINE_EXCEEDED) return 'no answer in time';
  return details.replace(TIMESTAMP, '') || status[code];
}
