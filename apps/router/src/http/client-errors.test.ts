import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { ClientErrors } from './client-errors.js';

let server: Server;

afterEach(() => new Promise((resolve) => server.close(resolve)));

/** A connection to a new server. */
async function connected(options: ServerOptions = {}, listener: RequestListener = () => undefined): Promise<Socket> {
  const errors = new ClientErrors();
  server = createServer(options, (request, response) => {
    errors.began(response);
    listener(request, response);
  });
  server.on('clientError', (error, socket) => errors.answer(error, socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return connect((server.address() as AddressInfo).port, '127.0.0.1');
}

async function expectError(socket: Socket, status: number, code: string): Promise<void> {
  const [head, body] = (await text(socket)).split('\r\n\r\n') as [string, string];
  expect(head).toContain(`HTTP/1.1 ${status} `);
  expect(head).toContain(`content-length: ${body.length}`);
  expect(head).toMatch(/\r\nx-request-id: [\da-f-]{36}\r\n/);
  expect(JSON.parse(body)).toEqual({
    error: { message: expect.any(String) as string, type: 'invalid_request_error', param: null, code },
  });
}

const HEAD = 'POST / HTTP/1.1\r\nHost: x\r\n';

describe('what is no request', () => {
  it.each([
    ['bytes that are no HTTP', 'hello\r\n\r\n', 400, 'invalid_request'],
    ['headers that are too large', `${HEAD}x-large: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
  ])('is answered in our shape: %s', async (_, bytes, status, code) => {
    const socket = await connected();
    socket.write(bytes);
    await expectError(socket, status, code);
  });

  it.each([
    ['headers', HEAD],
    ['a body', `${HEAD}content-length: 10\r\n\r\nabc`],
  ])('is answered in our shape: %s that never ends', async (_, bytes) => {
    const socket = await connected({ requestTimeout: 50, headersTimeout: 50, connectionsCheckingInterval: 10 });
    socket.write(bytes);
    await expectError(socket, 408, 'request_timeout');
  });

  it('does not break into a response that has begun', async () => {
    const socket = await connected({}, (_, response) => response.write('first'));
    let received = '';
    socket.on('data', (bytes: Buffer) => (received += bytes.toString()));
    socket.on('error', () => undefined); // the server may reset the connection
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    while (!received.includes('first')) await once(socket, 'data');
    socket.write('garbage\r\n\r\n');
    await once(socket, 'close');
    expect(received).not.toContain('invalid_request');
  });
});
