// Keys beyond the browser's own, while the focus is in the chat. All of them need a modifier or are Escape, so that none
// is hit while writing; a page can turn them off. Knows keys, not what they do.

export interface ShortcutActions {
  /** Null where there is nothing to stop. */
  stop: (() => void) | null;
  /** Null where no conversations are kept. */
  history: (() => void) | null;
  /** Null where there is no conversation to leave. */
  fresh: (() => void) | null;
}

/** By the key's place: with Alt it may write any character. */
const PLACES = {KeyH: 'history', KeyN: 'fresh'} as const;

/** Does what the keys of the event stand for, if they stand for something. */
export function pressed(event: KeyboardEvent, actions: ShortcutActions): void {
  if (event.defaultPrevented || event.isComposing) return;
  const act = actionOf(event, actions);
  if (!act) return;
  event.preventDefault();
  act();
}

function actionOf(event: KeyboardEvent, actions: ShortcutActions): (() => void) | null {
  const {key, code, altKey, shiftKey, ctrlKey, metaKey} = event;
  if (key === 'Escape' && !altKey && !shiftKey && !ctrlKey && !metaKey) return actions.stop;
  if (!altKey || !shiftKey || ctrlKey || metaKey || !Object.hasOwn(PLACES, code)) return null;
  return actions[PLACES[code as keyof typeof PLACES]];
}
