import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MODEL, QUESTION, startTestRouter, type TestRouter } from './test-router.js';

let router: TestRouter;
beforeAll(async () => (router = await startTestRouter()));
afterAll(() => router.close());

const CHAT = '/v1/chat/completions';
const COMPLETIONS = '/v1/completions';

const TOOL = { type: 'function', function: { name: 'f' } };
const CALL = { id: 'x', type: 'function', function: { name: 'f', arguments: '{}' } };

/** An array of arrays of …, so many times. */
function deepSchema(depth: number): object {
  return Array.from({ length: depth }).reduce<object>((items) => ({ type: 'array', items }), { type: 'null' });
}

interface Expected {
  status: number;
  code: string;
  param?: string | null;
  /** A part of the message. */
  says?: string;
}

async function expectError(answer: Response, { status, code, param = null, says = '' }: Expected): Promise<void> {
  const body = (await answer.json()) as { error: { message: string } };
  expect({ status: answer.status, body }).toEqual({
    status,
    body: { error: { message: expect.stringContaining(says) as string, type: 'invalid_request_error', param, code } },
  });
  expect(body.error.message.length).toBeGreaterThan(10);
}

describe('bodies that are refused as a whole', () => {
  it.each<[string, string | Uint8Array, Expected]>([
    ['broken JSON', '{"model": ', { status: 400, code: 'invalid_request', says: 'JSON' }],
    ['NaN, which JSON does not have', '{"temperature": NaN}', { status: 400, code: 'invalid_request', says: 'JSON' }],
    ['nothing', '', { status: 400, code: 'invalid_request', says: 'empty' }],
    ['a list', '[]', { status: 400, code: 'invalid_request', says: 'object' }],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), { status: 400, code: 'invalid_request', says: 'UTF-8' }],
    ['10 MB', JSON.stringify({ prompt: 'a'.repeat(10_000_000) }), { status: 413, code: 'body_too_large', says: 'bytes' }],
    ['a million brackets', '['.repeat(1_000_000) + ']'.repeat(1_000_000), { status: 400, code: 'invalid_request', says: 'deep' }],
  ])('%s', async (_, body, expected) => {
    await expectError(await router.post(CHAT, body), expected);
    await expectError(await router.post(COMPLETIONS, body), expected);
  });

  it('a type that is not JSON', async () => {
    const expected = { status: 415, code: 'unsupported_media_type', says: 'application/json' };
    await expectError(await router.post(CHAT, 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }), expected);
    await expectError(await router.post(CHAT, '{}', { 'content-type': 'text/plain' }), expected);
  });
});

