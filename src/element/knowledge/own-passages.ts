// What a page's own function for passages is.

/** What a page's own function gives for a question, best first. */
export interface KnowledgePassage {
  url: string;
  text: string;
  title?: string;
  headings?: readonly string[];
}
/** Passages that answer a question; an empty list where there are none. */
export type KnowledgeFunction = (
  question: string,
  options: {signal: AbortSignal},
) => readonly KnowledgePassage[] | Promise<readonly KnowledgePassage[]>;
