// What JSON can hold.

export type PlainValue = string | number | boolean | null | PlainValue[] | {[key: string]: PlainValue};
export type PlainObject = {[key: string]: PlainValue};