describe('chat requests with a bad field', () => {
  const user = (content: unknown): unknown => [{ role: 'user', content }];
  it.each<[string, object, string | Partial<Expected>]>([
    ['an unknown model', { model: 'gpt-4' }, { status: 404, code: 'model_not_found', param: 'model', says: MODEL }],
    ['no messages', { messages: undefined }, 'messages'],
    ['empty messages', { messages: [] }, 'messages'],
    ['too many messages', { messages: Array(1025).fill(QUESTION[0]) }, 'messages'],
    ['a made-up role', { messages: [{ role: 'boss', content: 'hi' }] }, { param: 'messages.0.role', says: '"assistant"' }],
    ['a function role', { messages: [{ role: 'function', content: '1' }] }, { param: 'messages.0.role', says: '"tool"' }],
    ['a tool role without its call', { messages: [{ role: 'tool', content: '1' }] }, 'messages.0.tool_call_id'],
    [
      'a tool call without a function',
      { messages: [{ role: 'assistant', tool_calls: [{ id: 'x' }] }] },
      'messages.0.tool_calls.0.function',
    ],
    ["a user's tool call", { messages: [{ role: 'user', content: '', tool_calls: [CALL] }] }, 'messages.0.tool_calls'],
    ['an assistant that says nothing', { messages: [{ role: 'assistant', content: null }] }, 'messages.0.content'],
    ['content that is a number', { messages: user(5) }, 'messages.0.content'],
    ['no content', { messages: [{ role: 'user' }] }, 'messages.0.content'],
    ['an image', { messages: user([{ type: 'image_url', image_url: { url: 'x' } }]) }, { param: 'messages.0.content', says: 'text' }],
    [
      'a prompt longer than the context',
      { messages: user('1 '.repeat(3000)) },
      { code: 'context_length_exceeded', param: 'messages', says: '1024' },
    ],
    [
      'a hopelessly long prompt',
      { messages: user('x'.repeat(1_000_000)) },
      { code: 'context_length_exceeded', param: 'messages', says: 'bytes' },
    ],
    ['max_tokens 0', { max_tokens: 0 }, 'max_tokens'],
    ['max_tokens 1.5', { max_tokens: 1.5 }, 'max_tokens'],
    ['max_tokens beyond the context', { max_tokens: 1024 }, { code: 'context_length_exceeded', param: 'max_tokens', says: 'fit' }],
    ['max_completion_tokens beyond', { max_completion_tokens: 1e6 }, { code: 'context_length_exceeded', param: 'max_completion_tokens' }],
    ['temperature as text', { temperature: '0' }, 'temperature'],
    ['a negative temperature', { temperature: -0.1 }, 'temperature'],
    ['a temperature above 2', { temperature: 2.1 }, 'temperature'],
    ['top_p 0', { top_p: 0 }, 'top_p'],
    ['top_k -2', { top_k: -2 }, 'top_k'],
    ['min_p above 1', { min_p: 1.1 }, 'min_p'],
    ['a seed that is no integer', { seed: 0.5 }, 'seed'],
    ['a seed beyond exact numbers', { seed: 2 ** 60 }, 'seed'],
    ['an empty stop string', { stop: '' }, 'stop'],
    ['too many stop strings', { stop: Array(17).fill('x') }, { param: 'stop', says: '16' }],
    ['a stop string that is too long', { stop: ['x'.repeat(257)] }, { param: 'stop.0', says: '256' }],
    ['a stop token outside the vocabulary', { stop_token_ids: [768] }, { param: 'stop_token_ids', says: '768' }],
    ['top_logprobs without logprobs', { top_logprobs: 2 }, { param: 'top_logprobs', says: 'logprobs' }],
    ['top_logprobs above 20', { logprobs: true, top_logprobs: 21 }, 'top_logprobs'],
    ['stream_options without stream', { stream_options: { include_usage: true } }, { param: 'stream_options', says: 'stream' }],
    ['a priority that is no whole number', { priority: 0.5 }, 'priority'],
    ['a priority out of range', { priority: 2 ** 31 }, 'priority'],
    ['a timeout of 0', { timeout: 0 }, 'timeout'],
    ['a timeout of more than a day', { timeout: 86_401 }, 'timeout'],
    ['no choice', { n: 0 }, 'n'],
    ['too many choices', { n: 129 }, { param: 'n', says: '128' }],
    ['several choices that are all the same', { n: 2, temperature: 0 }, { param: 'n', says: 'temperature' }],
    ['an echo in a chat', { echo: true }, { param: 'echo', says: 'not supported' }],
    ['best_of in a chat', { best_of: 2 }, { param: 'best_of', says: 'not supported' }],
    ['tools that the template cannot show', { tools: [TOOL] }, { param: 'tools', says: 'template' }],
    ['a tool of another kind', { tools: [{ type: 'web_search' }] }, 'tools.0.type'],
    ['a tool with a name that is none', { tools: [{ type: 'function', function: { name: 'a b' } }] }, 'tools.0.function.name'],
    ['too many tools', { tools: Array(129).fill(TOOL) }, 'tools'],
    ['a required tool call without tools', { tool_choice: 'required' }, { param: 'tool_choice', says: 'needs tools' }],
    ['an unknown choice of tools', { tools: [TOOL], tool_choice: 'any' }, { param: 'tool_choice', says: '"required"' }],
    ['a named tool that is not there', { tools: [TOOL], tool_choice: { type: 'function', function: { name: 'g' } } }, 'tool_choice'],
    ['a negative budget of thoughts', { max_reasoning_tokens: -1 }, 'max_reasoning_tokens'],
    ['functions', { functions: [{ name: 'f' }] }, 'functions'],
    ['an unknown form of answer', { response_format: { type: 'xml' } }, { param: 'response_format.type', says: 'json_schema' }],
    ['a form of answer without its schema', { response_format: { type: 'json_schema' } }, 'response_format.json_schema'],
    ['two forms of answer', { guided_regex: 'a', guided_choice: ['a'] }, { param: 'guided_choice', says: 'guided_regex' }],
    [
      'two forms of answer in one field',
      { structured_outputs: { json: {}, regex: 'a' } },
      { param: 'structured_outputs.regex', says: 'structured_outputs.json' },
    ],
    ['no choices', { guided_choice: [] }, 'guided_choice'],
    ['a grammar', { guided_grammar: 'root ::= "a"' }, { param: 'guided_grammar', says: 'not supported' }],
    [
      'a keyword that is not supported',
      { guided_json: { type: 'object', properties: { a: { type: 'array', uniqueItems: true } } } },
      { code: 'grammar_invalid', param: 'guided_json', says: '#/properties/a: "uniqueItems"' },
    ],
    ['a schema that is no JSON', { guided_json: '{' }, { param: 'guided_json', says: 'JSON' }],
    ['a malformed expression', { guided_regex: '(a' }, { code: 'grammar_invalid', param: 'guided_regex', says: ')' }],
    [
      'an expression that explodes',
      { structured_outputs: { regex: '((a{1,100}){1,100}){1,100}' } },
      { code: 'grammar_too_complex', param: 'structured_outputs.regex', says: 'simplify' },
    ],
    [
      'a schema that is nested too deeply',
      { guided_json: JSON.stringify(deepSchema(100)) },
      { code: 'grammar_invalid', param: 'guided_json', says: 'deep' },
    ],
    [
      'a schema that is nested more deeply than a stack holds',
      { guided_json: `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}` },
      { code: 'grammar_invalid', param: 'guided_json', says: 'deep' },
    ],
    ['a bias that is too large', { logit_bias: { 5: 101 } }, 'logit_bias.5'],
    ['a bias of no token', { logit_bias: { '5.5': 1 } }, { param: 'logit_bias.5.5', says: 'token id' }],
    ['a bias of a token outside the vocabulary', { logit_bias: { 768: 1 } }, { param: 'logit_bias', says: '768' }],
    [
      'too many biases',
      {
        logit_bias: Object.fromEntries(Array.from({ length: 1025 }, (_, id) => [id, 1])),
      },
      { param: 'logit_bias', says: '1024' },
    ],
    ['a frequency penalty above 2', { frequency_penalty: 2.1 }, 'frequency_penalty'],
    ['a presence penalty below -2', { presence_penalty: -2.1 }, 'presence_penalty'],
    ['a repetition penalty of 0', { repetition_penalty: 0 }, 'repetition_penalty'],
    ['min_tokens beyond max_tokens', { min_tokens: 6, max_tokens: 5 }, { param: 'min_tokens', says: 'max_tokens' }],
    ['negative min_tokens', { min_tokens: -1 }, 'min_tokens'],
    ['an empty bad word', { bad_words: ['a', ''] }, { param: 'bad_words.1', says: 'blanks' }],
    ['too many bad words', { bad_words: Array(129).fill('a') }, { param: 'bad_words', says: '128' }],
    ['a bad word that is too long', { bad_words: ['x'.repeat(257)] }, { param: 'bad_words.0', says: '256' }],
    ['no tokens that are allowed', { allowed_token_ids: [] }, 'allowed_token_ids'],
    ['an allowed token outside the vocabulary', { allowed_token_ids: [5, 768] }, { param: 'allowed_token_ids', says: '768' }],
    [
      'rules that leave no token',
      { allowed_token_ids: [5], stop_token_ids: [5], min_tokens: 1 },
      { code: 'no_token_allowed', param: null, says: 'allowed_token_ids' },
    ],
    ['audio', { audio: { voice: 'x' } }, 'audio'],
    ["a template of the client's own", { chat_template: '{{ 1 }}' }, 'chat_template'],
    ['template variables of ours', { chat_template_kwargs: { messages: [] } }, 'chat_template_kwargs.messages'],
    [
      'too many template variables',
      { chat_template_kwargs: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`name${index}`, 1])) },
      'chat_template_kwargs',
    ],
  ])('%s', async (_, fields, expected) => {
    const details = typeof expected === 'string' ? { param: expected } : expected;
    const answer = await router.post(CHAT, { model: MODEL, messages: QUESTION, ...fields });
    await expectError(answer, { status: 400, code: 'invalid_request', ...details });
  });

  it.each(['1e999', '-1e999'])('the number %s', async (number) => {
    const body = JSON.stringify({ messages: QUESTION, temperature: 'N' }).replace('"N"', number);
    await expectError(await router.post(CHAT, body), { status: 400, code: 'invalid_request', param: 'temperature' });
  });

  it('changes nothing for fields that change nothing', async () => {
    const ignored = {
      user: 'me',
      metadata: { a: 'b' },
      store: true,
      service_tier: 'auto',
      parallel_tool_calls: true,
      some_new_field: { x: 1 },
      n: 1,
      tools: [],
      tool_choice: 'auto',
      response_format: { type: 'text' },
      logit_bias: {},
      frequency_penalty: 0,
      presence_penalty: null,
      repetition_penalty: 1,
      stop: null,
      seed: null,
      top_logprobs: 0,
    };
    const answer = await router.post(CHAT, { model: MODEL, messages: QUESTION, max_tokens: 1, ...ignored });
    expect(answer.status).toBe(200);
  });
});

