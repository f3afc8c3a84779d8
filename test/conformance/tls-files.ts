import type { TlsFiles } from '@ringmesh/protocol';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** A certificate authority in `folder`, and a certificate that it signed for this machine, for servers and clients. */
export function makeTlsFiles(folder: string, name: string): TlsFiles {
  const file = (suffix: string): string => join(folder, `${name}-${suffix}.pem`);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...newKey, '-subj', `/CN=${name} authority`, '-keyout', file('ca-key'), '-out', file('ca'));
  const signed = ['-x509', '-CA', file('ca'), '-CAkey', file('ca-key'), '-addext', 'subjectAltName=DNS:localhost'];
  openssl('req', ...signed, ...newKey, '-subj', `/CN=${name}`, '-keyout', file('key'), '-out', file('cert'));
  return { ca: file('ca'), cert: file('cert'), key: file('key') };
}
