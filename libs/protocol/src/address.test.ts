import { describe, expect, it } from 'vitest';
import { formatAddress, isLoopback, parseAddress } from './address.js';

describe('parseAddress', () => {
  it.each([
    ['127.0.0.1:7000', { host: '127.0.0.1', port: 7000 }],
    ['worker-0.workers.svc:0', { host: 'worker-0.workers.svc', port: 0 }],
    ['[::1]:65535', { host: '::1', port: 65535 }],
  ])('reads %s, and formatAddress writes it', (text, address) => {
    expect(parseAddress(text, '--listen')).toEqual(address);
    expect(formatAddress(address)).toBe(text);
  });

  it.each(['', '127.0.0.1', ':7000', 'host:', 'host:65536', 'host:-1', 'host:7000x', '::1:7000', 'a b:1', 'http://host:1'])(
    'rejects %j',
    (text) => {
      expect(() => parseAddress(text, '--listen')).toThrow(
        expect.objectContaining({ name: 'InvalidOptionError', field: '--listen', message: expect.stringContaining('host:port') as string }),
      );
    },
  );
});

it.each([
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['localhost', true],
  ['::1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
  ['127.0.0.1.example.com', false],
  ['localhost.example.com', false],
])('isLoopback(%s) is %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
