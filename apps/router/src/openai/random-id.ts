import { randomUUID } from 'node:crypto';

/** @param prefix `call`: OpenAI's ids are `call_…` */
export function randomId(prefix: string): string {
  return `${prefix}_${randomUUID().replaceAll('-', '')}`;
}
