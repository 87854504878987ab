// Small predicates over values of unknown type, for messages and options. Knows no message.

export type Check = (value: unknown) => boolean;
/** A field's check by its name; a field that may be missing has a check that accepts undefined. */
export type Shape = Readonly<Record<string, Check>>;

/** Whether it is a text. */
export const isString: Check = (value) => typeof value === 'string';
/** Whether it is true or false. */
export const isBoolean: Check = (value) => typeof value === 'boolean';
/** Whether it is a whole number of 0 or more. */
export const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
/** Whether it is a number, and a finite one. */
export const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value);
/** Whether it is an object, and not a list or null. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether it is undefined or passes. */
export const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

/** Whether it is null or passes. */
export const nullable =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

/** The longest list that a message may hold: tokens of the longest context. */
const MAX_LENGTH = 2 ** 20;

/** Holes are values too: they are undefined. */
export const arrayOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length <= MAX_LENGTH && value.findIndex((each) => !check(each)) < 0;

/** Whether it is one of these texts. */
export const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string);

/** Whether it is an object whose named fields pass; it may have others. */
export const shaped =
  (shape: Shape): Check =>
  (value) =>
    isObject(value) && Object.entries(shape).every(([name, check]) => check(value[name]));

/** A blob with its file's name. */
export const isNamedBlob: Check = (value) => isObject(value) && value.blob instanceof Blob && isString(value.name);

/** What stands for files: an address, or the files themselves. */
export const isModelRef: Check = (value) =>
  isObject(value) &&
  (isString(value.url) || (arrayOf(isNamedBlob)(value.files) && (value.files as unknown[]).length > 0)) &&
  optional(isString)(value.integrity);
