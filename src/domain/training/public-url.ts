/** Whether a URL may be handed to a pod: https, no credentials, no address inside a network. */
export function isPublicHttpsUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '') return false;
  // The parser has already turned 0x7f.1, 2130706433 and the like into dotted form.
  const host = url.hostname.toLowerCase().replace(/\.$/, '');
  if (host.startsWith('[')) return isPublicIpv6(host.slice(1, -1));
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return isPublicIpv4(host);
  return host.includes('.') && !PRIVATE_SUFFIX.test(host);
}

const PRIVATE_SUFFIX = /(^|\.)(localhost|local|internal|intranet|lan|home|corp|home\.arpa)$/;

/** Without the blocks of RFC 6890 that are no public unicast addresses. */
function isPublicIpv4(host: string): boolean {
  const [a = 0, b = 0, c = 0] = host.split('.').map(Number);
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false;
  if (a === 100 && b >= 64 && b < 128) return false;
  if (a === 169 && b === 254) return false;
  if (a === 172 && b >= 16 && b < 32) return false;
  if (a === 192 && (b === 168 || (b === 0 && (c === 0 || c === 2)))) return false;
  if (a === 198 && (b === 18 || b === 19 || (b === 51 && c === 100))) return false;
  return !(a === 203 && b === 0 && c === 113);
}

/** Only global unicast (2000::/3), and of that neither documentation nor embedded IPv4 (6to4). */
function isPublicIpv6(host: string): boolean {
  const first = Number.parseInt(host.split(':')[0] ?? '', 16);
  if (!(first >= 0x2000 && first < 0x4000)) return false;
  return first !== 0x2002 && !host.startsWith('2001:db8:') && !host.startsWith('2001::');
}
