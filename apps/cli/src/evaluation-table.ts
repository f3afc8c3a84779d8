import { table } from '@ringmesh/core';
import type { Evaluation, FormatResult } from './evaluate.js';

const HEADINGS = ['format', 'KL mean', 'KL p99', 'KL max', 'top-1', 'exact match'];

/** An evaluation as text for people. */
export function evaluationTable({ model, text, tasks, results }: Evaluation): string {
  const positions = results.find(({ divergence }) => divergence !== null)?.divergence?.positions ?? 0;
  const rows = [HEADINGS, ...results.map((result) => cellsOf(result, tasks))];
  const cut = Math.max(...results.map((result) => result.cut));
  const hints = cut === 0 ? [] : ['', `up to ${cut} answers of a format were cut, which are seldom right: they were too long`];
  return [`${model} against f32 over ${positions} positions (${text}); KL in nats`, '', table(rows), ...hints].join('\n');
}

function cellsOf({ format, divergence, right }: FormatResult, tasks: number): string[] {
  const name = 'blockSize' in format ? `${format.method}, blocks of ${format.blockSize}` : format.method;
  const figures = divergence === null ? null : [divergence.klMean, divergence.klP99, divergence.klMax].map((kl) => kl.toPrecision(3));
  const agreement = divergence === null ? '' : percent(divergence.top1Agreement);
  const match = right === null ? '' : `${right}/${tasks} (${percent(right / tasks)})`;
  return [name, ...(figures ?? ['', '', '']), agreement, match];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
