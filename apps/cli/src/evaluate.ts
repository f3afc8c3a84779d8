import { fileURLToPath } from 'node:url';
import { InvalidOptionError, parseChoice, parseInteger } from '@ringmesh/core';
import type { Answer, Divergence, EvaluatedModel, Task } from '@ringmesh/evaluation';
import { ensurePack } from '@ringmesh/pack';
import type { Quantization } from '@ringmesh/tensor';
import { evaluationTable } from './evaluation-table.js';
import { packOptions, packProgress, verifyProgress } from './pack.js';
import { ProgressLine } from './progress.js';
import { type HubOptions, modelFolder } from './pull.js';

export interface EvaluateOptions extends HubOptions {
  model?: string;
  quantize?: string;
  blockSize?: string;
  text?: string;
  tasks?: string;
  samples?: string;
  kvCacheDtype?: string;
  json?: boolean;
}

/** How one number format does, against f32. */
export interface FormatResult {
  format: Quantization;
  /** Null for f32 itself. */
  divergence: Divergence | null;
  /** Tasks answered right; null where there are none. */
  right: number | null;
  /** Answers that were cut because they were too long. */
  cut: number;
}

export interface Evaluation {
  model: string;
  /** What was predicted at every position, for people. */
  text: string;
  /** Tasks answered. */
  tasks: number;
  results: FormatResult[];
}

/** What is evaluated, with everything checked. */
interface Plan {
  model: string;
  formats: Quantization[];
  tasks: Task[];
  /** Null for f32's own answers to the tasks. */
  text: string | null;
  textName: string;
}

const SAMPLE_MODEL = new URL('../../../libs/sample-model/ring-nano', import.meta.url);
const SAMPLE_TASKS = new URL('../../../libs/sample-model/eval_public.jsonl', import.meta.url);
const MAX_TEXT_BYTES = 4 * 2 ** 20;
const FORMATS = ['f16', 'q8', 'q4'] as const;

/** `ringmesh evaluate`: what number formats change of a model, against f32. */
export async function evaluate({ json = false, ...options }: EvaluateOptions): Promise<void> {
  const evaluation = await run(await planOf(options), options);
  console.log(json ? JSON.stringify(evaluation, null, 2) : evaluationTable(evaluation));
}

async function run(plan: Plan, options: HubOptions & Pick<EvaluateOptions, 'kvCacheDtype'>): Promise<Evaluation> {
  const [{ EvaluatedModel }, { KV_CACHE_DTYPE_CHOICES }] = await Promise.all([import('@ringmesh/evaluation'), import('@ringmesh/engine')]);
  const kvCacheDtype = parseChoice('--kv-cache-dtype', options.kvCacheDtype, KV_CACHE_DTYPE_CHOICES) ?? 'auto';
  const checkpointDir = await modelFolder(plan.model, options, new AbortController().signal);
  const formats: Quantization[] = [{ method: 'f32' }, ...plan.formats];
  const packDirs: string[] = [];
  for (const quantization of formats) packDirs.push(await packed(checkpointDir, quantization));
  const models: EvaluatedModel[] = [];
  try {
    // What the others are compared with is exact.
    for (const [index, packDir] of packDirs.entries())
      models.push(await EvaluatedModel.open(packDir, index === 0 ? 'float32' : kvCacheDtype));
    return await compare(plan, formats, models);
  } finally {
    for (const model of models) await model.close();
  }
}

async function compare(plan: Plan, formats: Quantization[], models: EvaluatedModel[]): Promise<Evaluation> {
  const { answerTasks, compareOn, windowsOf } = await import('@ringmesh/evaluation');
  const line = new ProgressLine();
  const answers: Answer[][] = [];
  for (const [index, model] of models.entries()) {
    const onProgress = (done: number): void => {
      line.update(`${formats[index]!.method}: ${done} of ${plan.tasks.length} tasks answered`, done === plan.tasks.length);
    };
    answers.push(await answerTasks(model, plan.tasks, '--tasks', onProgress));
  }
  const [reference, ...others] = models as [EvaluatedModel, ...EvaluatedModel[]];
  const { maxPositionEmbeddings } = reference.manifest.config;
  const sequences =
    plan.text === null
      ? answers[0]!.map(({ promptIds, answerIds }) => [...promptIds, ...answerIds])
      : windowsOf(reference.tokenizer.encode(plan.text), maxPositionEmbeddings);
  const positions = sequences.reduce((sum, { length }) => sum + length, 0);
  const divergences = await compareOn(sequences, reference, others, (done) => {
    line.update(`${done} of ${positions} positions compared`, done === positions);
  });
  return {
    model: reference.manifest.name,
    text: plan.textName,
    tasks: plan.tasks.length,
    results: formats.map((format, index) => ({
      format,
      divergence: divergences[index - 1] ?? null,
      right: plan.tasks.length === 0 ? null : answers[index]!.filter(({ isRight }) => isRight).length,
      cut: answers[index]!.filter(({ isCut }) => isCut).length,
    })),
  };
}

async function packed(checkpointDir: string, quantization: Quantization): Promise<string> {
  const onDamaged = ({ message }: Error): void => console.error(`${message}: it is in the cache, so that is done now`);
  const packDir = await ensurePack({ checkpointDir, quantization, onProgress: packProgress(), onVerify: verifyProgress(), onDamaged });
  if (packDir !== checkpointDir) return packDir;
  throw new InvalidOptionError(`--model ${checkpointDir} is a pack, of one number format; give the checkpoint that it was made of`, {
    field: '--model',
  });
}

/** @throws InvalidOptionError */
async function planOf({ model, quantize, blockSize, text, tasks, samples }: EvaluateOptions): Promise<Plan> {
  const { readTasks, readText } = await import('@ringmesh/evaluation');
  const formats = formatsOf(quantize, blockSize);
  const numSamples = parseInteger('--samples', samples, 1, 100_000);
  if (model !== undefined && text === undefined && tasks === undefined) {
    throw new InvalidOptionError('--model: give --text FILE, --tasks FILE or both with it: only the sample model brings its own', {
      field: '--model',
    });
  }
  const tasksPath = tasks ?? (model === undefined ? fileURLToPath(SAMPLE_TASKS) : null);
  if (tasksPath === null && samples !== undefined) {
    throw new InvalidOptionError('--samples: there are no tasks to take some of; give --tasks FILE', { field: '--samples' });
  }
  const chosen = tasksPath === null ? [] : (await readTasks(tasksPath, '--tasks')).slice(0, numSamples);
  return {
    model: model ?? fileURLToPath(SAMPLE_MODEL),
    formats,
    tasks: chosen,
    text: text === undefined ? null : await readText(text, '--text', MAX_TEXT_BYTES),
    textName: text ?? `${chosen.length} questions and the answers of f32`,
  };
}

function formatsOf(quantize = 'q8,q4', blockSize?: string): Quantization[] {
  const methods = quantize.split(',').map((name) => parseChoice('--quantize', name, FORMATS)!);
  if (new Set(methods).size < methods.length) {
    throw new InvalidOptionError(`--quantize: ${quantize} names a format twice; name each once`, { field: '--quantize' });
  }
  const hasBlocks = (method: string): boolean => method === 'q8' || method === 'q4';
  if (!methods.some(hasBlocks)) return methods.map((method) => packOptions({ quantize: method, blockSize }).quantization);
  return methods.map((method) => packOptions({ quantize: method, ...(hasBlocks(method) ? { blockSize } : {}) }).quantization);
}
