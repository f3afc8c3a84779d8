import { expect, it } from 'vitest';
import { loadSvg, niceMax } from './load-svg.js';

const SAMPLES = { ttft: Array.from({ length: 100 }, (_, index) => index + 1), itl: [3, 3], tpot: [0], e2e: [] };

/** Every element closed, in order, one root; no bare ampersand: what an XML parser asks for here. */
function isWellFormed(xml: string): boolean {
  const open: string[] = [];
  let roots = 0;
  for (const [, close, name, attributes, selfClosed] of xml.matchAll(/<(\/?)([\w-]+)((?: [\w:-]+="[^"<]*")*)(\/?)>/g)) {
    if (close !== '') {
      if (open.pop() !== name || attributes !== '') return false;
    } else if (selfClosed === '') {
      if (open.length === 0) roots++;
      open.push(name!);
    }
  }
  const rest = xml.replaceAll(/<\/?[\w-]+(?: [\w:-]+="[^"<]*")*\/?>/g, '');
  return open.length === 0 && roots === 1 && !/[<]|&(?!amp;|lt;|gt;|quot;)/.test(rest);
}

it('is well-formed, whatever the model is called', () => {
  expect(isWellFormed(loadSvg('a<b & "c"\u0000</svg>', SAMPLES))).toBe(true);
  expect(isWellFormed('<svg><g></svg>')).toBe(false);
  expect(loadSvg('a<b', SAMPLES)).toContain('<title id="title">a&lt;b</title>');
});

it('marks stand at their value on the axis', () => {
  const xs = [...loadSvg('m', SAMPLES).matchAll(/data-mark="(p\d+)" x1="([\d.]+)"/g)].slice(0, 3);
  // The axis goes from 52 to 404 and ends at 100 ms.
  expect(xs.map(([, mark, x]) => [mark, Number(x)])).toEqual([
    ['p50', 52 + 0.5 * 352],
    ['p90', 52 + 0.9 * 352],
    ['p99', 52 + 0.99 * 352],
  ]);
});

it('bars hold every value, and what was not measured is told', () => {
  const svg = loadSvg('m', SAMPLES);
  expect(svg.match(/not measured/g)).toHaveLength(2);
  expect(svg.match(/class="bar"/g)).toHaveLength(42);
  expect([0, 1, 1.1, 49, 70].map(niceMax)).toEqual([1, 1, 2, 50, 100]);
});
