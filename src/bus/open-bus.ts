/** The bus that the settings ask for. */
import type { Bus } from './bus.ts';
import { createMemoryBus } from './memory.ts';
import { createPostgresBus } from './postgres.ts';

export interface BusSettings {
  /** PostgreSQL. Undefined: this server is alone, and wakes only itself. */
  readonly databaseUrl: string | undefined;
}

export function openBus({ databaseUrl }: BusSettings): Bus {
  return databaseUrl === undefined ? createMemoryBus() : createPostgresBus({ url: databaseUrl });
}
