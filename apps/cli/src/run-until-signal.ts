/** Something that serves until it is closed. */
export interface Running {
  /** Resolves with the reason when it can serve no longer, if that comes before it is closed. */
  lost(): Promise<string>;
  close(): Promise<void>;
}

/** As shells count it: 128 + SIGINT. */
const EXIT_INTERRUPTED = 130;

/** A second Ctrl-C within this time is the same one, delivered twice (by the terminal and by npm). */
const REPEAT_MS = 1000;

/**
 * Starts something and serves until a signal, or until the launcher that started this process is gone; then closes in order. A second signal
 * ends at once. The exit code of the process is 1 where it was lost.
 * @param start its signal is aborted when there is no point in starting any more
 */
export async function runUntilSignal(start: (signal: AbortSignal) => Promise<Running>): Promise<void> {
  const stop = new AbortController();
  const stopped = new Promise<null>((resolve) => {
    stop.signal.addEventListener('abort', () => {
      resolve(null);
    });
  });
  listen(stop);
  const running = await start(stop.signal).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
    // Interrupted while it started: what it opened is closed, and what is left (packing threads) can stop anywhere.
    process.exit(EXIT_INTERRUPTED);
  });
  const reason = await Promise.race([stopped, running.lost()]);
  if (reason !== null) {
    console.error(reason);
    process.exitCode = 1;
  }
  await running.close();
}

/**
 * Does something that ends by itself. A signal aborts it, as does the end of the launcher that started this process: once it has put away
 * what it opened, the process ends. A second signal ends at once.
 */
export async function runToEnd(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  listen(stop);
  try {
    await work(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.exit(EXIT_INTERRUPTED);
  }
}

function listen(stop: AbortController): void {
  let interruptedAt = -Infinity;
  const onSignal = (signal: NodeJS.Signals): void => {
    const isRepeated = signal === 'SIGINT' && performance.now() - interruptedAt < REPEAT_MS;
    if (signal === 'SIGINT' && !isRepeated) interruptedAt = performance.now();
    if (stop.signal.aborted && !isRepeated) endBy(signal);
    stop.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // The end of the terminal or of the launcher asks to end in order, however often it is heard of.
  for (const event of ['SIGHUP', 'disconnect'] as const) process.on(event, () => stop.abort());
  // Listening for the launcher's end must not keep the process alive.
  process.channel?.unref();
}

/**
 * Ends by the signal, as a process does that does not listen, once those who wait for the exit have been told. `process.exit` goes on to stop
 * the threads, and ONNX Runtime's binding aborts the process when that happens inside a call.
 */
function endBy(signal: NodeJS.Signals): never {
  process.removeAllListeners(signal);
  process.once('exit', () => process.kill(process.pid, signal));
  process.exit();
}
