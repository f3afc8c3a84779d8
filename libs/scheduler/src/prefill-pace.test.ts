import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PrefillPace } from './prefill-pace.js';

/** A machine whose steps take so long. */
interface Machine {
  base: number;
  perDecode: number;
  perPrefill: number;
}

const decodeSeconds = ({ base, perDecode }: Machine, numDecoding: number): number => base + perDecode * numDecoding;

/** Streams beside prompts without end. @returns tokens of prompts of each step, none where decode is measured */
function run(pace: PrefillPace, machine: Machine, { streams, steps }: { streams: number; steps: number }): number[] {
  return Array.from({ length: steps }, () => {
    const numPrefill = Math.min(512, pace.limit(streams));
    pace.observe({ numDecoding: streams, numPrefill, seconds: decodeSeconds(machine, streams) + machine.perPrefill * numPrefill });
    return numPrefill;
  });
}

/** A prompt before there are any streams. */
function start(machine: Machine): PrefillPace {
  const pace = new PrefillPace();
  const numPrefill = Math.min(512, pace.limit(0));
  pace.observe({ numDecoding: 0, numPrefill, seconds: machine.base + machine.perPrefill * numPrefill });
  return pace;
}

const machines = fc.record({
  base: fc.double({ min: 0.001, max: 0.1, noNaN: true }),
  perDecode: fc.double({ min: 0.0001, max: 0.02, noNaN: true }),
  perPrefill: fc.double({ min: 0.00005, max: 0.02, noNaN: true }),
});

describe('PrefillPace', () => {
  it('does not hold prompts back where nothing streams', () => {
    const pace = start({ base: 1, perDecode: 1, perPrefill: 1 });
    expect(pace.limit(0)).toBe(Infinity);
  });

  it('measures a step without prompts first, and again now and then', () => {
    const machine = { base: 0.005, perDecode: 0.0001, perPrefill: 0.0001 };
    const tokens = run(start(machine), machine, { streams: 10, steps: 100 });
    expect(tokens[0]).toBe(0);
    expect(tokens.filter((count) => count === 0)).toHaveLength(6);
    expect(tokens.slice(1, 17).every((count) => count > 0)).toBe(true);
  });

  it('makes steps 2.5 times as long at most, and as long as that where there is use for it, on any machine', () => {
    fc.assert(
      fc.property(machines, fc.integer({ min: 1, max: 64 }), (machine, streams) => {
        const alone = decodeSeconds(machine, streams);
        const [most] = run(start(machine), machine, { streams, steps: 40 }).slice(-1);
        const ideal = Math.floor((1.5 * alone) / machine.perPrefill);
        if (ideal < 16) expect(most).toBe(16);
        else {
          expect(most).toBeLessThanOrEqual(Math.min(512, ideal + 1));
          expect(most).toBeGreaterThanOrEqual(Math.floor(0.9 * Math.min(512, ideal)));
        }
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('follows when the number of streams changes', () => {
    const machine = { base: 0.004, perDecode: 0.0005, perPrefill: 0.0001 };
    const pace = start(machine);
    const settled = (streams: number): number[] =>
      run(pace, machine, { streams, steps: 102 })
        .slice(-17)
        .filter((count) => count > 0);
    for (const [streams, tokens] of [
      [2, 75],
      [40, 360],
      [2, 75],
    ] as const) {
      const counts = settled(streams);
      expect(counts).toHaveLength(16);
      for (const count of counts) expect(Math.abs(count - tokens)).toBeLessThanOrEqual(1);
    }
  });

  it('is not led astray by a machine that holds up some steps, of those without prompts even most', () => {
    const machine = { base: 0.01, perDecode: 0.0005, perPrefill: 0.0002 };
    const pace = start(machine);
    const [before] = run(pace, machine, { streams: 4, steps: 60 }).slice(-1);
    let [decodes, prefills] = [0, 0];
    for (let step = 0; step < 200; step++) {
      const numPrefill = pace.limit(4);
      if (numPrefill > 0) expect(Math.abs(numPrefill - before!)).toBeLessThanOrEqual(1);
      const isHeldUp = numPrefill === 0 ? decodes++ % 4 !== 0 : prefills++ % 3 === 0;
      const seconds = decodeSeconds(machine, 4) + machine.perPrefill * numPrefill;
      pace.observe({ numDecoding: 4, numPrefill, seconds: isHeldUp ? 10 * seconds : seconds });
    }
    expect(decodes).toBeGreaterThan(10);
  });

  it('lets prompts get on with a clock that stands still', () => {
    const pace = start({ base: 0, perDecode: 0, perPrefill: 0 });
    const tokens = run(pace, { base: 0, perDecode: 0, perPrefill: 0 }, { streams: 1, steps: 5 });
    expect(tokens).toEqual([0, 512, 512, 512, 512]);
  });
});
