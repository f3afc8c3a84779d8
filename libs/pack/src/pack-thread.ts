import { parentPort, workerData } from 'node:worker_threads';
import { type ErrorMessage, errorToMessage } from '@ringmesh/core';
import type { PackFile } from '@ringmesh/weights';
import { type ModelSource, type OpenModelSource, openSource } from './model-source.js';
import type { UnitPart } from './units.js';
import { writeUnit, type WriteUnitOptions } from './write-unit.js';

/** What a thread is started with. */
export interface PackThreadData extends WriteUnitOptions {
  source: ModelSource;
}

/** What it answers to each part it is told to write. */
export type PackThreadReply = { files: PackFile[] } | { error: ErrorMessage };

const { source, ...options } = workerData as PackThreadData;
let model: OpenModelSource | undefined;

parentPort!.on('message', (part: UnitPart) => {
  write(part).then(
    (files) => post({ files }),
    (error: unknown) => post({ error: errorToMessage(error) }),
  );
});

async function write(part: UnitPart): Promise<PackFile[]> {
  model ??= await openSource(source);
  return writeUnit(model, options, part);
}

function post(reply: PackThreadReply): void {
  parentPort!.postMessage(reply);
}
