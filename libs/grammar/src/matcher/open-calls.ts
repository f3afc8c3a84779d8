import type { Frame, Frames, Return } from './frame.js';

/** A return whose callers are still being found. */
interface OpenReturn {
  state: number;
  count: number;
  frames: Set<Frame>;
}

/**
 * The calls that are made between two bytes. A rule that was called ends only after a byte, so until then one frame stands for all of its
 * callers, whichever are found later; {@link close} then makes the frames that stay.
 */
export class OpenCalls {
  private readonly returnsOf = new Map<Frame, Map<string, OpenReturn>>();
  private readonly byRule = new Map<number, Frame>();
  private readonly closed = new Map<Frame, Frame>();

  constructor(private readonly frames: Frames) {}

  /** @returns what stands for the call, with the depth of its first caller */
  call(rule: number, { state, count, frame }: Return): Frame {
    let open = this.byRule.get(rule);
    if (open === undefined) {
      this.byRule.set(rule, (open = { id: -1, rule, depth: frame.depth + 1, returns: [] }));
      this.returnsOf.set(open, new Map());
    }
    const returns = this.returnsOf.get(open)!;
    const place = `${state},${count},${frame.rule}`;
    const known = returns.get(place);
    if (known === undefined) returns.set(place, { state, count, frames: new Set([frame]) });
    else known.frames.add(frame);
    return open;
  }

  /** Rules that call one another before they read a byte are in no circle, so this ends. @returns the frame with all callers */
  close(frame: Frame): Frame {
    const open = this.returnsOf.get(frame);
    if (open === undefined) return frame;
    let closed = this.closed.get(frame);
    if (closed === undefined) {
      const returns = Array.from(open.values(), ({ state, count, frames }) => ({ state, count, frame: this.union(frames) }));
      this.closed.set(frame, (closed = this.frames.of(frame.rule, returns)));
    }
    return closed;
  }

  union(frames: ReadonlySet<Frame>): Frame {
    return this.frames.union([...new Set(Array.from(frames, (frame) => this.close(frame)))]);
  }
}
