import { expect, test } from 'vitest';
import { AppError, maskError } from '../../src/errors.ts';

const never = () => {
  throw new Error('this is no bug');
};

test('a named failure keeps its message and gets its code', () => {
  const thrown = new AppError('PLATFORM_RATE_LIMITED', 'wait', {
    retryable: true,
    retryAfterSeconds: 3,
  });
  const wire = {
    message: 'wait',
    extensions: { code: 'INTERNAL_SERVER_ERROR', stacktrace: ['x'] },
  };
  expect(maskError(wire, thrown, never)).toEqual({
    message: 'wait',
    extensions: { code: 'PLATFORM_RATE_LIMITED', retryable: true, retryAfterSeconds: 3 },
  });
});

test('anything else is told as an internal error with the id it was logged under', () => {
  const secret = new TypeError('cannot read rpa_SECRET of undefined');
  const masked = maskError({ message: secret.message, path: ['a'] }, secret, () => 'the-id');
  expect(masked).toEqual({
    message: 'Internal error',
    path: ['a'],
    extensions: { code: 'INTERNAL_SERVER_ERROR', errorId: 'the-id' },
  });
});

test('a fault of the request passes with its code and nothing more', () => {
  const wire = {
    message: 'no such field',
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED', stacktrace: [] },
  };
  expect(maskError(wire, wire, never).extensions).toEqual({ code: 'GRAPHQL_VALIDATION_FAILED' });
});