describe('completions with a bad field', () => {
  it.each<[string, object, string | Partial<Expected>]>([
    ['no prompt', { prompt: undefined }, 'prompt'],
    ['an empty text', { prompt: '' }, { param: 'prompt', says: 'one' }],
    ['an empty list', { prompt: [] }, 'prompt'],
    ['an empty text in a list', { prompt: ['a', ''] }, 'prompt'],
    ['texts and ids mixed', { prompt: ['a', 1] }, 'prompt'],
    ['too many prompts', { prompt: Array(129).fill('a') }, { param: 'prompt', says: '128' }],
    ['a token id outside the vocabulary', { prompt: [1, 768] }, { param: 'prompt', says: '768' }],
    ['a negative token id', { prompt: [-1] }, 'prompt.0'],
    ['a token id that is no integer', { prompt: [1.5] }, 'prompt'],
    [
      'more token ids than the context',
      { prompt: Array(1024).fill(1) },
      { code: 'context_length_exceeded', param: 'prompt', says: '1024' },
    ],
    ['max_tokens beyond the context', { max_tokens: 1024 }, { code: 'context_length_exceeded', param: 'max_tokens' }],
    ['logprobs above 20', { logprobs: 21 }, 'logprobs'],
    ['logprobs true', { logprobs: true }, 'logprobs'],
    ['log probabilities of the prompt in a stream', { prompt_logprobs: 1, stream: true }, { param: 'prompt_logprobs', says: 'stream' }],
    ['prompt_logprobs above 20', { prompt_logprobs: 21 }, 'prompt_logprobs'],
    ['a suffix', { suffix: 'x' }, 'suffix'],
    ['a budget of thoughts', { max_reasoning_tokens: 5 }, { param: 'max_reasoning_tokens', says: 'chats' }],
    ['best_of below n', { n: 3, best_of: 2 }, { param: 'best_of', says: 'n or more' }],
    ['best_of in a stream', { best_of: 2, stream: true }, { param: 'best_of', says: 'stream' }],
    ['too many answers', { prompt: ['a', 'b', 'c'], n: 43, temperature: 1 }, { param: 'n', says: '128' }],
    ['too many answers to choose from', { prompt: ['a', 'b'], best_of: 65, temperature: 1 }, { param: 'best_of', says: '128' }],
    ['stream_options without stream', { stream_options: {} }, 'stream_options'],
  ])('%s', async (_, fields, expected) => {
    const details = typeof expected === 'string' ? { param: expected } : expected;
    const answer = await router.post(COMPLETIONS, { model: MODEL, prompt: 'a', ...fields });
    await expectError(answer, { status: 400, code: 'invalid_request', ...details });
  });

  it('streams refuse as plain errors too', async () => {
    await expectError(await router.post(COMPLETIONS, { prompt: [], stream: true }), {
      status: 400,
      code: 'invalid_request',
      param: 'prompt',
    });
  });
});

