/** A span as a collector gets it. */
export interface OtlpSpan {
  /** Of the process that sent it. */
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  /** Empty where it has none. */
  parentSpanId: string;
  /** 1 internal, 2 server, 3 client. */
  kind: number;
  /** Nanoseconds since 1970. */
  start: bigint;
  end: bigint;
  attributes: Record<string, OtlpValue>;
  /** Ids of the spans that it is linked to. */
  links: string[];
  /** 2: error. */
  status: number;
}

export type OtlpValue = string | number | boolean | OtlpValue[];

/** One field of a protobuf message: the bytes of a length-delimited one, the number of any other. */
type Field = [number: number, value: Buffer | bigint];

/**
 * The spans of an ExportTraceServiceRequest. Source of the field numbers: OTLP 1.7,
 * https://github.com/open-telemetry/opentelemetry-proto/tree/main/opentelemetry/proto
 */
export function decodeSpans(message: Buffer): OtlpSpan[] {
  return messages(message, 1).flatMap((resourceSpans) => {
    const resource = attributesOf(messages(resourceSpans, 1)[0]!, 1);
    const spans = messages(resourceSpans, 2).flatMap((scopeSpans) => messages(scopeSpans, 2));
    return spans.map((span) => decodeSpan(span, String(resource['service.name'])));
  });
}

function decodeSpan(span: Buffer, service: string): OtlpSpan {
  const hex = (message: Buffer, field: number): string => messages(message, field)[0]?.toString('hex') ?? '';
  const status = messages(span, 15)[0];
  return {
    service,
    name: messages(span, 5)[0]!.toString(),
    traceId: hex(span, 1),
    spanId: hex(span, 2),
    parentSpanId: hex(span, 4),
    kind: Number(number(span, 6)),
    start: number(span, 7),
    end: number(span, 8),
    attributes: attributesOf(span, 9),
    links: messages(span, 13).map((link) => hex(link, 2)),
    status: status === undefined ? 0 : Number(number(status, 3)),
  };
}

function attributesOf(message: Buffer, field: number): Record<string, OtlpValue> {
  const pairs = messages(message, field).map((pair): [string, OtlpValue] => [
    messages(pair, 1)[0]!.toString(),
    valueOf(messages(pair, 2)[0]!),
  ]);
  return Object.fromEntries(pairs);
}

/** An AnyValue. */
function valueOf(message: Buffer): OtlpValue {
  const [[field, value]] = fieldsOf(message) as [Field];
  if (typeof value !== 'bigint') return field === 5 ? messages(value, 1).map(valueOf) : value.toString();
  if (field === 2) return value === 1n;
  return field === 3 ? Number(BigInt.asIntN(64, value)) : new Float64Array(new BigUint64Array([value]).buffer)[0]!;
}

function messages(message: Buffer, field: number): Buffer[] {
  return fieldsOf(message).flatMap(([number, value]) => (number === field && typeof value !== 'bigint' ? [value] : []));
}

function number(message: Buffer, field: number): bigint {
  return (fieldsOf(message).find(([number]) => number === field)?.[1] as bigint | undefined) ?? 0n;
}

function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    if (wire === 0) {
      fields.push([tag >> 3, varint()]);
    } else {
      const length = wire === 1 ? 8 : wire === 5 ? 4 : Number(varint());
      const bytes = message.subarray(at, at + length);
      at += length;
      fields.push([tag >> 3, wire === 1 ? bytes.readBigUInt64LE() : wire === 5 ? BigInt(bytes.readUInt32LE()) : bytes]);
    }
  }
  return fields;
}
