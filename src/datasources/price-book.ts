/**
 * The shared memory of prices: one per credential, behind every request's loaders.
 *
 * Per offer, by age of what is held:
 * - COLD     nothing fit to serve: the asker waits for one upstream call, shared by all who ask
 * - FRESH    younger than `freshMs`: served, nothing is asked upstream
 * - AGEING   older: served at once while one refresh runs behind it
 * - STALE    the last refresh failed: served with `isStale`, tried again after a growing pause
 * - COLD     again once older than `maxAgeMs`
 *
 * A refresh that yields to more urgent calls changes nothing but when the next one is due.
 *
 * Every offer that falls due in one turn of the event loop is asked for together: one catalogue
 * call per offer, one spot request for all.
 */
import { setImmediate } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import { offerKey } from '../domain/gpu.ts';
import type { CatalogueEntry, Offer, OfferKey } from '../domain/gpu.ts';
import { makePriceTable, markStale } from '../domain/price.ts';
import type { PriceTable, SpotPrices } from '../domain/price.ts';
import type { Platform, Urgency } from './platform.ts';

const FIRST_RETRY_MS = 1_000;

export interface PriceBookDeps {
  platform: Pick<Platform, 'catalogue' | 'spotPrices'>;
  freshMs: number;
  maxAgeMs: number;
  now?: () => number;
}

export interface PriceBook {
  /** What can be served from memory now; asks upstream behind the caller's back when due. */
  peek(offer: Offer): PriceTable | undefined;
  /** A table or the reason there is none for each offer, in order. Never rejects. */
  load(offers: readonly Offer[]): Promise<readonly (PriceTable | AppError)[]>;
  close(): Promise<void>;
}

interface Entry {
  readonly offer: Offer;
  table: PriceTable | undefined;
  error: AppError | undefined;
  failures: number;
  /** Nothing is asked upstream before this instant. */
  dueAt: number;
  refresh: Promise<void> | undefined;
}

interface Batch {
  readonly entries: Entry[];
  urgency: Urgency;
  readonly done: Promise<void>;
}

export function createPriceBook(deps: PriceBookDeps): PriceBook {
  const now = deps.now ?? Date.now;
  const entries = new Map<OfferKey, Entry>();
  const closing = new AbortController();
  const running = new Set<Promise<void>>();
  let collecting: Batch | undefined;

  function entryOf(offer: Offer): Entry {
    const key = offerKey(offer);
    // Bounded by the offers that callers may name: MAX_GPU_COUNT counts in two clouds.
    let entry = entries.get(key);
    if (entry === undefined) entries.set(key, (entry = newEntry(offer)));
    return entry;
  }

  function servable(entry: Entry): PriceTable | undefined {
    if (entry.table === undefined) return undefined;
    return now() - entry.table.observedAt <= deps.maxAgeMs ? entry.table : undefined;
  }

  function peek(offer: Offer): PriceTable | undefined {
    const entry = entries.get(offerKey(offer));
    if (entry === undefined) return undefined;
    const table = servable(entry);
    if (table !== undefined && now() >= entry.dueAt) void startRefresh(entry, 'background');
    return table;
  }

  async function load(offers: readonly Offer[]): Promise<readonly (PriceTable | AppError)[]> {
    return Promise.all(offers.map((offer) => loadOne(offer)));
  }

  async function loadOne(offer: Offer): Promise<PriceTable | AppError> {
    const known = peek(offer);
    if (known !== undefined) return known;
    const entry = entryOf(offer);
    if (entry.error === undefined || now() >= entry.dueAt) {
      await startRefresh(entry, 'interactive');
    }
    // It joined a refresh in the background, and that one yielded: somebody waits now.
    if (servable(entry) === undefined && entry.error === undefined) {
      await startRefresh(entry, 'interactive');
    }
    return servable(entry) ?? entry.error ?? expired();
  }

  function startRefresh(entry: Entry, urgency: Urgency): Promise<void> {
    if (entry.refresh !== undefined) return entry.refresh;
    const batch = (collecting ??= openBatch());
    batch.entries.push(entry);
    if (urgency === 'interactive') batch.urgency = 'interactive';
    entry.refresh = batch.done;
    return batch.done;
  }

  function openBatch(): Batch {
    const batch: Batch = {
      entries: [],
      urgency: 'background',
      done: setImmediate().then(async () => {
        collecting = undefined;
        await refreshAll(batch.entries, batch.urgency);
        running.delete(batch.done);
      }),
    };
    running.add(batch.done);
    return batch;
  }

  async function refreshAll(due: readonly Entry[], urgency: Urgency): Promise<void> {
    const options = { urgency, signal: closing.signal };
    const offers = due.map((entry) => entry.offer);
    const spot = settle(() => deps.platform.spotPrices(offers, options));
    await Promise.all(
      due.map(async (entry) => {
        const seen = await settle(() => deps.platform.catalogue(entry.offer, options));
        const spotSeen = await spot;
        // A source of spot prices that fails takes nothing with it: there are no spot prices then.
        remember(entry, seen, spotSeen instanceof AppError ? null : spotSeen);
      }),
    );
  }

  function remember(
    entry: Entry,
    seen: readonly CatalogueEntry[] | AppError,
    spot: SpotPrices | null,
  ): void {
    entry.refresh = undefined;
    if (seen instanceof AppError && seen.isDeferred) {
      entry.dueAt = now() + deps.freshMs;
      return;
    }
    if (seen instanceof AppError) {
      entry.failures += 1;
      entry.error = seen;
      entry.dueAt = now() + retryPauseMs(entry.failures, seen, deps.freshMs);
      entry.table = entry.table && markStale(entry.table);
      return;
    }
    const { offer } = entry;
    const observedAt = now();
    entry.failures = 0;
    entry.error = undefined;
    entry.dueAt = observedAt + deps.freshMs;
    entry.table = makePriceTable({ offer, entries: seen, spot, observedAt, isStale: false });
  }

  async function close(): Promise<void> {
    closing.abort();
    await Promise.all(running);
  }

  return { peek, load, close };
}

function newEntry(offer: Offer): Entry {
  return {
    offer,
    table: undefined,
    error: undefined,
    failures: 0,
    dueAt: 0,
    refresh: undefined,
  };
}

async function settle<T>(ask: () => Promise<T>): Promise<T | AppError> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof AppError) return error;
    return new AppError('PLATFORM_UNAVAILABLE', 'The price source failed unexpectedly.', {
      cause: error,
      retryable: true,
    });
  }
}

/** 1 s, doubling, at most `freshMs`; longer when the platform named a time. */
function retryPauseMs(failures: number, error: AppError, freshMs: number): number {
  const pause = Math.min(freshMs, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 16));
  return Math.max(pause, (error.retryAfterSeconds ?? 0) * 1_000);
}

function expired(): AppError {
  return new AppError('PLATFORM_UNAVAILABLE', 'No recent price is known and none could be read.', {
    retryable: true,
  });
}
