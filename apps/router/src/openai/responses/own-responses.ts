import type { BackgroundResponses } from './background-responses.js';
import type { ResponseObject } from './response-object.js';
import type { ResponseStore, StoredItem, StoredResponse, StoredTurn } from './response-store.js';

/** The responses of one API key, kept or being made: those of others are as if they were not there. */
export class OwnResponses {
  constructor(
    private readonly store: ResponseStore,
    private readonly background: BackgroundResponses,
    private readonly apiKeyName: string | null,
  ) {}

  /** Whether the server keeps any. */
  get isEnabled(): boolean {
    return this.store.isEnabled;
  }

  find(id: string): StoredResponse | undefined {
    return this.own(this.background.get(id) ?? this.store.get(id));
  }

  /** What a conversation goes on from. One that is being made has no items yet: its status says that it cannot be followed. */
  findTurn(id: string): StoredTurn | undefined {
    const running = this.own(this.background.get(id));
    if (running === undefined) return this.own(this.store.turn(id));
    const { response, apiKeyName } = running;
    return { apiKeyName, status: response.status, previousId: response.previous_response_id, numItems: 0, itemBytes: 0, items: () => [] };
  }

  keep(response: ResponseObject, input: StoredItem[]): void {
    this.store.put({ response, input, apiKeyName: this.apiKeyName });
  }

  /** Ends it where it is being made. @returns the response; undefined where it is not there */
  cancel(id: string): ResponseObject | undefined {
    const found = this.find(id);
    return found && (this.background.cancel(id) ?? found.response);
  }

  /** @returns whether it was there */
  delete(id: string): boolean {
    if (this.find(id) === undefined) return false;
    this.background.cancel(id);
    this.store.delete(id);
    return true;
  }

  private own<T extends { apiKeyName: string | null }>(found: T | undefined): T | undefined {
    return found?.apiKeyName === this.apiKeyName ? found : undefined;
  }
}
