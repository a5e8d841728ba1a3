export const REGIONS = ['NORTH_AMERICA', 'EUROPE', 'ASIA', 'OCEANIA'] as const;
export type Region = (typeof REGIONS)[number];

/** As `GET /v2/catalog/datacenters` lists it, and the country it stands in. */
export interface DataCenter {
  readonly id: string;
  readonly name: string;
  readonly region: Region;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  readonly networkVolumeTypes: readonly string[];
  readonly compliance: readonly string[];
  readonly globalNetwork: boolean;
}

const SOC = ['SOC_2_TYPE_2', 'ISO_IEC_27001'];
const EUROPEAN = ['GDPR', 'ISO_IEC_27001'];

/** EU-RO-1, EU-FR-1 and AP-IN-1 as recorded on 2026-08-20; the others are plausible. */
export const DATA_CENTERS: readonly DataCenter[] = [
  center('EU-RO-1', 'EU-RO-1', 'EUROPE', 'RO', ['STANDARD'], [], false),
  center('EU-FR-1', 'EU-FR-1', 'EUROPE', 'FR', ['HIGH_PERFORMANCE'], [], false),
  center('AP-IN-1', 'AP-IN-1', 'ASIA', 'IN', [], [], false),
  center('EU-SE-1', 'EU Sweden 1', 'EUROPE', 'SE', ['STANDARD'], [...EUROPEAN, 'RENEWABLE'], true),
  center('EU-NL-1', 'EU Netherlands 1', 'EUROPE', 'NL', ['STANDARD'], [...EUROPEAN, 'HIPAA'], true),
  center(
    'US-KS-2',
    'US Kansas 2',
    'NORTH_AMERICA',
    'US',
    ['STANDARD', 'HIGH_PERFORMANCE'],
    SOC,
    true,
  ),
  center('US-CA-2', 'US California 2', 'NORTH_AMERICA', 'US', ['HIGH_PERFORMANCE'], SOC, true),
  center('US-TX-3', 'US Texas 3', 'NORTH_AMERICA', 'US', ['STANDARD'], [...SOC, 'HIPAA'], true),
  center('CA-MTL-1', 'Canada Montreal 1', 'NORTH_AMERICA', 'CA', ['STANDARD'], SOC, false),
  center('AP-JP-1', 'Japan Tokyo 1', 'ASIA', 'JP', ['STANDARD'], ['ISO_IEC_27001'], true),
  center('OC-AU-1', 'Australia Sydney 1', 'OCEANIA', 'AU', [], ['ISO_IEC_27001'], false),
];

function center(
  id: string,
  name: string,
  region: Region,
  country: string,
  networkVolumeTypes: readonly string[],
  compliance: readonly string[],
  globalNetwork: boolean,
): DataCenter {
  return { id, name, region, country, networkVolumeTypes, compliance, globalNetwork };
}
