import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ListenFailedError } from '@ringmesh/core';
import { formatAddress } from '@ringmesh/protocol';

/** How long clients may take to read the end of their response when no generation runs any more. */
const FLUSH_MS = 1_000;

/** @returns the URL @throws ListenFailedError */
export async function listen(app: NestFastifyApplication, { host, port }: { host: string; port: number }): Promise<string> {
  try {
    await app.listen(port, host);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const problem = code === 'EADDRINUSE' ? 'something else listens there: stop it, or choose another --port' : message;
    throw new ListenFailedError(`Cannot listen on ${formatAddress({ host, port })}: ${problem}`, { field: '--port', cause });
  }
  const address = serverOf(app).address() as AddressInfo;
  return `http://${formatAddress({ host, port: address.port })}`;
}

/** Takes no more connections and lets the open responses end; cuts those that a client does not read. */
export async function closeApp(app: NestFastifyApplication): Promise<void> {
  const cut = setTimeout(() => serverOf(app).closeAllConnections(), FLUSH_MS);
  await app.close();
  clearTimeout(cut);
}

function serverOf(app: NestFastifyApplication): Server {
  return app.getHttpServer();
}
