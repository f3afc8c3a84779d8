import { NotFoundException } from '@nestjs/common';
import { ContextLengthExceededError, EngineFailedError, ERROR_CLASSES, InvalidApiKeyError, QueueFullError } from '@ringmesh/core';
import { describe, expect, it } from 'vitest';
import { errorResponse } from './error-response.js';

describe('errorResponse', () => {
  it('says field, code and status of our own errors', () => {
    expect(errorResponse(new ContextLengthExceededError('too long', { field: 'prompt' }))).toEqual({
      status: 400,
      body: { error: { message: 'too long', type: 'invalid_request_error', param: 'prompt', code: 'context_length_exceeded' } },
      headers: {},
    });
  });

  it.each(ERROR_CLASSES.map((ErrorClass) => [ErrorClass.name, new ErrorClass('')] as const))('gives %s its code', (_, error) => {
    expect(errorResponse(error)).toMatchObject({ status: error.httpStatus, body: { error: { code: error.code } } });
  });

  it('says when to come again, and what kind of key is wanted', () => {
    expect(errorResponse(new QueueFullError('full', { retryAfterSeconds: 7 }))).toMatchObject({
      status: 429,
      body: { error: { type: 'rate_limit_error' } },
      headers: { 'retry-after': '7' },
    });
    expect(errorResponse(new InvalidApiKeyError('who?')).headers).toEqual({ 'www-authenticate': 'Bearer realm="ringmesh"' });
  });

  it("takes the status of Nest's and fastify's errors", () => {
    expect(errorResponse(new NotFoundException('Cannot GET /x'))).toMatchObject({
      status: 404,
      body: { error: { code: 'route_not_found' } },
    });
    expect(errorResponse(Object.assign(new Error('bad url'), { statusCode: 400 })).status).toBe(400);
  });

  it.each([new Error('secret path /etc'), new EngineFailedError('at secret (/etc)'), 'secret'])(
    'hides the inside of a defect: %s',
    (error) => {
      const { status, body } = errorResponse(error);
      expect(status).toBe(500);
      expect(body.error.message).not.toContain('secret');
    },
  );
});
