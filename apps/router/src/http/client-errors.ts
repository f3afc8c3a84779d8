import { randomUUID } from 'node:crypto';
import { maxHeaderSize, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { httpErrorResponse } from '../openai/error-response.js';

/** By the code of Node's error. */
const PROBLEMS: Record<string, { status: number; message: string }> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: `The headers are too large: ${maxHeaderSize} bytes in all are accepted` },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'The request took too long to arrive: send it within a minute' },
};
const NO_HTTP = { status: 400, message: 'The bytes that came are not an HTTP/1.1 request' };

/**
 * Answers in OpenAI's shape what never gets as far as a route: bytes that are no HTTP, headers that are too large, requests that come too
 * slowly.
 */
export class ClientErrors {
  /** The last response of each connection. */
  private readonly responses = new WeakMap<Duplex, ServerResponse>();

  /** A request has come, and this is where its response goes. */
  began(response: ServerResponse): void {
    if (response.socket !== null) this.responses.set(response.socket, response);
  }

  /** Node's `clientError`: the connection cannot be used any more. */
  answer(error: NodeJS.ErrnoException, socket: Duplex): void {
    const response = this.responses.get(socket);
    const isAnswering = response !== undefined && response.headersSent && !response.writableFinished;
    if (error.code === 'ECONNRESET' || !socket.writable || isAnswering) {
      socket.destroy();
      return;
    }
    const { status, message } = PROBLEMS[error.code ?? ''] ?? NO_HTTP;
    const body = JSON.stringify(httpErrorResponse(status, message).body);
    const headers = [
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${randomUUID()}`,
      'connection: close',
    ];
    socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...headers, '', body].join('\r\n'));
  }
}
