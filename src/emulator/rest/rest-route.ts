import type { Answer } from '../http/answer.ts';
import type { Incoming } from '../http/incoming.ts';
import type { Route } from '../http/routing.ts';

export interface RestRoute extends Route {
  /** @throws {Problem} */
  readonly answer: (incoming: Incoming, parameters: Readonly<Record<string, string>>) => Answer;
}
