import { expect, it } from 'vitest';
import { Routes } from './routes.js';

it('knows the methods of a path, with parameters and without', () => {
  const routes = new Routes();
  routes.add('/v1/models/:id', 'GET');
  routes.add('/v1/models/:id', ['HEAD', 'GET']);
  routes.add('/openapi.json', 'GET');
  expect(routes.methodsOf('/v1/models/ring')).toEqual(['GET', 'HEAD']);
  expect(routes.methodsOf('/v1/models/ring/files')).toEqual([]);
  expect(routes.methodsOf('/v1/models')).toEqual([]);
  expect(routes.methodsOf('/openapixjson')).toEqual([]);
});
