/** What we use of the WebAssembly API. TypeScript declares it for browsers only. */
declare namespace WebAssembly {
  type Module = object;
  const Module: {
    new (bytes: Uint8Array<ArrayBuffer>): Module;
    customSections(module: Module, name: string): ArrayBuffer[];
  };
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, Memory>>);
    readonly exports: Record<string, unknown>;
  }
  interface MemoryDescriptor {
    initial: number;
    maximum?: number;
    shared?: boolean;
  }
  class Memory<B extends ArrayBufferLike = ArrayBufferLike> {
    constructor(descriptor: MemoryDescriptor);
    readonly buffer: B;
    grow(pages: number): number;
  }
}
