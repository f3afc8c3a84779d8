import type { PackProgress } from '@ringmesh/pack';

/** Words for how far packing is: `packing 41 %: layer 11, shard 3 · 0.31 GB/s · 1:05 left`. */
export class PackProgressText {
  private readonly startedAt: number;

  constructor(private readonly now: () => number = () => performance.now() / 1000) {
    this.startedAt = now();
  }

  of({ step, doneWeights, totalWeights, writtenWeights, writtenBytes }: PackProgress): string {
    const done = `packing ${Math.floor((100 * doneWeights) / totalWeights)} %: ${step}`;
    const seconds = this.now() - this.startedAt;
    if (writtenWeights === 0 || seconds === 0) return done;
    const left = ((totalWeights - doneWeights) / writtenWeights) * seconds;
    return `${done} · ${(writtenBytes / 1e9 / seconds).toFixed(2)} GB/s · ${minutes(left)} left`;
  }
}

/** `1:05` */
function minutes(seconds: number): string {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
