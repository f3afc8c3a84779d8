import type { Sample } from './samples.ts';

const COLUMNS = ['seconds', 'residentBytes', 'kvCacheUsage', 'running', 'waiting'] as const;
const PLOT = { left: 60, top: 34, width: 720, height: 150 };
const PANEL_HEIGHT = PLOT.top + PLOT.height + 26;
const PANELS: { title: string; valueOf(sample: Sample): number }[] = [
  { title: 'resident memory, MB', valueOf: ({ residentBytes }) => residentBytes / 1e6 },
  { title: 'KV memory in use, %', valueOf: ({ kvCacheUsage }) => kvCacheUsage * 100 },
  { title: 'requests that run', valueOf: ({ running }) => running },
];

export function samplesCsv(samples: readonly Sample[]): string {
  return [COLUMNS.join(','), ...samples.map((sample) => COLUMNS.map((column) => sample[column]).join(','))].join('\n') + '\n';
}

/** The samples as lines over time, each from zero up. */
export function samplesSvg(samples: readonly Sample[]): string {
  const [width, height] = [PLOT.left + PLOT.width + 20, PANELS.length * PANEL_HEIGHT];
  const panels = PANELS.map(({ title, valueOf }, index) => {
    const values = samples.map(valueOf);
    const [duration, top] = [samples.at(-1)!.seconds, Math.max(1, ...values)];
    const points = samples.map(({ seconds }, at) => {
      const x = PLOT.left + (seconds / duration) * PLOT.width;
      const y = PLOT.top + (1 - values[at]! / top) * PLOT.height;
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    });
    const [right, bottom] = [PLOT.left + PLOT.width, PLOT.top + PLOT.height];
    return `<g transform="translate(0 ${index * PANEL_HEIGHT})">
<text x="${PLOT.left}" y="20">${title}</text>
<path d="M${PLOT.left} ${PLOT.top}V${bottom}H${right}" stroke="#888"/>
<polyline points="${points.join(' ')}" stroke="#2b6cb0"/>
<text x="${PLOT.left - 6}" y="${PLOT.top + 8}" text-anchor="end">${top.toFixed(0)}</text>
<text x="${PLOT.left - 6}" y="${bottom}" text-anchor="end">0</text>
<text x="${right}" y="${bottom + 16}" text-anchor="end">${duration.toFixed(0)} s</text>
</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" fill="none">
<style>svg{background:#fff}text{font:12px sans-serif;fill:#222}</style>
${panels.join('\n')}
</svg>
`;
}
