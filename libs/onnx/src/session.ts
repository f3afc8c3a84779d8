import { createRequire } from 'node:module';
import { Tensor } from 'onnxruntime-node';

/**
 * The native binding, called directly: its `run` is synchronous (the public `InferenceSession.run` wraps the same call in a promise and
 * `setImmediate`), which is what a compute thread wants. Pinned with onnxruntime-node's version; nothing else of ours touches it.
 */
interface NativeSession {
  loadModel(pathOrBuffer: string, options: object): void;
  loadModel(pathOrBuffer: ArrayBufferLike, byteOffset: number, byteLength: number, options: object): void;
  run(feeds: Record<string, Tensor>, fetches: Record<string, null>, options: object): Record<string, Tensor>;
  dispose(): void;
}
const { binding, initOrt } = createRequire(import.meta.url)('onnxruntime-node/dist/binding.js') as {
  binding: { InferenceSession: new () => NativeSession };
  initOrt: () => void;
};

export { Tensor };

/** A float32 tensor over `data`, not copied. Memory shared between threads is allowed. */
export function float32(data: Float32Array, dims: number[]): Tensor {
  return new Tensor('float32', data as Float32Array<ArrayBuffer>, dims);
}

/** An int8 tensor over `data`, not copied. Memory shared between threads is allowed. */
export function int8(data: Int8Array, dims: number[]): Tensor {
  return new Tensor('int8', data as Int8Array<ArrayBuffer>, dims);
}

/** An int64 tensor over `data`, not copied. */
export function int64(data: BigInt64Array, dims: number[]): Tensor {
  return new Tensor('int64', data as BigInt64Array<ArrayBuffer>, dims);
}

/** One ONNX graph, ready to run. `run` blocks the calling thread, so a session belongs on a compute thread. */
export class Session {
  private constructor(
    private readonly native: NativeSession,
    private readonly fetches: Record<string, null>,
  ) {}

  /**
   * Opens a graph from a file (external weights are found beside it) or from bytes.
   * @param outputs names of the outputs that `run` returns
   * @param threads intra-op threads; more than one only pays for large products (docs/engine-notes.md, Sessions), and they never spin
   */
  static open(source: string | Uint8Array, outputs: string[], threads = 1): Session {
    initOrt();
    const native = new binding.InferenceSession();
    const options = {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      // An arena for each of thousands of sessions would keep the largest workspace that each has ever needed.
      enableCpuMemArena: false,
      // Shapes vary from run to run, and planning memory for each costs more than it saves.
      enableMemPattern: false,
      logSeverityLevel: 3,
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    };
    if (typeof source === 'string') native.loadModel(source, options);
    else native.loadModel(source.buffer, source.byteOffset, source.byteLength, options);
    return new Session(native, Object.fromEntries(outputs.map((name) => [name, null])));
  }

  run(feeds: Record<string, Tensor>): Record<string, Tensor> {
    return this.native.run(feeds, this.fetches, {});
  }

  close(): void {
    this.native.dispose();
  }
}
