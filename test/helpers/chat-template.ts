// Chat templates with the interpreter that the worker fetches for them.
import {BoundedTemplate} from '../../src/chat/bounded-jinja.ts';
import * as template from '../../src/chat/template.ts';
import type {Tokenizer} from '../../src/tokenizer/tokenizer.ts';

export const createTemplate = (tokenizer: Tokenizer, options?: template.TemplateForm): template.ChatTemplate =>
  template.createTemplate(tokenizer, BoundedTemplate, options);

export const readTemplate = (tokenizer: Tokenizer, options?: template.TemplateForm): (() => template.ChatTemplate) =>
  template.readTemplate(tokenizer, BoundedTemplate, options);
