import type { ServerResponse } from 'node:http';

export type Headers = Readonly<Record<string, string>>;

/** What becomes of a request. Data until {@link sendAnswer}, so that faults can replace it. */
export type Answer =
  | {
      readonly kind: 'whole';
      readonly status: number;
      readonly headers: Headers;
      readonly body: string;
    }
  | {
      readonly kind: 'stream';
      readonly headers: Headers;
      /** Takes the response over, headers sent. */
      readonly run: (response: ServerResponse) => void;
    }
  | {
      readonly kind: 'takeover';
      /** Takes the response over, nothing sent. */
      readonly run: (response: ServerResponse) => void;
    }
  /** Nothing is sent; the connection stays open. */
  | { readonly kind: 'silence' }
  /** The connection is torn down. */
  | { readonly kind: 'reset' };

export function jsonAnswer(status: number, body: unknown, headers: Headers = {}): Answer {
  const text = JSON.stringify(body);
  return textAnswer(status, text, { 'content-type': 'application/json', ...headers });
}

export function textAnswer(status: number, body: string, headers: Headers): Answer {
  return { kind: 'whole', status, headers, body };
}

export function noContent(): Answer {
  return { kind: 'whole', status: 204, headers: {}, body: '' };
}

export function withHeaders(answer: Answer, extra: Headers): Answer {
  if (answer.kind !== 'whole' && answer.kind !== 'stream') return answer;
  return { ...answer, headers: { ...answer.headers, ...extra } };
}

export function sendAnswer(answer: Answer, response: ServerResponse): void {
  switch (answer.kind) {
    case 'whole':
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
      return;
    case 'stream':
      response.writeHead(200, answer.headers);
      response.flushHeaders();
      answer.run(response);
      return;
    case 'takeover':
      answer.run(response);
      return;
    case 'silence':
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
  }
}
