import type { Logger } from '@ringmesh/telemetry';
import type { TextEvent } from '../../generation/generate-text.js';
import type { Indexed } from '../../generation/merge.js';
import { type ResponseBuilder, type ResponseEvent, responseEvents } from './response-builder.js';
import type { ResponseObject } from './response-object.js';
import type { ResponseStore, StoredResponse } from './response-store.js';

interface Job extends Omit<StoredResponse, 'response'> {
  builder: ResponseBuilder;
}

interface RunningJob extends Job {
  controller: AbortController;
}

/** Responses that are being made with no client waiting. They are kept here until they end, and then in the store. */
export class BackgroundResponses {
  private readonly jobs = new Map<string, RunningJob>();

  constructor(
    private readonly store: ResponseStore,
    private readonly log: Logger,
  ) {}

  /**
   * @param generate what to build the response of; ends when its signal aborts
   * @throws what `generate` throws, and what it refuses with before it waits for anything: admission has limits for these as for all others
   */
  async start(job: Job, generate: (signal: AbortSignal) => AsyncGenerator<Indexed<TextEvent>, void>): Promise<ResponseObject> {
    const { id } = job.builder.response();
    const running = { ...job, controller: new AbortController() };
    const events = responseEvents(generate(running.controller.signal), job.builder, () => this.ended(id));
    this.jobs.set(id, running);
    const first = events.next();
    try {
      await Promise.race([first, new Promise(setImmediate)]);
    } catch (error) {
      this.jobs.delete(id);
      throw error;
    }
    const response = job.builder.response();
    void this.run(id, running, first, events);
    return response;
  }

  /** A response that has not ended. */
  get(id: string): StoredResponse | undefined {
    const job = this.jobs.get(id);
    return job && storedResponse(job);
  }

  /** @returns the cancelled response; undefined where none of this id is being made */
  cancel(id: string): ResponseObject | undefined {
    const job = this.jobs.get(id);
    if (job === undefined) return undefined;
    job.builder.cancel();
    this.ended(id);
    const response = job.builder.response();
    job.controller.abort(new Error('The response was cancelled'));
    return response;
  }

  private async run(
    id: string,
    { builder }: RunningJob,
    first: Promise<IteratorResult<ResponseEvent, void>>,
    events: AsyncGenerator<ResponseEvent, void>,
  ): Promise<void> {
    try {
      for (let next = await first; !next.done; next = await events.next());
    } catch (error) {
      if (!this.jobs.has(id)) return; // cancelled: that is the error
      builder.fail(error);
      this.log.error({ err: error, id }, 'background response failed');
      this.ended(id);
    }
  }

  /** Once: what comes after a cancellation changes nothing. */
  private ended(id: string): void {
    const job = this.jobs.get(id);
    if (job === undefined) return;
    this.jobs.delete(id);
    this.store.put(storedResponse(job));
  }
}

function storedResponse({ builder, input, apiKeyName }: Job): StoredResponse {
  return { response: builder.response(), input, apiKeyName };
}
