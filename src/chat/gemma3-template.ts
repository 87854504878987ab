// Gemma 3's prompt format, for files that carry no template. It has no system role: the text goes before the first
// user's. Text in, text out; knows no tokens.
import {GemmaError} from '../errors.ts';
import type {TemplateInput} from './template-input.ts';

/** The prompt of Gemma 3 as text. @throws Error for roles that do not alternate */
export function renderGemma3({messages, bosToken, addGenerationPrompt}: TemplateInput): string {
  const first = messages[0];
  const hasSystem = first !== undefined && (first.role === 'system' || first.role === 'developer');
  let prefix = hasSystem ? `${first.content}\n\n` : '';
  let text = bosToken;
  (hasSystem ? messages.slice(1) : messages).forEach(({role, content}, i) => {
    const expected = i % 2 === 0 ? 'user' : 'assistant';
    if (role !== expected) {
      throw new GemmaError(
        'option-invalid',
        `message ${i + (hasSystem ? 1 : 0)} has role ${role}; Gemma 3 knows user and assistant in turn, user first`,
        {detail: {role, expected}},
      );
    }
    text += `<start_of_turn>${role === 'user' ? 'user' : 'model'}\n${prefix}${content.trim()}<end_of_turn>\n`;
    prefix = '';
  });
  return addGenerationPrompt ? `${text}<start_of_turn>model\n` : text;
}
