// Chat templates with what the worker fetches for them.
import {BoundedTemplate} from '../../src/chat/bounded-jinja.ts';
import {renderGemma4} from '../../src/chat/gemma4-template.ts';
import * as template from '../../src/chat/template.ts';
import type {Tokenizer} from '../../src/tokenizer/tokenizer.ts';

const WRITERS = {jinja: BoundedTemplate, gemma4: renderGemma4};

export const createTemplate = (tokenizer: Tokenizer, options?: template.TemplateForm): template.ChatTemplate =>
  template.createTemplate(tokenizer, WRITERS, options);

export const readTemplate = (tokenizer: Tokenizer, options?: template.TemplateForm): (() => template.ChatTemplate) =>
  template.readTemplate(tokenizer, WRITERS, options);
