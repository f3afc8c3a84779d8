import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { FILE_DESCRIPTOR_SET } from './gen/descriptor.js';

/** Each .proto file of the expert plane as an encoded google.protobuf.FileDescriptorProto: what server reflection hands out. */
export function fileDescriptors(): Buffer[] {
  const { file } = fromBinary(FileDescriptorSetSchema, Buffer.from(FILE_DESCRIPTOR_SET, 'base64'));
  return file.map((descriptor) => Buffer.from(toBinary(FileDescriptorProtoSchema, descriptor)));
}
