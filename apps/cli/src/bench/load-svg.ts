import { type Latency, LATENCIES, quantile } from './metrics.js';

const PANEL = { width: 420, height: 210, left: 52, right: 16, top: 40, bottom: 44 };
const PLOT = { width: PANEL.width - PANEL.left - PANEL.right, height: PANEL.height - PANEL.top - PANEL.bottom };
const HEADER = 44;
const BINS = 40;
const TITLES: Record<Latency, string> = {
  ttft: 'TTFT, time to first token',
  itl: 'ITL, time between chunks',
  tpot: 'TPOT, time per output token',
  e2e: 'End to end',
};
const MARKS = [
  ['p50', 0.5],
  ['p90', 0.9],
  ['p99', 0.99],
] as const;
const STYLE = `svg{background:#fff;color:#222;font:12px sans-serif}text{fill:currentColor}.bar{fill:#5b8def}.axis{stroke:currentColor}
.mark{stroke:#c2410c;stroke-dasharray:4 2}@media(prefers-color-scheme:dark){svg{background:#16181d;color:#e6e6e6}.bar{fill:#4c7bd9}.mark{stroke:#fb923c}}`;

/** The distributions of a load's latencies as one picture: a histogram each, p50, p90 and p99 marked. @param samples in milliseconds */
export function loadSvg(title: string, samples: Record<Latency, readonly number[]>): string {
  const [width, height] = [2 * PANEL.width, HEADER + 2 * PANEL.height];
  const panels = LATENCIES.map((name, index) => {
    const [x, y] = [(index % 2) * PANEL.width, HEADER + Math.floor(index / 2) * PANEL.height];
    return `<g transform="translate(${x} ${y})">${panel(name, samples[name])}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title desc">
<title id="title">${escape(title)}</title>
<desc id="desc">${escape(LATENCIES.map((name) => describe(name, samples[name])).join('; '))}</desc>
<style>${STYLE}</style>
<text x="16" y="28" font-size="16">${escape(title)}</text>
${panels.join('\n')}
</svg>
`;
}

function panel(name: Latency, values: readonly number[]): string {
  const heading = text(PANEL.left, 16, TITLES[name], 'start');
  if (values.length === 0) return heading + text(PANEL.left, PANEL.top + PLOT.height / 2, 'not measured', 'start');
  const sorted = values.toSorted((a, b) => a - b);
  const max = niceMax(sorted.at(-1)!);
  const counts = Array.from({ length: BINS }, () => 0);
  for (const value of sorted) counts[Math.min(BINS - 1, Math.floor((value / max) * BINS))]!++;
  const top = Math.max(...counts);
  const bars = counts.map((count, bin) => {
    const height = (count / top) * PLOT.height;
    const x = PANEL.left + (bin / BINS) * PLOT.width;
    return count === 0
      ? ''
      : `<rect class="bar" x="${fix(x)}" y="${fix(base() - height)}" width="${fix(PLOT.width / BINS - 1)}" height="${fix(height)}"/>`;
  });
  const marks = MARKS.map(([mark, share]) => {
    const value = quantile(sorted, share);
    const x = PANEL.left + (value / max) * PLOT.width;
    return `<line class="mark" data-mark="${mark}" x1="${fix(x)}" x2="${fix(x)}" y1="${PANEL.top}" y2="${base()}"><title>${mark} ${show(value)} ms</title></line>`;
  });
  const legend = MARKS.map(([mark, share]) => `${mark} ${show(quantile(sorted, share))}`).join(', ');
  const ticks = (
    [
      ['start', 0],
      ['middle', 0.5],
      ['end', 1],
    ] as const
  ).map(([anchor, share]) => text(PANEL.left + share * PLOT.width, base() + 16, show(share * max), anchor));
  return [
    heading,
    text(PANEL.width - PANEL.right, 32, `${legend} ms`, 'end'),
    ...bars,
    `<line class="axis" x1="${PANEL.left}" x2="${PANEL.left + PLOT.width}" y1="${base()}" y2="${base()}"/>`,
    `<line class="axis" x1="${PANEL.left}" x2="${PANEL.left}" y1="${PANEL.top}" y2="${base()}"/>`,
    ...ticks,
    text(PANEL.left + PLOT.width / 2, base() + 34, 'milliseconds', 'middle'),
    text(PANEL.left - 6, PANEL.top + 8, String(top), 'end'),
    text(PANEL.left - 6, base(), '0', 'end'),
    text(PANEL.left - 36, PANEL.top - 8, name === 'itl' ? 'intervals' : 'requests', 'start'),
    ...marks,
  ].join('');
}

function base(): number {
  return PANEL.top + PLOT.height;
}

function describe(name: Latency, values: readonly number[]): string {
  if (values.length === 0) return `${TITLES[name]}: not measured`;
  const sorted = values.toSorted((a, b) => a - b);
  return `${TITLES[name]}: ${MARKS.map(([mark, share]) => `${mark} ${show(quantile(sorted, share))} ms`).join(', ')}`;
}

/** 1, 2 or 5 times a power of ten, not below `value`. */
export function niceMax(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= value) ?? 10 * power;
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${fix(x)}" y="${fix(y)}" text-anchor="${anchor}">${escape(content)}</text>`;
}

function show(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function fix(value: number): string {
  return String(Number(value.toFixed(2)));
}

/** A model's name comes from the server; control characters are no XML. */
function escape(content: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return content.replace(/[&<>"]/g, (character) => entities[character]!).replace(/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu, ' ');
}
