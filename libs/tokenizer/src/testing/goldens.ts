import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChatMessage } from '../chat-template.js';

const REPOSITORY = fileURLToPath(new URL('../../../../', import.meta.url));

/** The goldens of the project, and the larger ones beside it where they are there. */
const ROOTS = [join(REPOSITORY, 'test/fixtures/goldens'), join(process.env.RINGMESH_SHARED ?? join(REPOSITORY, '../shared'), 'goldens')];

/** A golden's tokenizer files for tests that need just one. */
export const RING_TINY = join(REPOSITORY, 'test/fixtures/goldens/ring-tiny');

/** tokenizer_golden.json (format: test/fixtures/goldens/README.md). */
export interface TokenizerGolden {
  vocab_size_of_tokenizer: number;
  encode: { text: string; ids: number[]; decoded: string; decoded_skip_special: string }[];
  decode: { ids: number[]; decoded: string; decoded_skip_special: string }[];
  chat: {
    messages: ChatMessage[];
    add_generation_prompt: boolean;
    kwargs: Record<string, unknown>;
    rendered: string;
    ids: number[];
  }[];
}

/** Each golden that is there once, by name. */
export function tokenizerGoldens(): { name: string; dir: string; golden: TokenizerGolden }[] {
  const dirs = new Map<string, string>();
  for (const root of ROOTS.filter((path) => existsSync(path))) {
    for (const name of readdirSync(root)) {
      if (existsSync(join(root, name, 'tokenizer_golden.json')) && !dirs.has(name)) dirs.set(name, join(root, name));
    }
  }
  return [...dirs].map(([name, dir]) => {
    return { name, dir, golden: JSON.parse(readFileSync(join(dir, 'tokenizer_golden.json'), 'utf8')) as TokenizerGolden };
  });
}
