// What JSON Schema's `format` names, as patterns: those that can be enforced. Each is a part of what the standard allows, as
// wide as models need it. Knows no schema.

const DATE =
  '(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))' +
  '|(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)';
const TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)';
// One way to read each text: where two parts may have the same characters, many tokens would have to be looked at.
const LABEL = '[A-Za-z0-9]{1,20}(?:-[A-Za-z0-9]{1,20}){0,2}';
const TOP_LABEL = '[A-Za-z]{2,24}';
const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = `${BYTE}(?:\\.${BYTE}){3}`;
const HEX = '[0-9A-Fa-f]{1,4}';
/** With `::` at each place where it may stand (RFC 4291). */
const IPV6 = [
  `(?:${HEX}:){7}${HEX}`,
  ...[1, 2, 3, 4, 5, 6].map((before) => `(?:${HEX}:){${before}}(?::${HEX}){1,${7 - before}}`),
  `(?:${HEX}:){7}:`,
  `(?:${HEX}:){1,6}:`,
  `::(?:${HEX}:){0,6}${HEX}`,
  '::',
].join('|');
const ATOM = '[A-Za-z0-9_+-]{1,20}';
const URI_CHARACTER = "[A-Za-z0-9._~!$&'()*+,;=:@-]";

const URI_QUERY = "[A-Za-z0-9._~!$&'()*+,;=:@/?-]";

/** Patterns by format; each is the whole text. */
export const FORMATS: Readonly<Record<string, string>> = {
  date: DATE,
  time: TIME,
  'date-time': `${DATE}T${TIME}`,
  duration:
    'P(?:\\d{1,9}W|(?=\\d|T\\d)(?:\\d{1,9}Y)?(?:\\d{1,9}M)?(?:\\d{1,9}D)?(?:T(?=\\d)(?:\\d{1,9}H)?(?:\\d{1,9}M)?(?:\\d{1,9}S)?)?)',
  email: `${ATOM}(?:\\.${ATOM}){0,2}@(?:${LABEL}\\.){1,3}${TOP_LABEL}`,
  hostname: `${LABEL}(?:\\.${LABEL}){0,3}`,
  ipv4: IPV4,
  ipv6: IPV6,
  uuid: '[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}',
  uri:
    `[A-Za-z][A-Za-z0-9+.-]{0,31}://${LABEL}(?:\\.${LABEL}){0,3}(?::\\d{1,5})?(?:/${URI_CHARACTER}*)*` +
    `(?:\\?${URI_QUERY}*)?(?:#${URI_QUERY}*)?`,
};

/** Formats that say how a text is shown or kept, and nothing about the text. */
export const SILENT_FORMATS: readonly string[] = ['password', 'path', 'file-path', 'directory-path'];
