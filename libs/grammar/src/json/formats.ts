const DATE =
  '(?:(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29' +
  '|\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8])))';
const HOUR_MINUTE = '(?:[01]\\d|2[0-3]):[0-5]\\d';
const TIME = `${HOUR_MINUTE}:[0-5]\\d(?:\\.\\d{1,9})?(?:Z|[+-]${HOUR_MINUTE})`;
const COUNT = '\\d{1,4}';
const DURATION_TIME = `T(?:${COUNT}H(?:${COUNT}M(?:${COUNT}S)?)?|${COUNT}M(?:${COUNT}S)?|${COUNT}S)`;
const DURATION_DATE = `(?:${COUNT}Y(?:${COUNT}M(?:${COUNT}D)?)?|${COUNT}M(?:${COUNT}D)?|${COUNT}D)`;
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,59}[A-Za-z0-9])?';
const ATOM = '[A-Za-z0-9_+-]+';
const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const GROUP = '[0-9a-fA-F]{1,4}';
const URI_CHARACTER = "(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})";

/** Forms of strings that are enforced, each as a subset that every validator accepts. */
export const FORMATS: ReadonlyMap<string, string> = new Map([
  ['date', DATE],
  ['time', TIME],
  ['date-time', `${DATE}T${TIME}`],
  ['duration', `P(?:${DURATION_DATE}(?:${DURATION_TIME})?|${DURATION_TIME}|${COUNT}W)`],
  ['email', `${ATOM}(?:\\.${ATOM})*@(?:${LABEL}\\.){1,3}[A-Za-z]{2,24}`],
  ['hostname', `${LABEL}(?:\\.${LABEL}){0,3}`],
  ['ipv4', `${OCTET}(?:\\.${OCTET}){3}`],
  ['ipv6', `(?:${GROUP}(?::${GROUP}){7}|::|::${GROUP}(?::${GROUP}){0,5}|${GROUP}(?::${GROUP}){0,2}::(?:${GROUP}(?::${GROUP}){0,3})?)`],
  ['uuid', '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}'],
  [
    'uri',
    `[A-Za-z][A-Za-z0-9+.-]*://${LABEL}(?:\\.${LABEL}){0,3}(?::\\d{1,4})?(?:/${URI_CHARACTER}*)?(?:\\?${URI_CHARACTER}*)?(?:#${URI_CHARACTER}*)?`,
  ],
]);

/** Names that say how a value is meant, not how it is written. */
export const ANNOTATING_FORMATS: ReadonlySet<string> = new Set([
  'int32',
  'int64',
  'float',
  'double',
  'password',
  'byte',
  'binary',
  'markdown',
  'text',
]);
