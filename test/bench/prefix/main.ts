/** `npm run bench -- --prefix`: time to the first token of a prompt, and of another one that begins with the same tokens. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseInteger, table } from '@ringmesh/core';
import { uniform } from '@ringmesh/sampler';
import { RingmeshProcess } from '@ringmesh/testing';
import { readManifest } from '@ringmesh/weights';
import OpenAI from 'openai';
import { lengthenedModel } from '../lengthened-model.ts';
import { showSpread, spreadOf } from '../statistics.ts';

const HELP = `npm run bench -- --prefix [options]
  --rounds <n>   pairs of prompts (10)
  --tokens <n>   tokens that the prompts of a pair have in common (2000)
  --tail <n>     tokens of each after them (20)
  --model <dir>  a pack (ring-nano, told that its context is longer)`;

/** What must hold: the second prompt's time to the first token, of the first one's. */
const BAR = 0.2;
const CONTEXT_TOKENS = 8192;

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: { prefix: { type: 'boolean' }, tokens: text, rounds: text, tail: text, model: text, help: { type: 'boolean' } },
});
if (values.help === true) console.log(HELP);
else process.exitCode = (await bench()) ? 0 : 1;

/** @returns whether the bar holds */
async function bench(): Promise<boolean> {
  const rounds = parseInteger('--rounds', values.rounds, 1, 1000) ?? 10;
  const prefixTokens = parseInteger('--tokens', values.tokens, 64, 1_000_000) ?? 2000;
  const tailTokens = parseInteger('--tail', values.tail, 1, 1_000_000) ?? 20;
  const folder = await mkdtemp(join(tmpdir(), 'ringmesh-bench-prefix-'));
  let serve: RingmeshProcess | undefined;
  try {
    const packDir = values.model === undefined ? await lengthenedModel(folder, CONTEXT_TOKENS) : resolve(values.model);
    const { vocabSize } = (await readManifest(packDir)).config;
    serve = new RingmeshProcess(['serve', '--model', packDir, '--port', '0', '--log-level', 'warn']);
    const client = new OpenAI({ baseURL: `${await serve.line(/ at (http:\S+)\/v1/)}/v1`, apiKey: 'none' });
    const model = (await client.models.list()).data[0]!.id;
    let drawn = 0;
    const draw = (length: number): number[] => Array.from({ length }, () => Math.floor(uniform(0, drawn++) * vocabSize));
    const first: number[] = [];
    const second: number[] = [];
    for (let round = -1; round < rounds; round++) {
      const prefix = draw(prefixTokens);
      for (const times of [first, second]) {
        const ms = await timeToFirstToken(client, model, [...prefix, ...draw(tailTokens)]);
        if (round >= 0) times.push(ms); // the pair before is for warming up
      }
    }
    return show(first, second, prefixTokens);
  } finally {
    await serve?.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

async function timeToFirstToken(client: OpenAI, model: string, prompt: number[]): Promise<number> {
  const start = performance.now();
  const body = { model, prompt, max_tokens: 1, temperature: 0, stream: true as const, ignore_eos: true, return_token_ids: true };
  for await (const _ of await client.completions.create(body)) return performance.now() - start;
  throw new Error('no token came');
}

function show(first: number[], second: number[], prefixTokens: number): boolean {
  const ratio = spreadOf(second.map((ms, round) => ms / first[round]!));
  console.log(
    table([
      ['time to the first token, ms', 'median (min–max)'],
      [`${prefixTokens} tokens, new`, showSpread(spreadOf(first), 1)],
      ['the same and another end', showSpread(spreadOf(second), 1)],
      ['ratio', showSpread(ratio, 3)],
    ]),
  );
  const holds = ratio.median <= BAR;
  console.log(`${holds ? 'ok' : 'MISSED'}: the ratio is to be at most ${BAR}`);
  return holds;
}
