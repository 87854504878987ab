// What a client is told of a loaded model: from its header, its tokenizer and its chat template.
import type {ChatTemplate} from '../chat/template.ts';
import type {WireError} from '../errors.ts';
import type {GgufFile, TensorInfo} from '../gguf/gguf-file.ts';
import type {ModelInfo, WorkerStats} from '../protocol/messages.ts';
import {wireError} from '../protocol/wire-error.ts';
import type {Tokenizer} from '../tokenizer/tokenizer.ts';
import {looksPretrained} from './pretrained.ts';

/** What a model is described from. */
export interface DescribedModel {
  file: GgufFile;
  /** Name or address of the file. */
  source: string;
  /** Positions of a conversation as it is loaded, and as it was trained. */
  contextLength: number;
  trainedContextLength: number;
  tokenizer: Tokenizer;
  /** @throws GemmaError `template-invalid` */
  template: () => ChatTemplate;
}

/** `client.model`. A file may write anything into its header: names are for reading only. */
export function modelInfo({file, source, tokenizer, template, ...context}: DescribedModel): ModelInfo {
  const {metadata} = file;
  const tensors = [...file.tensors.values()];
  const baseName = source.split('/').at(-1) ?? source;
  return {
    architecture: metadata.string('general.architecture'),
    name: stringOr(file, 'general.name', baseName.replace(/\.gguf$/i, '')),
    quantization: mainType(tensors),
    parameters: tensors.reduce((sum, tensor) => sum + parameters(tensor), 0),
    fileSize: file.size,
    ...context,
    vocabSize: tokenizer.vocabSize,
    ...templateInfo(tokenizer, problemOf(template), looksPretrained(metadata, source)),
    capabilities: capabilitiesOf(template),
  };
}

/** The adapter that a device was requested from. */
export function describeAdapter(device: GPUDevice, info: GPUAdapterInfo): WorkerStats['adapter'] {
  const {vendor, architecture, device: name, description} = info;
  return {vendor, architecture, device: name, description, features: [...device.features].sort()};
}

function templateInfo(
  tokenizer: Tokenizer,
  chatProblem: WireError | null,
  pretrained: boolean,
): Pick<ModelInfo, 'template' | 'looksPretrained' | 'chatProblem'> {
  if (tokenizer.chatTemplate?.trim()) return {template: 'file', looksPretrained: false, chatProblem};
  return {template: chatProblem ? 'missing' : 'built-in', looksPretrained: pretrained, chatProblem};
}

function capabilitiesOf(template: () => ChatTemplate): ModelInfo['capabilities'] {
  try {
    return template().can();
  } catch {
    // It cannot chat at all.
    return {thinking: false, tools: false};
  }
}

function problemOf(template: () => ChatTemplate): WireError | null {
  try {
    template();
    return null;
  } catch (error) {
    return wireError(error);
  }
}

/** A name of the wrong type is no reason to refuse a model. */
function stringOr({metadata}: GgufFile, key: string, fallback: string): string {
  const raw = metadata.raw(key);
  return raw?.type === 'string' && raw.value !== '' ? raw.value : fallback;
}

/** The tensor type that most parameters are stored in; `general.file_type` is often wrong. */
function mainType(tensors: readonly TensorInfo[]): string {
  const counts = new Map<string, number>();
  for (const tensor of tensors) counts.set(tensor.type, (counts.get(tensor.type) ?? 0) + parameters(tensor));
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 'unknown';
}

function parameters({shape}: TensorInfo): number {
  return shape.reduce((product, n) => product * n, 1);
}
