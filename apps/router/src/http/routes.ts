/** The routes of the server, to tell a wrong method (405) from a wrong path (404), which fastify does not. */
export class Routes {
  private readonly routes: { pattern: RegExp; methods: Set<string> }[] = [];

  /** @param url as fastify has it: `/v1/models/:id` */
  add(url: string, methods: string | string[]): void {
    const pattern = new RegExp(`^${url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:[^/]+/g, '[^/]+')}$`);
    this.routes.push({ pattern, methods: new Set([methods].flat()) });
  }

  /** The methods that a path knows; none for a path that does not exist. */
  methodsOf(path: string): string[] {
    const methods = this.routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => [...route.methods]);
    return [...new Set(methods)].sort();
  }
}
