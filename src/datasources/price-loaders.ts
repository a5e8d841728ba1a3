/**
 * The prices as one operation sees them: every offer is read once and stays as it was first seen,
 * so that one answer never mixes two snapshots, and lookups that miss memory are batched.
 */
import DataLoader from 'dataloader';
import { AppError } from '../errors.ts';
import { DEFAULT_OFFER, offerKey } from '../domain/gpu.ts';
import type { Offer, OfferKey } from '../domain/gpu.ts';
import type { Price, PriceTable } from '../domain/price.ts';
import type { PriceBook } from './price-book.ts';

/** Offers one operation may ask for: each can cost an upstream call. */
export const MAX_OFFERS_PER_OPERATION = 16;

export interface PriceKey {
  readonly gpuId: string;
  readonly offer: Offer;
}

export interface PriceLoaders {
  /** Names what the operation will ask for, so that all of it is read in one go, at first need. */
  expect(offers: () => readonly Offer[]): void;
  /** At once where memory has it. @throws {AppError} PLATFORM_… LIMIT_EXCEEDED */
  table(offer: Offer): PriceTable | Promise<PriceTable>;
  /**
   * A table for facts that no offer changes: one that memory has, else one that is expected anyway.
   * @throws as `table`
   */
  anyTable(): PriceTable | Promise<PriceTable>;
  /** Null: not offered so. At once where memory has it, else batched. @throws as `table` */
  price(key: PriceKey): Price | null | Promise<Price | null>;
  /** What was read so far; undefined once anything failed. */
  tablesRead(): readonly PriceTable[] | undefined;
  /** Whether each of these is what memory serves now. */
  areCurrent(tables: readonly PriceTable[]): boolean;
}

export function createPriceLoaders(book: PriceBook): PriceLoaders {
  const read = new Map<OfferKey, PriceTable | AppError>();
  let name: () => readonly Offer[] = () => [];
  let named: readonly Offer[] | undefined;

  // Made when memory misses: most operations never need them.
  let prices: DataLoader<PriceKey, Price | null, string> | undefined;
  let tables: DataLoader<Offer, PriceTable, OfferKey> | undefined;

  const makePrices = () =>
    new DataLoader<PriceKey, Price | null, string>(
      async (keys) => {
        await readAll(keys.map((key) => key.offer));
        return keys.map(({ gpuId, offer }) => {
          const table = tableOf(offer);
          return table instanceof AppError ? table : (table.gpus.get(gpuId)?.price ?? null);
        });
      },
      { cacheKeyFn: ({ gpuId, offer }) => `${offerKey(offer)}:${gpuId}` },
    );

  const makeTables = () =>
    new DataLoader<Offer, PriceTable, OfferKey>(
      async (offers) => {
        await readAll(offers);
        return offers.map(tableOf);
      },
      { cacheKeyFn: offerKey },
    );

  function expected(): readonly Offer[] {
    named ??= name().slice(0, MAX_OFFERS_PER_OPERATION);
    return named;
  }

  /** Everything expected is looked at together, so that all of it falls due in one refresh. */
  function peek(offer: Offer): PriceTable | AppError | undefined {
    if (named === undefined) for (const each of expected()) take(each);
    return read.get(offerKey(offer)) ?? take(offer);
  }

  function take(offer: Offer): PriceTable | undefined {
    if (read.size >= MAX_OFFERS_PER_OPERATION) return undefined;
    const table = book.peek(offer);
    if (table !== undefined) read.set(offerKey(offer), table);
    return table;
  }

  async function readAll(offers: readonly Offer[]): Promise<void> {
    // What was really asked for comes first: a plan may name more than is allowed.
    const wanted = new Map([...offers, ...expected()].map((offer) => [offerKey(offer), offer]));
    const missing = [...wanted]
      .filter(([key]) => !read.has(key))
      .slice(0, MAX_OFFERS_PER_OPERATION - read.size);
    const loaded = await book.load(missing.map(([, offer]) => offer));
    missing.forEach(([key], index) => {
      const table = loaded[index];
      if (table !== undefined && !read.has(key)) read.set(key, table);
    });
  }

  function tableOf(offer: Offer): PriceTable | AppError {
    return read.get(offerKey(offer)) ?? tooMany();
  }

  function table(offer: Offer): PriceTable | Promise<PriceTable> {
    const seen = peek(offer);
    if (seen instanceof AppError) throw seen;
    return seen ?? (tables ??= makeTables()).load(offer);
  }

  /** Of the offers that are read anyway, the first that can be; if none can, why the first cannot. */
  async function firstOf(offers: readonly Offer[]): Promise<PriceTable> {
    await readAll(expected().length > 0 ? [] : [DEFAULT_OFFER]);
    const seen = offers
      .map((offer) => read.get(offerKey(offer)))
      .filter((each) => each !== undefined);
    const found = seen.find((each) => !(each instanceof AppError)) ?? seen[0] ?? tooMany();
    if (found instanceof AppError) throw found;
    return found;
  }

  return {
    expect(offers) {
      name = offers;
      named = undefined;
    },
    table,
    anyTable() {
      for (const offer of [...expected(), DEFAULT_OFFER]) {
        const seen = peek(offer);
        if (seen !== undefined && !(seen instanceof AppError)) return seen;
      }
      return firstOf([...expected(), DEFAULT_OFFER]);
    },
    price(key) {
      const seen = peek(key.offer);
      if (seen instanceof AppError) throw seen;
      if (seen === undefined) return (prices ??= makePrices()).load(key);
      return seen.gpus.get(key.gpuId)?.price ?? null;
    },
    tablesRead() {
      const seen = [...read.values()];
      return seen.some((table) => table instanceof AppError) ? undefined : (seen as PriceTable[]);
    },
    areCurrent: (known) => known.every((table) => book.peek(table.offer) === table),
  };
}

function tooMany(): AppError {
  return new AppError(
    'LIMIT_EXCEEDED',
    `One operation may ask for ${MAX_OFFERS_PER_OPERATION} different pairs of gpuCount and cloud: ask for the rest in another.`,
  );
}
