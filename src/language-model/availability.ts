// Whether a model can be had, in the words of the specification. Knows no options but languages.

/** Whether what was asked for can be had: at once, after a download, or not. */
export type Availability = 'unavailable' | 'downloadable' | 'downloading' | 'available';

const ORDER: readonly Availability[] = ['unavailable', 'downloading', 'downloadable', 'available'];

/** The specification's "minimum availability". */
export function minimum(all: readonly Availability[]): Availability {
  return ORDER.find((each) => all.includes(each)) ?? 'available';
}

/**
 * Languages that are called available: those of the public multilingual collections of text. Which ones Gemma was trained
 * with is not published ("over 140"), and how well a small model writes one is another question.
 */
const LANGUAGES =
  'af am ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fil fr ga gl gu ha he hi hr hu hy id ig is it ja jv ka kk km kn ko ku ky lb lo lt lv mg mi mk ml mn mr ms mt my nb ne nl nn no ny pa pl ps pt ro ru rw sd si sk sl sm sn so sq sr st su sv sw ta te tg th tk tl tr tt ug uk ur uz vi xh yi yo zh zu'.split(
    ' ',
  );

/** Of languages in canonical form: by their first subtag. */
export function languagesAvailable(tags: readonly string[] = []): Availability {
  return tags.every((tag) => LANGUAGES.includes(tag.split('-')[0])) ? 'available' : 'unavailable';
}
