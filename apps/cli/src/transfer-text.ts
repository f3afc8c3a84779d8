import { formatBytes } from '@ringmesh/core';

/** In bytes. */
export interface Transfer {
  done: number;
  total: number;
  /** What came over the network, without what was there before. */
  received: number;
}

/** `12.3 GB of 33.6 GB, 48.2 MB/s, 7 min left`, at the mean speed so far. */
export function transferText({ done, total, received }: Transfer, elapsedMs: number): string {
  const amount = `${formatBytes(done)} of ${formatBytes(total)}`;
  if (received === 0 || elapsedMs === 0) return amount;
  const bytesPerSecond = received / (elapsedMs / 1000);
  const speed = `${amount}, ${formatBytes(bytesPerSecond)}/s`;
  return done === total ? speed : `${speed}, ${timeText((total - done) / bytesPerSecond)} left`;
}

function timeText(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
