/**
 * The platforms this server knows, by name. Each is made on first use and stands alone: one that
 * cannot be made, or does not answer, is an error for those who ask for it and for nobody else.
 */
import { AppError } from '../errors.ts';
import type { Platform } from './platform.ts';

type PlatformFactory = () => Platform | Promise<Platform>;

export interface PlatformRegistry {
  readonly names: readonly string[];
  /** @throws {AppError} NOT_FOUND for an unknown name, PLATFORM_UNAVAILABLE for one that fails to load */
  get(name: string): Promise<Platform>;
  /** Closes every platform that was made; one that fails to close stops no other. */
  close(): Promise<void>;
}

export function createPlatformRegistry(
  factories: Readonly<Record<string, PlatformFactory>>,
): PlatformRegistry {
  const made = new Map<string, Promise<Platform>>();
  const names = Object.keys(factories);

  async function make(name: string, factory: PlatformFactory): Promise<Platform> {
    try {
      return await factory();
    } catch (error) {
      throw new AppError('PLATFORM_UNAVAILABLE', `The platform "${name}" could not be loaded.`, {
        cause: error,
        retryable: true,
      });
    }
  }

  return {
    names,
    async get(name) {
      const factory = Object.hasOwn(factories, name) ? factories[name] : undefined;
      if (factory === undefined) {
        throw new AppError(
          'NOT_FOUND',
          `There is no platform "${name}": known are ${names.join(', ')}.`,
        );
      }
      const known = made.get(name);
      if (known !== undefined) return known;
      const platform = make(name, factory);
      made.set(name, platform);
      // A failure is forgotten, so that the next asker tries again.
      platform.catch(() => made.delete(name));
      return platform;
    },
    async close() {
      const platforms = await Promise.allSettled(made.values());
      made.clear();
      await Promise.allSettled(
        platforms.map(async (result) => {
          if (result.status === 'fulfilled') await result.value.close();
        }),
      );
    },
  };
}
