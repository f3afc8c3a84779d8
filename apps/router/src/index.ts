import type { RouterOptions } from './options.js';
import type { RunningRouter } from './start-router.js';

export { readApiKeys } from './api-keys/read-api-keys.js';
export { parseRouterOptions, type RawRouterOptions, type RouterOptions } from './options.js';
export type { RunningRouter };

/**
 * Starts serving a pack; see `start-router.ts`. Only this loads NestJS, which whoever just checks options can do without.
 * @throws RingmeshError when the pack, an option or the address to listen on cannot be used
 */
export async function startRouter(options: RouterOptions): Promise<RunningRouter> {
  const router = await import('./start-router.js');
  return router.startRouter(options);
}
