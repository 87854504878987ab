// Whether a file is a pretrained base model, which continues texts and answers no question, by what it says of itself.
// People take such a file by mistake: the instruction-tuned one beside it has `-it` in its name. Knows no template.
import type {Metadata} from '../gguf/metadata.ts';

const TUNED = /(^|[^a-z])(it|instruct|chat)([^a-z]|$)/i;
const BASE = /(^|[^a-z])(pt|base|pretrained)([^a-z]|$)/i;

/**
 * llama.cpp's converter writes `general.basename`, and `general.finetune` (`it`) where the model's name has such a part
 * (gguf-py/gguf/metadata.py). Files of other makers, such as Ollama's, say nothing of the kind: they are not suspected.
 */
export function looksPretrained(metadata: Metadata, fileName: string): boolean {
  const text = (key: string): string => {
    const raw = metadata.raw(key);
    return raw?.type === 'string' ? raw.value.slice(0, 200) : '';
  };
  const names = [text('general.finetune'), text('general.name'), fileName.slice(-200)];
  if (names.some((name) => TUNED.test(name))) return false;
  return text('general.basename') !== '' || names.some((name) => BASE.test(name));
}
