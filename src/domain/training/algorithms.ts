/**
 * What each algorithm can be combined with (PEFT 0.18 and Unsloth 2026.x, read 2026-11). One row a
 * method; everything that depends on the method is read from here.
 */
export const ALGORITHMS = [
  'LORA',
  'QLORA',
  'DORA',
  'RSLORA',
  'PISSA',
  'OLORA',
  'LOFTQ',
  'ADALORA',
  'IA3',
  'VERA',
  'OFT',
  'LOHA',
  'LOKR',
] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** As held in memory: INT4 of the schema is NF4. */
export type ResolvedQuantization = 'NONE' | 'INT8' | 'NF4';

interface AlgorithmTraits {
  readonly hasRank: boolean;
  readonly hasAlpha: boolean;
  readonly hasDropout: boolean;
  readonly quantizations: readonly ResolvedQuantization[];
  /** Whether Unsloth trains it; TRL trains every one. */
  readonly isInUnsloth: boolean;
}

const ANY: AlgorithmTraits['quantizations'] = ['NONE', 'INT8', 'NF4'];
const FULL: AlgorithmTraits['quantizations'] = ['NONE'];
const LOW_RANK = { hasRank: true, hasAlpha: true, hasDropout: true };

export const TRAITS: Readonly<Record<Algorithm, AlgorithmTraits>> = {
  LORA: { ...LOW_RANK, quantizations: ANY, isInUnsloth: true },
  QLORA: { ...LOW_RANK, quantizations: ['NF4'], isInUnsloth: true },
  DORA: { ...LOW_RANK, quantizations: ANY, isInUnsloth: true },
  RSLORA: { ...LOW_RANK, quantizations: ANY, isInUnsloth: true },
  PISSA: { ...LOW_RANK, quantizations: FULL, isInUnsloth: false },
  OLORA: { ...LOW_RANK, quantizations: FULL, isInUnsloth: false },
  LOFTQ: { ...LOW_RANK, quantizations: FULL, isInUnsloth: true },
  ADALORA: { ...LOW_RANK, quantizations: ANY, isInUnsloth: false },
  IA3: {
    hasRank: false,
    hasAlpha: false,
    hasDropout: false,
    quantizations: ANY,
    isInUnsloth: false,
  },
  VERA: {
    hasRank: true,
    hasAlpha: false,
    hasDropout: true,
    quantizations: ANY,
    isInUnsloth: false,
  },
  OFT: {
    hasRank: true,
    hasAlpha: false,
    hasDropout: true,
    quantizations: FULL,
    isInUnsloth: false,
  },
  LOHA: { ...LOW_RANK, quantizations: FULL, isInUnsloth: false },
  LOKR: { ...LOW_RANK, quantizations: FULL, isInUnsloth: false },
};
