// `<div ${fromTheTop(true)}>`: an answer that is there all at once is read from its question on, and not from its end, where the
// list stands. A part of the knowledge chunk.
import type {DirectiveResult, ElementPart} from 'lit/async-directive.js';
import {AsyncDirective, directive, nothing} from '../handed.ts';

/** The class's base is handed over after this module was read. */
const makeDirective = () =>
  class FromTheTop extends AsyncDirective {
    #done = false;

    override render(_begins: boolean): unknown {
      return nothing;
    }

    override update(part: ElementPart, [begins]: [boolean]): unknown {
      if (begins && !this.#done) {
        // By the second frame the list has gone to its end, and heard of every change of its size.
        requestAnimationFrame(() => requestAnimationFrame(() => showQuestion(part.element)));
      }
      this.#done = true;
      return nothing;
    }
  };
let made: ((begins: boolean) => DirectiveResult) | null = null;

export function fromTheTop(begins: boolean): DirectiveResult {
  made ??= directive(makeDirective());
  return made(begins);
}

/** Moves the list back to the question that comes before this answer, where that is out of view. */
function showQuestion(inAnswer: Element): void {
  const answer = inAnswer.closest('[role="article"]');
  const list = inAnswer.closest('[role="log"]');
  const question = answer?.previousElementSibling ?? answer;
  if (!list || !question) return;
  const above = question.getBoundingClientRect().top - list.getBoundingClientRect().top;
  if (above < 0) list.scrollTop += above;
}
