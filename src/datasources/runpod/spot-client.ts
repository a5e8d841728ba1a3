/**
 * RunPod's GraphQL API, the only source of spot prices and of the balance. It is deprecated and
 * ends "early 2027" (then 410): whatever goes wrong here removes those, and never anything else.
 */
import { ClientError } from 'graphql-request';
import { print } from 'graphql';
import { z } from 'zod';
import type { AppError } from '../../errors.ts';
import { offerKey } from '../../domain/gpu.ts';
import type { Offer, OfferKey } from '../../domain/gpu.ts';
import { roundUsd } from '../../domain/price.ts';
import type { SpotPrices } from '../../domain/price.ts';
import type { CallOptions } from '../platform.ts';
import { AccountDocument } from './__generated__/operations.ts';
import type { AccountQuery } from './__generated__/operations.ts';
import { createGraphqlClient } from './graphql-client.ts';
import { contractFault, problemOf, transportFault } from './problem.ts';
import { aliasOf, spotDocument, spotVariables } from './spot-document.ts';
import type { SpotQuery } from './spot-document.ts';

interface RawAnswer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string }[] | undefined;
  readonly status: number;
}

const accountSchema = z.object({
  myself: z
    .object({ clientBalance: z.number().nullish(), currentSpendPerHr: z.number().nullish() })
    .nullish(),
});

const lowestPriceSchema = z.object({ minimumBidPrice: z.number().nonnegative().nullish() });
const spotSchema = z.object({
  gpuTypes: z.array(z.looseObject({ id: z.string().nullish() }).nullish()).nullish(),
});

/** RunPod lists a placeholder beside the real types. */
const PLACEHOLDER_ID = 'unknown';

export interface SpotClientDeps {
  url: string;
  apiKey: string;
  timeoutMs: number;
}

export interface SpotClient {
  account(
    options: CallOptions,
  ): Promise<{ balanceUsd: number | null; spendUsdPerHour: number | null }>;
  /** One request, whatever the number of offers. */
  prices(offers: readonly Offer[], options: CallOptions): Promise<SpotPrices>;
}

export function createSpotClient(deps: SpotClientDeps): SpotClient {
  const client = createGraphqlClient(deps.url, deps.apiKey);

  async function ask<T>(
    what: string,
    schema: z.ZodType<T>,
    send: (signal: AbortSignal) => Promise<RawAnswer>,
    options: CallOptions,
  ): Promise<T> {
    const timeout = AbortSignal.timeout(deps.timeoutMs);
    const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
    const answer = schema.safeParse(
      await send(signal).then((raw) => dataOf(raw, deps.apiKey), refuse(what, signal, deps.apiKey)),
    );
    if (!answer.success) throw contractFault(what, answer.error);
    return answer.data;
  }

  return {
    async account(options) {
      const send = (signal: AbortSignal) =>
        client.rawRequest<AccountQuery>({ query: print(AccountDocument), signal });
      const { myself } = await ask('the balance query', accountSchema, send, options);
      return {
        balanceUsd: myself?.clientBalance ?? null,
        spendUsdPerHour: myself?.currentSpendPerHr ?? null,
      };
    },
    async prices(offers, options) {
      const send = (signal: AbortSignal) =>
        client.rawRequest<SpotQuery>({
          query: print(spotDocument(offers.length)),
          variables: spotVariables(offers),
          signal,
        });
      const { gpuTypes } = await ask('the spot price query', spotSchema, send, options);
      return readPrices(offers, gpuTypes ?? []);
    },
  };
}

/** @throws {AppError} for an answer without any data */
function dataOf({ data, errors, status }: RawAnswer, apiKey: string): unknown {
  const hasData = typeof data === 'object' && data !== null && Object.values(data).some(Boolean);
  if (errors !== undefined && errors.length > 0 && !hasData)
    throw translate(status, errors, apiKey);
  return data;
}

function refuse(what: string, signal: AbortSignal, apiKey: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof ClientError) {
      throw translate(error.response.status, error.response.errors ?? [], apiKey);
    }
    throw transportFault(what, error, signal.aborted);
  };
}

/** Business errors come as HTTP 200 with `errors[]`; everything else by its status. */
function translate(
  status: number,
  errors: readonly { readonly message: string }[],
  apiKey: string,
): AppError {
  const detail = errors.map(({ message }) => message).join('; ');
  return problemOf(status === 200 ? 400 : status, { detail }, undefined, apiKey);
}

function readPrices(
  offers: readonly Offer[],
  gpuTypes: readonly (
    { readonly [field: string]: unknown; readonly id?: unknown } | null | undefined
  )[],
): SpotPrices {
  const prices = new Map<OfferKey, Map<string, number>>();
  offers.forEach((offer, index) => {
    const byId = new Map<string, number>();
    for (const gpu of gpuTypes) {
      if (typeof gpu?.id !== 'string' || gpu.id === PLACEHOLDER_ID) continue;
      const lowest = lowestPriceSchema.safeParse(gpu[aliasOf(index)]);
      const usd = lowest.data?.minimumBidPrice;
      if (usd != null && usd > 0) byId.set(gpu.id, roundUsd(usd));
    }
    prices.set(offerKey(offer), byId);
  });
  return prices;
}
