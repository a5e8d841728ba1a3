/** Readers of option values; what they refuse is told as a usage fault. */
import { InvalidArgumentError } from 'commander';

export function wholeNumber(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
  };
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a number above 0.');
}

/** An enum value of the schema, however its letters are written. */
export function oneOf(values: readonly string[]) {
  return (text: string): string => {
    const value = text.toUpperCase();
    if (values.includes(value)) return value;
    throw new InvalidArgumentError(`Expected one of ${values.join(', ')}.`);
  };
}

/** Several of them: comma-separated, or the option several times. */
export function someOf(values: readonly string[]) {
  const read = oneOf(values);
  return (text: string, before: readonly string[] = []): readonly string[] => [
    ...before,
    ...text.split(',').map((item) => read(item.trim())),
  ];
}
