/**
 * Signs that a run goes wrong: a value that is no number, a loss that doubles, gradients that
 * explode. Thresholds are the original product's.
 */
import type { MetricEvent } from './metric-line.ts';

const LOSS_POINTS = 5;
const LOSS_FACTOR = 2;
/** Below, a doubling is noise: 0.01 to 0.02 worries nobody. */
const LOSS_RISE = 0.1;
const GRAD_NORM_LIMIT = 10;
const GRAD_NORM_FACTOR = 5;
const GRAD_NORM_POINTS = 10;
/** The first steps of a run, while it warms up, say nothing about an average. */
const GRAD_NORM_LEAST_POINTS = 5;

/** What is remembered of a run. */
export interface RunHistory {
  readonly losses: readonly number[];
  readonly gradNorms: readonly number[];
}

export const NO_HISTORY: RunHistory = { losses: [], gradNorms: [] };

/** @returns the history with this event in it, and what it warns of; null: nothing */
export function watchRun(
  history: RunHistory,
  event: MetricEvent,
): { readonly history: RunHistory; readonly warning: string | null } {
  if (event.event !== 'step') return { history, warning: null };
  const { loss, gradNorm, step } = event;
  const at = step == null ? '' : ` at step ${step}`;
  const warning =
    notANumber({ loss, gradNorm }, at) ??
    lossWarning(history.losses, loss, at) ??
    gradNormWarning(history.gradNorms, gradNorm, at);
  return {
    history: {
      losses: remember(history.losses, loss, LOSS_POINTS),
      gradNorms: remember(history.gradNorms, gradNorm, GRAD_NORM_POINTS),
    },
    warning,
  };
}

function notANumber(values: Readonly<Record<string, unknown>>, at: string): string | null {
  const [name] = Object.entries(values).find(([, value]) => value === null) ?? [];
  return name === undefined
    ? null
    : `The run diverges: ${WORDS[name] ?? name} is not a number${at}. Lower the learning rate.`;
}

const WORDS: Readonly<Record<string, string>> = { loss: 'the loss', gradNorm: 'the gradient norm' };

function lossWarning(losses: readonly number[], loss: unknown, at: string): string | null {
  const before = losses.length < LOSS_POINTS ? undefined : losses[0];
  if (typeof loss !== 'number' || before === undefined) return null;
  if (loss < before * LOSS_FACTOR || loss - before < LOSS_RISE) return null;
  return `The run may diverge: the loss rose from ${short(before)} to ${short(loss)} within ${LOSS_POINTS} points${at}. Lower the learning rate.`;
}

function gradNormWarning(norms: readonly number[], norm: unknown, at: string): string | null {
  if (typeof norm !== 'number') return null;
  if (norm > GRAD_NORM_LIMIT) {
    return `The run may diverge: the gradient norm is ${short(norm)}${at}, above ${GRAD_NORM_LIMIT}. Lower the learning rate.`;
  }
  if (norms.length < GRAD_NORM_LEAST_POINTS) return null;
  const average = norms.reduce((sum, each) => sum + each, 0) / norms.length;
  if (norm <= average * GRAD_NORM_FACTOR) return null;
  return `The run may diverge: the gradient norm is ${short(norm)}${at}, ${GRAD_NORM_FACTOR} times its average. Lower the learning rate.`;
}

function remember(values: readonly number[], value: unknown, count: number): readonly number[] {
  return typeof value === 'number' && Number.isFinite(value)
    ? [...values, value].slice(-count)
    : values;
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
