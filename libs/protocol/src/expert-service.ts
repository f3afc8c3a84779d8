import type { MethodDefinition } from '@grpc/grpc-js';
import { ExpertServiceClient, ExpertServiceService } from './gen/ringmesh/expert/v1/expert.js';

export { ExpertServiceClient };
export type { InfoReply } from './gen/ringmesh/expert/v1/expert.js';

const keep = (bytes: Buffer): Buffer => bytes;

/** Forward with its messages as bytes: they are read and written by {@link encodeForwardRequest} and its like, without a copy per field. */
export const forwardMethod: MethodDefinition<Buffer, Buffer> = {
  ...ExpertServiceService.forward,
  requestSerialize: keep,
  requestDeserialize: keep,
  responseSerialize: keep,
  responseDeserialize: keep,
};

/** What a worker serves. */
export const expertService = { forward: forwardMethod, info: ExpertServiceService.info } as const;
