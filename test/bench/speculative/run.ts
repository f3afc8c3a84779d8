/** Decodes texts with and without guesses. A process by itself: `node run.ts '<options as JSON>'` prints a {@link SpeculativeResult}. */
import { type EngineHandle, type SpeculationMode, startEngine, type StepMetrics } from '@ringmesh/engine';
import { readManifest } from '@ringmesh/weights';
import { type Text, textsOf } from './texts.ts';

export interface SpeculativeRunOptions {
  packDir: string;
  mode: SpeculationMode;
  numTokens: number;
  batches: number[];
  threads: number;
}

export interface Decoded {
  tokensPerSecond: number;
  /** Of the guessed tokens that were verified, how many came true, and how many were verified for each token that came. */
  acceptedShare: number;
  draftsPerToken: number;
}

/** By `text, batch`. */
export type SpeculativeResult = Record<string, Decoded>;

const { packDir, mode, numTokens, batches, threads } = JSON.parse(process.argv[2]!) as SpeculativeRunOptions;
const { vocabSize } = (await readManifest(packDir)).config;
const GREEDY = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 0, logprobs: -1 };

let onStep: (step: StepMetrics) => void = () => undefined;
const engine: EngineHandle = await startEngine(
  {
    packDir,
    workers: 'local',
    threads,
    maxNumSeqs: Math.max(...batches),
    maxModelLen: 1024,
    prefixCaching: false,
    speculation: mode,
    numSpeculativeTokens: numTokens,
  },
  {
    onStep: (step) => onStep(step),
    onFatal: (error) => {
      throw error;
    },
  },
);
await engine.whenReady();
const result: SpeculativeResult = {};
for (const batch of [1, ...batches]) {
  for (const [index, { name }] of textsOf(vocabSize, 0).entries()) {
    const texts = Array.from({ length: batch }, (_, sequence) => textsOf(vocabSize, sequence)[index]!);
    result[`${name}, ${batch}`] = await decode(texts); // of batch 1 the second time counts: the first is for warming up
  }
}
console.log(JSON.stringify(result));
await engine.close();

/** All texts at once; time counts from when the first token of the last prompt has come. */
async function decode(texts: Text[]): Promise<Decoded> {
  let [numSampled, numDraftTokens, numAccepted, seconds] = [0, 0, 0, 0];
  onStep = (step) => {
    const isDecode = step.numTokens === step.speculation.numDraftTokens + texts.length;
    if (!isDecode) return;
    seconds += step.seconds;
    numSampled += step.numSampled;
    numDraftTokens += step.speculation.numDraftTokens;
    numAccepted += step.speculation.numAcceptedTokens;
  };
  await Promise.all(texts.map((text, index) => generate(`${text.name} ${index}`, text)));
  return {
    tokensPerSecond: numSampled / seconds,
    acceptedShare: numDraftTokens === 0 ? 0 : numAccepted / numDraftTokens,
    draftsPerToken: numDraftTokens / numSampled,
  };
}

/** The model is told every token, as one is that closes a thought; it computes as much as if it had chosen them. */
async function generate(id: string, { promptIds, answerIds }: Text): Promise<void> {
  const thoughtLimit = { startsInside: true, maxFreeTokens: 0, closingTokenIds: answerIds, tagTexts: new Map<number, string>() };
  const request = { id, promptIds, sampling: GREEDY, maxTokens: answerIds.length, stopTokenIds: [], thoughtLimit };
  for await (const event of engine.generate(request)) {
    if (event.type === 'failed') throw event.error;
  }
}
