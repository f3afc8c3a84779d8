import { RingmeshError } from '@ringmesh/core';
import { program } from './program.js';

try {
  await program().parseAsync();
} catch (error) {
  // What the user can mend has a code and needs no stack; anything else is a defect of ours.
  console.error(error instanceof RingmeshError ? `error [${error.code}]: ${error.message}` : error);
  process.exitCode = error instanceof RingmeshError ? error.exitCode : 1;
}
