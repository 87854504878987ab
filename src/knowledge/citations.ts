// Numbers in an answer that name passages: found, and told from those that name none. Knows no view.

/** A piece of an answer: text, or the number of a passage that was given. */
export type CitedText = {text: string} | {text: string; passage: number};

const CITATION = /\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]/g;

/**
 * Cuts an answer at the numbers of its passages: `[2]`, `[1, 3]`. A number that is not 1 to `passages` stays text.
 */
export function citedText(answer: string, passages: number): CitedText[] {
  const pieces: CitedText[] = [];
  const text = (more: string): void => {
    const last = pieces.at(-1);
    if (more === '') return;
    if (last && !('passage' in last)) last.text += more;
    else pieces.push({text: more});
  };
  let at = 0;
  for (const match of answer.matchAll(CITATION)) {
    text(answer.slice(at, match.index));
    at = match.index + match[0].length;
    const numbers = match[1].split(/\s*[,;]\s*/).map(Number);
    if (!numbers.some((each) => each >= 1 && each <= passages)) text(match[0]);
    else {
      for (const number of numbers) {
        if (number >= 1 && number <= passages) pieces.push({text: `[${number}]`, passage: number});
        else text(`[${number}]`);
      }
    }
  }
  text(answer.slice(at));
  return pieces;
}

/**
 * A `response_format` under which an answer writes no number in brackets but those of passages that it was given. Text in
 * backticks is free.
 * @param given how many passages, from the first
 */
export function citationFormat(given: number): {type: 'regex'; regex: string} {
  const number = `(?:${Array.from({length: given}, (_, i) => i + 1).join('|')})`;
  const citation = `${number}(?:[,;] ?${number})*\\]`;
  return {type: 'regex', regex: `(?:[^[\`]|\`[^\`]*\`|\\[+(?:[^[0-9]${given > 0 ? `|${citation}` : ''}))*`};
}
