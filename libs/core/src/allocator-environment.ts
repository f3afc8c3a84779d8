/**
 * Settings of the C library under which ONNX Runtime is fastest (huge pages) and smallest (one arena), as environment variables of a process:
 * shared/ENGINE.md C0, C3.
 */
export const ALLOCATOR_ENVIRONMENT = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1', MALLOC_ARENA_MAX: '1' };
