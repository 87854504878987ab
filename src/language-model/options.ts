// Options of LanguageModel.create() and availability(): their types, checks and what they mean for a session.
import {type Availability, languagesAvailable, minimum} from './availability.ts';
import {dictionary, enumeration, exception, languageTags, sequence} from './platform.ts';
import {canonicalPrompt, type LanguageModelMessage, type LanguageModelMessageType, TYPES} from './prompt-input.ts';
import type {Sampling, SessionSettings} from './session.ts';
import {type LanguageModelTool, sessionTools} from './tools.ts';

const MODES = {
  'most-predictable': {temperature: 0},
  predictable: {temperature: 0.4},
  'slightly-predictable': {temperature: 0.7},
  /** As Gemma's makers recommend: temperature 1, top-k 64, top-p 0.95. */
  balanced: {},
  'slightly-creative': {temperature: 1.15},
  creative: {temperature: 1.3},
  'most-creative': {temperature: 1.5},
} satisfies Record<string, Sampling>;

export type LanguageModelSamplingMode = keyof typeof MODES;

export interface LanguageModelExpected {
  type: LanguageModelMessageType;
  /** BCP 47. */
  languages?: readonly string[];
}

export interface LanguageModelCreateCoreOptions {
  /** Default `balanced`. */
  samplingMode?: LanguageModelSamplingMode;
  /** With `configure({experimental: true})` only, and only with `temperature`. Rounded down. */
  topK?: number;
  /** With `configure({experimental: true})` only, and only with `topK`. */
  temperature?: number;
  expectedInputs?: readonly LanguageModelExpected[];
  expectedOutputs?: readonly LanguageModelExpected[];
  tools?: readonly LanguageModelTool[];
}

export interface LanguageModelParams {
  readonly defaultTopK: number;
  readonly maxTopK: number;
  readonly defaultTemperature: number;
  readonly maxTemperature: number;
}

export const PARAMS: LanguageModelParams = Object.freeze({
  defaultTopK: 64,
  maxTopK: 128,
  defaultTemperature: 1,
  maxTemperature: 2,
});

/** What sessions can read and write. */
const INPUTS: readonly LanguageModelMessageType[] = ['text', 'tool-call', 'tool-response'];
const OUTPUTS: readonly LanguageModelMessageType[] = ['text', 'tool-call'];

/** Options after their checks. */
export interface CheckedOptions {
  availability: Availability;
  expected: ReadonlySet<LanguageModelMessageType>;
  settings: SessionSettings;
  /** Null where topK and temperature say it. */
  samplingMode: LanguageModelSamplingMode | null;
  topK: number;
  temperature: number;
}

interface Given extends LanguageModelCreateCoreOptions {
  initialPrompts?: readonly LanguageModelMessage[];
}

/**
 * @param experimental whether topK and temperature are options at all
 * @param creating what only `create()` refuses is refused
 * @throws TypeError, RangeError, SyntaxError, NotSupportedError, DataError; and what the page's own getters throw
 */
export function checkCreateOptions(value: unknown, experimental: boolean, creating: boolean): CheckedOptions {
  const options = dictionary<Given>(value, 'options');
  const inputs = expectations(options.expectedInputs, 'expectedInputs', INPUTS);
  const outputs = expectations(options.expectedOutputs, 'expectedOutputs', OUTPUTS);
  const expected = new Set<LanguageModelMessageType>(['text', ...inputs.types]);
  const sampling = experimental ? numbers(options, creating) : null;
  const samplingMode =
    options.samplingMode === undefined || String(options.samplingMode) === 'default'
      ? 'balanced'
      : enumeration(options.samplingMode, Object.keys(MODES) as LanguageModelSamplingMode[], 'samplingMode');
  const tools = sessionTools(options.tools, outputs.types.includes('tool-call'));
  const initial =
    creating && options.initialPrompts !== undefined ? sequence(options.initialPrompts, 'initialPrompts') : [];
  return {
    availability: minimum([inputs.availability, outputs.availability]),
    expected,
    settings: {
      initial: initial.length > 0 ? canonicalPrompt(initial, expected) : [],
      tools,
      sampling: sampling ?? MODES[samplingMode],
    },
    samplingMode: sampling ? null : samplingMode,
    topK: sampling?.top_k ?? PARAMS.defaultTopK,
    temperature: sampling?.temperature ?? PARAMS.defaultTemperature,
  };
}

function expectations(value: unknown, what: string, supported: readonly LanguageModelMessageType[]) {
  const items = (value === undefined ? [] : sequence(value, what)).map((item) => {
    const {type, languages} = dictionary<LanguageModelExpected>(item, what);
    return {
      type: enumeration(type, TYPES, `type in ${what}`),
      languages: languages === undefined ? [] : languageTags(languages, `languages in ${what}`),
    };
  });
  const availability = minimum(
    items.map(({type, languages}) => (supported.includes(type) ? languagesAvailable(languages) : 'unavailable')),
  );
  return {types: items.map(({type}) => type), availability};
}

function numbers(options: Given, creating: boolean): Required<Sampling> | null {
  const {samplingMode, topK, temperature} = options;
  if (topK === undefined && temperature === undefined) return null;
  if (samplingMode !== undefined) throw new TypeError('samplingMode together with topK or temperature');
  if (!creating) return null;
  if (topK === undefined || temperature === undefined) {
    throw exception('NotSupportedError', 'topK and temperature: give both or neither');
  }
  const [k, t] = [Number(topK), Number(temperature)];
  if (!(k >= 1)) throw new RangeError(`topK is ${k}; expected 1 or more`);
  if (!(t >= 0)) throw new RangeError(`temperature is ${t}; expected 0 or more`);
  return {top_k: Math.floor(Math.min(k, PARAMS.maxTopK)), temperature: Math.min(t, PARAMS.maxTemperature)};
}
