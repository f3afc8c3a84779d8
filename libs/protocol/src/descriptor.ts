import { FILE_DESCRIPTORS } from './gen/descriptor.js';

/** Each .proto file of the expert plane as an encoded google.protobuf.FileDescriptorProto: what server reflection hands out. */
export function fileDescriptors(): Buffer[] {
  return FILE_DESCRIPTORS.map((descriptor) => Buffer.from(descriptor, 'base64'));
}
