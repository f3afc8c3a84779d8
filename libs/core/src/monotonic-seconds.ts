/** The process's monotonic clock, the same for all its threads: `performance.now` counts from each thread's own start. */
export function monotonicSeconds(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds + nanoseconds * 1e-9;
}
