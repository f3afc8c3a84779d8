import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { channelCredentials, serverCredentials, tlsFilesFromOptions, type TlsFiles } from './credentials.js';

const folder = mkdtempSync(join(tmpdir(), 'ringmesh-tls-'));
const files: TlsFiles = { ca: join(folder, 'cert.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
const otherKey = join(folder, 'other-key.pem');
const noPem = join(folder, 'no.pem');

beforeAll(() => {
  for (const key of [otherKey, files.key]) {
    const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=test', '-keyout', key];
    execFileSync('openssl', [...args, '-out', files.cert], { stdio: 'pipe' });
  }
  writeFileSync(noPem, 'hello');
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('serverCredentials and channelCredentials', () => {
  it('are mutual TLS where there are files, whatever the host', () => {
    expect(serverCredentials('0.0.0.0', { tls: files })._isSecure()).toBe(true);
    expect(channelCredentials('10.0.0.1', { tls: files })._isSecure()).toBe(true);
  });

  it('are plain text on this machine, and elsewhere only where asked for', () => {
    expect(serverCredentials('127.0.0.1', {})._isSecure()).toBe(false);
    expect(serverCredentials('0.0.0.0', { allowInsecure: true })._isSecure()).toBe(false);
    expect(channelCredentials('10.0.0.1', { allowInsecure: true })._isSecure()).toBe(false);
    expect(() => serverCredentials('0.0.0.0', {})).toThrow(
      expect.objectContaining({ field: '--listen', message: expect.stringContaining('--tls-ca') as string }),
    );
    expect(() => channelCredentials('10.0.0.1', {})).toThrow(expect.objectContaining({ field: '--workers' }));
  });

  it.each([
    ['--tls-ca', { ...files, ca: join(folder, 'absent.pem') }, 'absent.pem'],
    ['--tls-key', { ...files, key: noPem }, 'not a PEM file'],
    ['--tls-cert', { ...files, key: otherKey }, 'cannot be used together'],
  ])('name the file at fault: %s', (field, tls, problem) => {
    const error = expect.objectContaining({
      name: 'InvalidOptionError',
      field,
      message: expect.stringContaining(problem) as string,
    }) as Error;
    expect(() => serverCredentials('127.0.0.1', { tls })).toThrow(error);
    expect(() => channelCredentials('127.0.0.1', { tls })).toThrow(error);
  });
});

describe('tlsFilesFromOptions', () => {
  it('takes all three options or none', () => {
    expect(tlsFilesFromOptions({})).toBeUndefined();
    expect(tlsFilesFromOptions({ tlsCa: 'a', tlsCert: 'b', tlsKey: 'c' })).toEqual({ ca: 'a', cert: 'b', key: 'c' });
    expect(() => tlsFilesFromOptions({ tlsCa: 'a', tlsKey: 'c' })).toThrow(expect.objectContaining({ field: '--tls-cert' }));
  });
});
