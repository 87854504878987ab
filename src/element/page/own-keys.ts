// Keys that write text stay in the chat: seen from the page their target is the element, which is no text field, and a
// page's one-key shortcuts would act on them. Keys with a modifier and those that only move the focus go on to the page.

const WRITING = /^(?:.|\p{Emoji}+|Enter|Backspace|Delete|Arrow\w+|Home|End|Page\w+|Process|Dead|Unidentified)$/su;
const FIELDS = 'textarea, input:not([type="checkbox"], [type="radio"], [type="button"], [type="file"])';

/** For everything in `root`. Its own listeners have heard a key before this. */
export function keepWritingKeys(root: EventTarget): void {
  for (const type of ['keydown', 'keypress', 'keyup']) {
    root.addEventListener(type, (event) => {
      if (writes(event as KeyboardEvent)) event.stopPropagation();
    });
  }
}

function writes(event: KeyboardEvent): boolean {
  const [target] = event.composedPath();
  if (!(target instanceof Element) || !target.matches(FIELDS)) return false;
  if (event.isComposing) return true;
  // AltGr writes, and says on Windows that it is Control and Alt.
  const command = (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState('AltGraph');
  return !command && WRITING.test(event.key);
}
