/**
 * Settings of the C library under which ONNX Runtime is fastest and smallest, as environment variables of a process (docs/engine-notes.md):
 * huge pages; all but the largest allocations in one heap, because only there they share huge pages; no arena for each thread.
 */
export const ALLOCATOR_ENVIRONMENT = {
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=33554432:glibc.malloc.top_pad=16777216',
  MALLOC_ARENA_MAX: '1',
};
