import type { Frame } from './frame.js';

/** A state that a run of the machine may be in, its rule's counter, and the calls around it. */
export interface RunState {
  state: number;
  count: number;
  frame: Frame;
}

/** All states that a run may be in after the same text. Only those that read a byte: calls, returns and empty edges have been followed. */
export class StateSet {
  /** By byte; null where the byte may not come, undefined where nobody has asked yet. */
  readonly next = new Array<StateSet | null | undefined>(256);
  /** Bit t of word t / 32: token t may come. */
  mask: Uint32Array | undefined;

  constructor(
    readonly states: readonly RunState[],
    /** The text may end here. */
    readonly canEnd: boolean,
  ) {}

  /** Forgets what was found out about it. */
  forget(): void {
    this.next.fill(undefined);
    this.mask = undefined;
  }
}
