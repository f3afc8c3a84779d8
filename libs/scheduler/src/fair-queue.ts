/** What the queue looks at. */
export interface Queued {
  readonly tenant: string;
  readonly weight: number;
}

interface Tenant<S> {
  /** First come, first served. */
  readonly waiting: S[];
  /** Tokens that it was served, over its weight. */
  served: number;
}

/**
 * Sequences of equal priority that wait for their first turn. The next one is of the tenant that was served the fewest tokens (a virtual
 * token counter: Sheng et al., "Fairness in Serving Large Language Models", OSDI 2024), so that a tenant with a thousand sequences does
 * not hold up one with a single one.
 */
export class FairQueue<S extends Queued> {
  private readonly tenants = new Map<string, Tenant<S>>();
  /** What the tenant whose turn was the last had been served before. */
  private virtualTime = 0;

  push(sequence: S): void {
    const tenant = this.tenants.get(sequence.tenant) ?? { waiting: [], served: 0 };
    this.tenants.set(sequence.tenant, tenant);
    // Who asked for nothing meanwhile has saved up nothing: it would hold up all others until it has caught up.
    if (tenant.waiting.length === 0) tenant.served = Math.max(tenant.served, this.virtualTime);
    tenant.waiting.push(sequence);
  }

  peek(): S | undefined {
    return this.next()?.waiting[0];
  }

  shift(): S | undefined {
    const tenant = this.next();
    this.virtualTime = Math.max(this.virtualTime, tenant?.served ?? 0);
    return tenant?.waiting.shift();
  }

  /** Counts tokens of a sequence that had its turn. */
  charge({ tenant, weight }: S, numTokens: number): void {
    this.tenants.get(tenant)!.served += numTokens / weight;
  }

  remove(sequence: S): void {
    const waiting = this.tenants.get(sequence.tenant)?.waiting ?? [];
    const index = waiting.indexOf(sequence);
    if (index >= 0) waiting.splice(index, 1);
  }

  private next(): Tenant<S> | undefined {
    let least: Tenant<S> | undefined;
    for (const tenant of this.tenants.values()) {
      if (tenant.waiting.length > 0 && (least === undefined || tenant.served < least.served)) least = tenant;
    }
    return least;
  }
}
