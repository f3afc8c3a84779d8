import { monotonicSeconds } from '@ringmesh/core';

/** Seconds that the clocks may be apart before somebody must have set one: `Date.now` counts whole milliseconds. */
const MAX_DRIFT = 0.01;

/** Turns times by `monotonicSeconds`, which all threads of a process share, into those of the world. */
export class EpochClock {
  private offset = (performance.timeOrigin + performance.now()) / 1000 - monotonicSeconds();

  /** Follows the system's clock where it was set. Spans of one request must not see that happen, so this is for when one begins. */
  calibrate(): void {
    const drift = Date.now() / 1000 - (monotonicSeconds() + this.offset);
    if (Math.abs(drift) > MAX_DRIFT) this.offset += drift;
  }

  /** @returns seconds and nanoseconds since 1970 */
  at(seconds: number): [number, number] {
    const time = seconds + this.offset;
    const whole = Math.floor(time);
    return [whole, Math.floor((time - whole) * 1e9)];
  }
}
