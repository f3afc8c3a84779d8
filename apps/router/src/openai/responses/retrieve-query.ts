import { z } from 'zod';

/** GET /v1/responses/{id}: what changes nothing is ignored. */
export const retrieveQuerySchema = z.object({
  stream: z.literal('false', { error: 'Streaming a response that is kept is not supported: remove the parameter' }).optional(),
  starting_after: z.undefined({ error: 'Streaming a response that is kept is not supported: remove the parameter' }).optional(),
});