describe('other endpoints', () => {
  it('tokenize wants a text or messages, detokenize ids of the vocabulary', async () => {
    await expectError(await router.post('/tokenize', {}), { status: 400, code: 'invalid_request', param: 'prompt' });
    await expectError(await router.post('/tokenize', { prompt: 'a', model: 'x' }), {
      status: 404,
      code: 'model_not_found',
      param: 'model',
    });
    await expectError(await router.post('/detokenize', { tokens: [5000] }), { status: 400, code: 'invalid_request', param: 'tokens' });
  });

  it('a path that does not exist is 404, a wrong method 405 with the right ones', async () => {
    await expectError(await fetch(`${router.url}/v1/embeddings`), { status: 404, code: 'route_not_found' });
    const wrong = await fetch(`${router.url}${CHAT}`);
    expect(wrong.headers.get('allow')).toBe('POST');
    await expectError(wrong, { status: 405, code: 'method_not_allowed', says: 'POST' });
    await expectError(await fetch(`${router.url}/v1/models/${MODEL}`, { method: 'DELETE' }), { status: 405, code: 'method_not_allowed' });
  });

  it('a malformed or endless path is an error of the same shape', async () => {
    await expectError(await fetch(`${router.url}/v1/models/%zz`), { status: 400, code: 'invalid_request' });
    await expectError(await fetch(`${router.url}/v1/models/${'x'.repeat(600)}`), { status: 414, code: 'uri_too_long' });
  });

  it('what never gets as far as a route is an error of the same shape', async () => {
    const answerTo = async (bytes: string): Promise<Response> => {
      const socket = connect(Number(new URL(router.url).port), '127.0.0.1');
      socket.write(bytes);
      const [head, body] = (await text(socket)).split('\r\n\r\n') as [string, string];
      return new Response(body, { status: Number(/^HTTP\/1\.1 (\d+) /.exec(head)?.[1]) });
    };
    await expectError(await answerTo('hello\r\n\r\n'), { status: 400, code: 'invalid_request', says: 'HTTP/1.1' });
    const large = `GET /health HTTP/1.1\r\nHost: x\r\nx-large: ${'a'.repeat(20_000)}\r\n\r\n`;
    await expectError(await answerTo(large), { status: 431, code: 'headers_too_large', says: 'bytes' });
  });

  it('an unknown model of any sane name is 404', async () => {
    const answer = await fetch(`${router.url}/v1/models/${encodeURIComponent('inclusionAI/Ring-lite')}`);
    await expectError(answer, { status: 404, code: 'model_not_found', param: 'model', says: 'inclusionAI/Ring-lite' });
  });
});
