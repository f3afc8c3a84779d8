import { InvalidOptionError } from '@ringmesh/core';

/** @throws InvalidOptionError for a number that is not whole or out of range */
export function checkInteger(option: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalid(option, `${option} is ${value}: give a whole number from ${min} to ${max}`);
}

export function invalid(field: string, message: string): InvalidOptionError {
  return new InvalidOptionError(message, { field });
}
