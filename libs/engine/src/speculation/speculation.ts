import type { Chunk } from '@ringmesh/scheduler';
import type { ActiveGeneration } from '../active-generation.js';
import type { EngineSettings } from '../engine-options.js';
import { planDrafts } from './plan-drafts.js';
import type { LookupLimits } from './prompt-lookup.js';
import { StepCosts } from './step-costs.js';

/** Whether sequences have drafts verified. `auto`: where it is measured that tokens come faster so. */
export const SPECULATION_MODES = ['off', 'auto', 'always'] as const;
export type SpeculationMode = (typeof SPECULATION_MODES)[number];

export interface SpeculationSettings {
  mode: Exclude<SpeculationMode, 'off'>;
  /** Drafts of a sequence and step at most. */
  numTokens: number;
  lookup: LookupLimits;
}

/** A chunk, and what may follow its sequence's last token. */
export interface DraftedChunk extends Chunk<ActiveGeneration> {
  draftIds: number[];
}

/** Tokens of a step with drafts at most: as many sequences have a processor busy without them. */
export const MAX_DRAFTED_STEP_TOKENS = 64;

/** Rows that logits are wanted of in one step at most. Where bits matter, a block of a prompt is always scored at once. */
export function maxLogitRows({ limits, speculation }: Pick<EngineSettings, 'limits' | 'speculation'>): number {
  const { maxNumSeqs, maxNumBatchedTokens, granularity = 1 } = limits;
  if (granularity > 1) return Math.max(maxNumSeqs, granularity);
  return speculation === null ? maxNumSeqs : Math.max(maxNumSeqs, Math.min(maxNumBatchedTokens, MAX_DRAFTED_STEP_TOKENS));
}

/** Decides which drafts a step verifies. */
export class Speculation {
  private readonly costs = new StepCosts();

  /** @param maxTokens of a step with drafts */
  constructor(
    private readonly settings: SpeculationSettings,
    private readonly maxTokens: number,
  ) {}

  /** The drafts of a step, within the budget; memory is reserved for them where there is some that nobody else needs. */
  draft(chunks: readonly Chunk<ActiveGeneration>[]): DraftedChunk[] {
    // Prompts go first: they are sure to be wanted.
    if (!isDecode(chunks)) return chunks.map((chunk) => ({ ...chunk, draftIds: [] }));
    const proposals = chunks.map(({ sequence }) => proposalOf(sequence, this.settings.numTokens));
    const counts = this.plan(
      chunks,
      proposals.map(({ length }) => length),
    );
    return chunks.map((chunk, index) => {
      const draftIds = proposals[index]!.slice(0, counts[index]);
      const hasRoom = draftIds.length === 0 || chunk.sequence.memory!.reserve(chunk.numTokens + draftIds.length);
      return { ...chunk, draftIds: hasRoom ? draftIds : [] };
    });
  }

  /** @param lengths of the sequences' drafts @returns how many of each are verified */
  private plan(chunks: readonly Chunk<ActiveGeneration>[], lengths: number[]): number[] {
    const isAuto = this.settings.mode === 'auto';
    const proposals = lengths.map((numTokens, index) => ({
      numTokens,
      acceptance: isAuto ? (chunks[index]!.sequence.drafter?.acceptance ?? 0) : 1,
    }));
    return planDrafts(proposals, (numTokens) => (isAuto ? this.costs.estimate(numTokens) : 1), this.maxTokens);
  }

  /** Learns how long a step took. */
  observe(chunks: readonly DraftedChunk[], seconds: number): void {
    if (chunks.length === 0 || !isDecode(chunks)) return;
    this.costs.add(
      chunks.reduce((sum, { draftIds }) => sum + 1 + draftIds.length, 0),
      seconds,
    );
  }
}

/** A guess of what follows, no longer than what may still come: the last token is never computed. */
function proposalOf({ drafter, request, numGenerated }: ActiveGeneration, numTokens: number): number[] {
  return drafter?.propose(Math.min(numTokens, request.maxTokens - numGenerated - 1)) ?? [];
}

function isDecode(chunks: readonly Chunk<ActiveGeneration>[]): boolean {
  return chunks.every(({ numTokens, isLast }) => isLast && numTokens === 1);
}
